package admin

import (
	"context"
	"encoding/csv"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/web"
	view "vitrine/views/admin"
	"vitrine/views/text"
	"vitrine/views/ui"
)

const casesPage = 100

func (h *Handler) cases(c echo.Context) error {
	ctx := c.Request().Context()
	p := Choice{Closed: c.QueryParam("state") == "closed", Kind: c.QueryParam("kind"), Limit: casesPage + 1}
	p.After, _ = strconv.Atoi(c.QueryParam("after"))
	p.After = max(p.After, 0)
	all, err := h.Service.Cases(ctx, p)
	if err != nil {
		return err
	}
	counts, err := h.Service.Kinds(ctx, p.Closed)
	if err != nil {
		return err
	}
	q := url.Values{}
	if p.Closed {
		q.Set("state", "closed")
	}
	if p.Kind != "" {
		q.Set("kind", p.Kind)
	}
	v := view.ListProps{Title: text.T(ctx, "Cases"), Filters: h.caseFilters(ctx, p, counts), CSV: "/admin/cases.csv?" + q.Encode(),
		EmptyTitle: text.T(ctx, "No open case"), Empty: text.T(ctx, "What the nightly comparison and the hourly check find comes here, each thing once, with its age.")}
	if p.Closed {
		v.EmptyTitle, v.Empty = text.T(ctx, "No closed case"), text.T(ctx, "Cases that have ended stay here with the reason.")
	}
	if len(all) > casesPage {
		all = all[:casesPage]
		q.Set("after", strconv.Itoa(p.After+casesPage))
		v.More = "/admin/cases?" + q.Encode()
	}
	for _, k := range all {
		v.Rows = append(v.Rows, h.caseRow(ctx, k))
	}
	return h.list(c, "cases", v)
}

// caseFilters are open or closed, and the kinds of which there are any.
func (h *Handler) caseFilters(ctx context.Context, p Choice, counts map[string]int) []view.Filter {
	state, path := "", "/admin/cases"
	if p.Closed {
		state = "closed"
	}
	out := []view.Filter{filter(text.T(ctx, "State"), path, "state", state, [][2]string{{"", text.T(ctx, "Open")}, {"closed", text.T(ctx, "Closed")}})}
	f := view.Filter{Label: text.T(ctx, "Kind")}
	add := func(kind, label string) {
		q := url.Values{}
		if p.Closed {
			q.Set("state", "closed")
		}
		if kind != "" {
			q.Set("kind", kind)
		}
		href := path
		if len(q) > 0 {
			href += "?" + q.Encode()
		}
		f.Options = append(f.Options, ui.Option{Value: "kind-" + strings.ReplaceAll(kind, " ", "-"), Label: label, Selected: kind == p.Kind})
		f.Hrefs = append(f.Hrefs, href)
	}
	add("", text.T(ctx, "All kinds"))
	for _, k := range kinds {
		if counts[k] > 0 || k == p.Kind {
			add(k, text.T(ctx, "%s (%d)", kindLabel(ctx, k), counts[k]))
		}
	}
	if len(f.Options) > 2 || p.Kind != "" {
		out = append(out, f)
	}
	return out
}

func (h *Handler) caseRow(ctx context.Context, k Case) ui.Row {
	what, _ := meaning(ctx, k)
	r := ui.Row{ID: "case-" + k.ID.String(), Href: casePath(k.ID), Title: what, Note: kindLabel(ctx, k.Kind), EndNote: h.ago(ctx, k.Since())}
	if a, ok := k.Stake(); ok {
		r.End = a.Format()
	}
	switch {
	case !k.Open():
		r.EndNote, r.Pill = h.local(k.ClosedAt), ui.Pill{Label: text.T(ctx, "Closed"), Tone: "good"}
	case k.AssignedTo != "":
		r.Pill = ui.Pill{Label: text.T(ctx, "with %s", k.AssignedTo)}
	case h.Service.DB.Now().Sub(k.Since()) > 24*time.Hour:
		r.Pill = ui.Pill{Label: text.T(ctx, "too long"), Tone: "bad"}
	}
	return r
}

func casePath(n id.Case) string { return "/admin/cases/" + n.String() }

