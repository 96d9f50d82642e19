package source

import (
	"net/mail"
	"regexp"
	"strings"
	"time"
)

// mails are what columns of addresses are called.
var mails = []string{"email", "e mail", "purchase email", "buyer email", "email address", "subscriber email", "mail"}

// people reads lists of members, followers, customers and sales. One row is one person; who is there again, or has
// asked not to be written to, is left out.
func people(t table, file string) Set {
	s := Set{From: listOf(t), Scope: "people"}
	seen := map[string]bool{}
	for _, r := range t.rows {
		p := Record{Kind: Person, Row: r.n}
		raw := first(t.get(r, mails...), r.at(t.col(mails...)))
		p.Email = strings.ToLower(strings.TrimSpace(raw))
		p.Key = "person:" + p.Email
		p.Title = personName(t, r)
		p.Consent = consent(s.From, t, r)
		p.Since = day(first(t.get(r, "created at", "subscribed at", "subscription date", "patronage since date", "purchase date", "date", "signup date", "date subscribed", "confirmed at", "followed on"), r.at(t.col("purchase date", "created at", "follow date", "date"))))
		switch why := refusal(t, r); {
		case p.Email == "":
			p.Key = "row"
			p.refuse("There is no e-mail address in this row.")
		case !address(p.Email):
			p.refuse("This is no e-mail address: %s", raw)
		case why != "":
			p.refuse(why)
		case seen[p.Email]:
			p.refuse("It is there twice.")
		}
		if p.Out == nil {
			seen[p.Email] = true
		}
		if plan := t.get(r, "tier", "plan", "active subscription"); p.Out == nil && plan != "" && plan != "free" && !strings.EqualFold(plan, "false") && s.From != "gumroad-sales" {
			p.change("The payment that goes on there stays there. Here the person is a reader.")
		}
		s.Records = append(s.Records, p)
	}
	return s
}

// listOf tells who wrote the list, by its columns.
func listOf(t table) string {
	switch {
	case t.has("patron status"):
		return "patreon"
	case t.has("purchase email") || t.has("item name") && t.has("purchase date"):
		return "gumroad-sales"
	case t.has("subscription date substack"), t.has("free tier"), t.has("subscribe page url"), t.has("acquisition source"), t.has("subscriber id") && t.has("tier"):
		return "beehiiv"
	case t.has("active subscription"), t.has("email disabled"), t.has("email verified") && t.has("stripe connected customer id"):
		return "substack-members"
	case t.col("purchase date") >= 0, t.has("email required"), t.col("follow date") >= 0:
		return "gumroad-audience"
	}
	return "members"
}

func personName(t table, r tableRow) string {
	if n := line(t.get(r, "name", "full name", "buyer name", "subscriber name")); n != "" {
		return n
	}
	n, _ := cut(line(t.get(r, "first name")+" "+t.get(r, "last name")), 80)
	return n
}

// consent says in one line how a person came to be in the list.
func consent(from string, t table, r tableRow) string {
	switch from {
	case "gumroad-sales":
		if item := line(t.get(r, "item name", "product")); item != "" {
			s, _ := cut("Bought “"+item+"” on Gumroad", 160)
			return s
		}
		return "Bought something on Gumroad"
	case "gumroad-audience":
		if t.col("purchase date") >= 0 {
			return "Customer on Gumroad"
		}
		return "Follower on Gumroad"
	case "beehiiv":
		return "Subscribed on beehiiv"
	case "substack-members":
		return "Subscribed on Substack"
	case "patreon":
		return "Member on Patreon"
	}
	return "From a list of the shop’s owner"
}

// refusal is why a person must not be written to, as the list has it.
func refusal(t table, r tableRow) string {
	gone := "They have asked not to be written to any more."
	switch st := strings.ToLower(first(t.get(r, "status", "state", "subscription status"), t.get(r, "patron status"))); st {
	case "unsubscribed", "inactive", "cancelled", "canceled", "deleted", "removed", "opted out", "declined", "former patron", "declined patron":
		return gone
	case "pending", "validating", "unconfirmed", "needs attention":
		return "They have not confirmed their address."
	case "bounced", "invalid", "complained", "complaint", "spam":
		return "Letters to this address came back, or were called spam."
	}
	switch {
	case t.get(r, "unsubscribed at", "unsubscribed date", "removed at") != "":
		return gone
	case yes(t.get(r, "email disabled")), yes(t.get(r, "unsubscribed")):
		return gone
	case yes(t.get(r, "refunded")), yes(t.get(r, "fully refunded")):
		return "The purchase was refunded."
	case yes(t.get(r, "disputed")):
		return "The purchase was disputed."
	case t.has("can contact") && !yes(t.get(r, "can contact")):
		return gone
	case t.has("email verified") && strings.EqualFold(t.get(r, "email verified"), "false"):
		return "They have not confirmed their address."
	}
	return ""
}

var plainAddress = regexp.MustCompile(`^[^\s@<>"(),:;\\\[\]]+@[^\s@<>"(),:;\\\[\]]+\.[^\s@<>"(),:;\\\[\].]{2,}$`)

func address(s string) bool {
	if len(s) > 254 || !plainAddress.MatchString(s) {
		return false
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}

// day reads the dates that lists are exported with.
func day(s string) string {
	s = strings.TrimSpace(s)
	for _, f := range []string{"2006-01-02 15:04:05 MST", "2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "01/02/2006", "1/2/2006", "Jan 2, 2006", "2006/01/02", "02.01.2006"} {
		if d, err := time.Parse(f, s); err == nil && d.Year() > 1990 && d.Year() < 2100 {
			return d.Format("2006-01-02")
		}
	}
	return ""
}
