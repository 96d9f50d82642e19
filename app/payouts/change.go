package payouts

import (
	"cmp"
	"context"
	"net/mail"
	"strings"
	"time"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/id"
)

// linkLife is how long a mailed link works.
const linkLife = 24 * time.Hour

// SetPayPal adds a PayPal address. Nothing is sent there before the creator has followed the link that is mailed to
// them, not to that address: who has only the session cannot take the money.
func (s *Service) SetPayPal(ctx context.Context, who Who, address string) (m Method, err error) {
	address = strings.TrimSpace(address)
	if a, perr := mail.ParseAddress(address); perr != nil || a.Address != address || len(address) > 127 || !strings.Contains(address, ".") {
		return m, errs.Field("address", "This does not look like an e-mail address.")
	}
	err = s.inMethod(ctx, func(tx *db.Tx) error {
		if err := s.lockCreator(ctx, tx, who.User); err != nil {
			return err
		}
		all, err := s.listMethods(ctx, tx, who.User)
		if err != nil {
			return err
		}
		for _, have := range all {
			switch {
			case have.Provider != PayPal:
			case have.Current && strings.EqualFold(have.Address, address):
				return errs.Field("address", "Payouts go to this address already.")
			case !have.Current: // the new one takes its place
				have.State = Gone
				if err := s.updateMethod(ctx, tx, have); err != nil {
					return err
				}
			}
		}
		fresh := Method{ID: id.New[id.MethodKind](), Creator: who.User, Provider: PayPal, Address: address, State: Unconfirmed, email: who.Email}
		if err := s.insertMethod(ctx, tx, fresh); err != nil {
			return err
		}
		if err := s.propose(ctx, tx, fresh, changeUse); err != nil {
			return err
		}
		if m, err = s.findMethod(ctx, tx, fresh.ID); err != nil {
			return err
		}
		if err := s.asked(ctx, tx, who.User, "payouts.address", m); err != nil {
			return err
		}
		return s.refresh(ctx, tx, who.User)
	})
	return m, err
}

// Choose asks for payouts to go to another of the creator's methods. It happens when the mailed link is followed. To
// choose the current one again says that what was wrong there is in order.
func (s *Service) Choose(ctx context.Context, who Who, method id.Method) error {
	return s.inMethod(ctx, func(tx *db.Tx) error {
		m, err := s.own(ctx, tx, who.User, method)
		if err != nil {
			return err
		}
		switch {
		case m.Current:
			m.Trouble, m.TroubleAt, m.RestsUntil, m.troubles = "", time.Time{}, time.Time{}, 0
			if err := s.updateMethod(ctx, tx, m); err != nil {
				return err
			}
			return s.refresh(ctx, tx, who.User)
		case m.State != Ready && m.State != Unconfirmed:
			return errs.New(errs.Conflict, "Nothing can be paid out there yet. Finish it first.")
		}
		if err := s.propose(ctx, tx, m, changeUse); err != nil {
			return err
		}
		return s.asked(ctx, tx, who.User, "payouts.choose", m)
	})
}

// Disconnect asks for a method to be taken away. It happens when the mailed link is followed. Sales go on: the money
// waits.
func (s *Service) Disconnect(ctx context.Context, who Who, method id.Method) error {
	return s.inMethod(ctx, func(tx *db.Tx) error {
		m, err := s.own(ctx, tx, who.User, method)
		if err != nil {
			return err
		}
		if m.State == Unconfirmed || m.Account == "" && m.Provider == Stripe { // nothing was ever paid there
			m.State, m.Current = Gone, false
			if err := s.updateMethod(ctx, tx, m); err != nil {
				return err
			}
			return s.refresh(ctx, tx, who.User)
		}
		if err := s.propose(ctx, tx, m, changeDisconnect); err != nil {
			return err
		}
		return s.asked(ctx, tx, who.User, "payouts.disconnect", m)
	})
}

// own locks one of the creator's methods. Someone else's, and one that is gone, is not found.
func (s *Service) own(ctx context.Context, tx *db.Tx, creator id.User, method id.Method) (Method, error) {
	m, err := s.takeMethod(ctx, tx, method)
	if db.None(err) || err == nil && (m.Creator != creator || m.State == Gone) {
		return m, errNoMethod
	}
	return m, err
}

