-- +goose Up
-- A creator's newest lines, page by page, and all that happened to one order. What changes an order after its sale is
-- rare, so the second index costs sales nothing.
CREATE INDEX ledger_lines_recent ON ledger_lines (account, currency, entry_id);
DROP INDEX ledger_lines_account;
CREATE INDEX ledger_entries_subject ON ledger_entries (split_part(key, ':', 2)) WHERE kind IN ('refund', 'dispute', 'hold', 'release');