// casesCSV is the list as a table, with its filters. Who has taken it is noted.
func (h *Handler) casesCSV(c echo.Context) error {
	ctx := c.Request().Context()
	p := Choice{Closed: c.QueryParam("state") == "closed", Kind: c.QueryParam("kind"), Limit: allCases}
	all, err := h.Service.Cases(ctx, p)
	if err != nil {
		return err
	}
	if err := h.Service.DB.InTx(ctx, func(tx *db.Tx) error {
		return audit.Log(ctx, tx, web.Who(c).ID, "admin.cases.export", "cases", map[string]any{"closed": p.Closed, "kind": p.Kind, "rows": len(all)})
	}); err != nil {
		return err
	}
	res := c.Response()
	res.Header().Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	res.Header().Set(echo.HeaderContentDisposition, `attachment; filename="cases.csv"`)
	res.WriteHeader(http.StatusOK)
	w := csv.NewWriter(res)
	if err := w.Write([]string{"case", "kind", "fault", "key", "since", "opened", "closed", "provider", "theirs", "ours", "amount", "currency", "assigned to", "closed by", "reason"}); err != nil {
		return err
	}
	for _, k := range all {
		amount, currency := "", ""
		if a, ok := k.Stake(); ok {
			amount, currency = a.Decimal(), string(a.Currency)
		}
		closed := ""
		if !k.Open() {
			closed = k.ClosedAt.Format(time.RFC3339)
		}
		row := []string{k.ID.String(), k.Kind, k.Details.Fault, k.Key, k.Since().UTC().Format(time.RFC3339), k.OpenedAt.Format(time.RFC3339), closed, k.Details.Provider,
			k.Details.Theirs, k.Details.Ours, amount, currency, k.AssignedTo, k.ClosedBy, k.Why}
		for i, cell := range row {
			row[i] = harmless(cell)
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// harmless keeps a spreadsheet from taking a text for a formula. Sums may begin with a minus.
func harmless(s string) string {
	if s == "" || !strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return s
	}
	if s[0] == '-' && len(s) > 1 && s[1] >= '0' && s[1] <= '9' {
		return s
	}
	return "'" + s
}

func (h *Handler) showCase(c echo.Context) error {
	return h.renderCase(c, http.StatusOK, c.QueryParam("do"), "", nil)
}

// renderCase draws a case, with what was wrong with the form that was sent.
func (h *Handler) renderCase(c echo.Context, status int, do, typed string, problem error) error {
	ctx := c.Request().Context()
	k, history, err := h.Service.Case(ctx, web.Who(c).ID, c.Param("case"))
	if err != nil {
		return err
	}
	p := h.presentCase(ctx, k, history, web.Who(c).ID)
	p.Do, p.Typed = do, typed
	if problem != nil {
		if p.Errors = web.FieldMessages(c, problem); len(p.Errors) == 0 {
			p.Refusal = web.Sentence(c, problem)
		}
	}
	return h.page(c, status, "cases", p.Title, view.Show(p))
}

func (h *Handler) presentCase(ctx context.Context, k Case, history []Moment, who id.User) view.ShowProps {
	p := view.ShowProps{Title: kindLabel(ctx, k.Kind), Up: "/admin/cases", UpLabel: text.T(ctx, "All cases"), Action: casePath(k.ID),
		Lead: text.T(ctx, "%s old, found %s.", h.ago(ctx, k.Since()), h.local(k.OpenedAt))}
	p.What, p.Next = meaning(ctx, k)
	if a, ok := k.Stake(); ok {
		p.Title = text.T(ctx, "%s · %s", a.Format(), p.Title)
		p.Facts = append(p.Facts, view.Fact{Label: text.T(ctx, "At stake"), Value: a.Format()})
	}
	p.Facts = append(p.Facts, h.caseFacts(ctx, k)...)
	p.Sides = h.sides(ctx, k)
	p.State = ui.Pill{Label: text.T(ctx, "Open"), Tone: "bad"}
	if k.Open() {
		p.Ways = []view.Act{
			{Name: "close", Label: text.T(ctx, "Close the case"), Button: text.T(ctx, "Close the case"), Kind: "go", Field: text.T(ctx, "Reason"),
				Says: text.T(ctx, "Say what it was and what was done. If the checks find the same again, the case opens again.")},
			{Name: "note", Label: text.T(ctx, "Write a note"), Button: text.T(ctx, "Keep the note"), Kind: "line", Field: text.T(ctx, "Note"), Says: text.T(ctx, "For the next person who looks.")},
		}
		if k.comparable() {
			p.Plain = append(p.Plain, view.Act{Name: "compare", Button: text.T(ctx, "Compare again now")})
		}
		if k.Assignee == who {
			p.Plain = append(p.Plain, view.Act{Name: "drop", Button: text.T(ctx, "Give it up")})
		} else {
			p.Plain = append(p.Plain, view.Act{Name: "take", Button: text.T(ctx, "Take it in hand")})
		}
	} else {
		p.State = ui.Pill{Label: text.T(ctx, "Closed"), Tone: "good"}
		p.Ways = []view.Act{{Name: "note", Label: text.T(ctx, "Write a note"), Button: text.T(ctx, "Keep the note"), Kind: "line", Field: text.T(ctx, "Note"), Says: text.T(ctx, "For the next person who looks.")}}
	}
	for _, m := range history {
		v := view.Moment{Note: m.Note, Who: m.Who, When: h.local(m.At)}
		if v.Who == "" {
			v.Who = text.T(ctx, "The checks")
		}
		v.Label, v.Tone = momentLabel(ctx, m.Kind)
		p.History = append(p.History, v)
	}
	return p
}

func (h *Handler) caseFacts(ctx context.Context, k Case) []view.Fact {
	d := k.Details
	var out []view.Fact
	add := func(label, value, href string) {
		if value != "" {
			out = append(out, view.Fact{Label: label, Value: value, Href: href, ID: "fact-" + strconv.Itoa(len(out))})
		}
	}
	add(text.T(ctx, "Provider"), providerName(d.Provider), "")
	add(text.T(ctx, "Since"), h.local(k.Since()), "")
	add(text.T(ctx, "In hand"), k.AssignedTo, "")
	add(text.T(ctx, "Finding"), d.Finding, "")
	add(text.T(ctx, "Code"), d.Code, "")
	add(text.T(ctx, "Asked"), d.Asked, "")
	add(text.T(ctx, "Sent"), d.Sent, "")
	add(text.T(ctx, "Paid"), d.Paid, "")
	if d.Payout != "" {
		add(text.T(ctx, "Payout"), d.Payout, "/admin/payouts/"+url.PathEscape(d.Payout))
	}
	add(text.T(ctx, "Payment"), d.Intent, "")
	add(text.T(ctx, "Payment page"), d.Session, "")
	add(text.T(ctx, "Checkout"), d.Checkout, "")
	for _, o := range append(d.Orders, d.Order) {
		if o != "" {
			add(text.T(ctx, "Order"), o, "/admin/risk/decisions?order="+url.QueryEscape(o))
		}
	}
	add(text.T(ctx, "Key"), k.Key, "")
	return out
}

// sides are the objects that say different things.
func (h *Handler) sides(ctx context.Context, k Case) []view.Side {
	d := k.Details
	if k.Kind != "difference" {
		return nil
	}
	side := func(title, sum, label string, refs []string, none string) view.Side {
		s := view.Side{Title: title, Facts: []view.Fact{{Label: text.T(ctx, "Amount"), Value: signed(sum)}}}
		for _, r := range refs {
			s.Facts = append(s.Facts, view.Fact{Label: label, Value: r})
		}
		if len(refs) == 0 {
			s.Facts = append(s.Facts, view.Fact{Label: label, Value: none})
		}
		return s
	}
	return []view.Side{
		side(text.T(ctx, "At the provider"), d.Theirs, text.T(ctx, "Line"), d.Lines, text.T(ctx, "none")),
		side(text.T(ctx, "In the book"), d.Ours, text.T(ctx, "Entry"), d.Entries, text.T(ctx, "none")),
	}
}

// signed is a kept amount as a person reads it.
func signed(s string) string {
	if a, ok := amountOf(s); ok {
		return a.Format()
	}
	return s
}

func (h *Handler) closeCase(c echo.Context) error {
	return h.onCase(c, "close", text.T(c.Request().Context(), "The case is closed."), "/admin/cases", func(ctx context.Context, who id.User, n id.Case) error {
		return h.Service.Close(ctx, who, n, web.Text(c, "reason"))
	})
}

func (h *Handler) noteCase(c echo.Context) error {
	return h.onCase(c, "note", text.T(c.Request().Context(), "The note is kept."), "", func(ctx context.Context, who id.User, n id.Case) error {
		return h.Service.Note(ctx, who, n, web.Text(c, "reason"))
	})
}

func (h *Handler) takeCase(c echo.Context) error {
	return h.onCase(c, "", text.T(c.Request().Context(), "The case is yours."), "", h.Service.Take)
}

func (h *Handler) dropCase(c echo.Context) error {
	return h.onCase(c, "", text.T(c.Request().Context(), "The case is nobody's again."), "", h.Service.Drop)
}

func (h *Handler) compareCase(c echo.Context) error {
	ctx := c.Request().Context()
	n, err := caseOf(c)
	if err != nil {
		return err
	}
	closed, err := h.Service.CompareAgain(ctx, web.Who(c).ID, n)
	if refused(err) {
		return h.renderCase(c, web.Status(err), "", "", err)
	}
	if err != nil {
		return err
	}
	if closed {
		web.Flash(c, text.T(ctx, "Both sides agree again. The case is closed."))
		return web.SeeOther(c, "/admin/cases")
	}
	web.Flash(c, text.T(ctx, "The difference is still there."))
	return web.SeeOther(c, casePath(n))
}

func caseOf(c echo.Context) (id.Case, error) {
	n, err := id.Parse[id.CaseKind](c.Param("case"))
	if err != nil {
		return n, errNoCase
	}
	return n, nil
}

// onCase does something with a case and says so; what a person can mend is shown beside the form.
func (h *Handler) onCase(c echo.Context, do, news, to string, f func(context.Context, id.User, id.Case) error) error {
	n, err := caseOf(c)
	if err != nil {
		return err
	}
	if err := f(c.Request().Context(), web.Who(c).ID, n); err != nil {
		if refused(err) {
			return h.renderCase(c, web.Status(err), do, web.Text(c, "reason"), err)
		}
		return err
	}
	web.Flash(c, news)
	if to == "" {
		to = casePath(n)
	}
	return web.SeeOther(c, to)
}