// propose mails a link that makes a change. A newer one takes its place.
func (s *Service) propose(ctx context.Context, tx *db.Tx, m Method, what string) error {
	c := change{ID: id.New[id.GrantKind](), Creator: m.Creator, Method: m.ID, What: what, Expires: tx.Now.Add(linkLife)}
	if err := s.insertChange(ctx, tx, c, id.Hash(s.token(c.ID))); err != nil {
		return err
	}
	return s.mail(ctx, tx, MailTask{Creator: m.Creator, What: mailConfirm, Method: m.ID, Change: c.ID})
}

func (s *Service) token(c id.Grant) string {
	return id.Derive(s.Secret, "payout-change", c.String())
}

func (s *Service) asked(ctx context.Context, tx *db.Tx, who id.User, action string, m Method) error {
	if err := audit.Log(ctx, tx, who, action, "user:"+who.String(), map[string]any{"method": m.ID.String(), "provider": m.Provider}); err != nil {
		return err
	}
	return event.Emit(ctx, tx, Changed, who.String())
}

var errLink = errs.New(errs.Gone, "This link was used, or its time is over. Ask for a new one.")

// Confirm does what a mailed link stands for, once. The creator must be signed in: the link alone does nothing.
func (s *Service) Confirm(ctx context.Context, creator id.User, token string) (m Method, err error) {
	if id.CheckToken(token) != nil {
		return m, errLink
	}
	err = s.inMethod(ctx, func(tx *db.Tx) error {
		if err := s.lockCreator(ctx, tx, creator); err != nil {
			return err
		}
		c, err := s.peekChange(ctx, tx, id.Hash(token))
		if db.None(err) {
			return errLink
		}
		if err != nil {
			return err
		}
		if m, err = s.own(ctx, tx, creator, c.Method); errs.Is(err, errs.NotFound) {
			return errLink
		} else if err != nil {
			return err
		}
		if used, err := s.useUpChange(ctx, tx, creator, c.ID); err != nil || !used {
			return cmp.Or(err, error(errLink))
		}
		if c.What == changeDisconnect {
			m, err = s.drop(ctx, tx, m)
		} else {
			m, err = s.use(ctx, tx, m)
		}
		if err != nil {
			return err
		}
		if err := s.asked(ctx, tx, creator, "payouts.confirmed", m); err != nil {
			return err
		}
		return s.refresh(ctx, tx, creator)
	})
	return m, err
}

// use makes a method the current one. Unless it is the first ever, nothing is sent there for a while, and the address
// before hears of it too.
func (s *Service) use(ctx context.Context, tx *db.Tx, m Method) (Method, error) {
	if m.Current {
		return m, nil
	}
	if m.State == Unconfirmed {
		m.State = Ready
	}
	if m.State != Ready {
		return m, errs.New(errs.Conflict, "Nothing can be paid out there at the moment.")
	}
	old, has, err := s.currentMethod(ctx, tx, m.Creator)
	if err != nil {
		return m, err
	}
	ever, err := s.everReady(ctx, tx, m.Creator, m.ID)
	if err != nil {
		return m, err
	}
	if has {
		if old, err = s.takeMethod(ctx, tx, old.ID); err != nil {
			return m, err
		}
		old.Current = false
		if old.Provider == PayPal {
			old.State = Gone
		}
		if err := s.updateMethod(ctx, tx, old); err != nil {
			return m, err
		}
	}
	m.Current = true
	if m.readied.IsZero() {
		m.readied = tx.Now
	}
	kind := mailReady
	if has || ever {
		kind, m.PayableFrom = mailChanged, tx.Now.Add(ChangeDelay)
	}
	if err := s.updateMethod(ctx, tx, m); err != nil {
		return m, err
	}
	task := MailTask{Creator: m.Creator, What: kind, Method: m.ID, Cause: tx.Now.Format(time.RFC3339Nano)}
	if has && old.Provider == PayPal {
		task.Old = old.ID
	}
	return m, s.mail(ctx, tx, task)
}

// drop takes a method away.
func (s *Service) drop(ctx context.Context, tx *db.Tx, m Method) (Method, error) {
	m.State, m.Current = Gone, false
	if err := s.updateMethod(ctx, tx, m); err != nil {
		return m, err
	}
	task := MailTask{Creator: m.Creator, What: mailGone, Method: m.ID}
	if m.Provider == PayPal {
		task.Old = m.ID
	}
	return m, s.mail(ctx, tx, task)
}
