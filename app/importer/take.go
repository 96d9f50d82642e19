package importer

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"vitrine/app/builder"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/importer/source"
	"vitrine/app/job"
	"vitrine/app/storefronts"
)

// Choice is what a creator wants of what was found.
type Choice struct {
	Keys    map[string]bool
	People  bool // all of them
	Mine    bool // they say that the page is theirs
	Replace bool // the blocks there are are taken out; only where nothing of the source is in the window yet
}

// verb is what the history says of an import.
const verb = "brought things from elsewhere"

// Outlook is what can be chosen, and how it would come.
type Outlook struct {
	Import   Import
	Verdicts []verdict
	Currency string
	Fresh    bool // the window holds nothing but its empty header
	Again    bool // something of this source is in the window
}

// Outlook judges what an import has found, as things are now.
func (s *Service) Outlook(ctx context.Context, who storefronts.Who, n id.Import) (Outlook, error) {
	i, err := s.Get(ctx, who, n)
	if err != nil {
		return Outlook{}, err
	}
	o := Outlook{Import: i}
	if i.State != Found {
		return o, nil
	}
	g, err := s.ground(ctx, s.DB, who, i.Set)
	if err != nil {
		return o, err
	}
	o.Currency, o.Fresh, o.Again = string(g.shop.Currency), g.fresh(), g.some
	for _, r := range i.Set.Records {
		o.Verdicts = append(o.Verdicts, g.judge(r))
	}
	return o, nil
}

// fresh reports whether nobody has made anything of the window yet.
func (g ground) fresh() bool {
	return len(g.blocks) == 0 || len(g.blocks) == 1 && g.blocks[0].Kind == builder.Header && g.blocks[0].Props.Equal(builder.Props{})
}

// taking is one import while it is taken.
type taking struct {
	s     *Service
	tx    *db.Tx
	who   storefronts.Who
	n     id.Import
	set   source.Set
	g     ground
	judge []verdict

	fate     []Line
	known    map[int]knownRow
	products []id.Product
	jobs     []job.Item
	pictures int
	people   int
}

// Take brings what was chosen, all of it in one transaction. Asked again it changes nothing.
func (s *Service) Take(ctx context.Context, who storefronts.Who, n id.Import, c Choice) error {
	if !c.Mine {
		return errs.Field("mine", "Tick this if it is yours. Only what is your own may be brought here.")
	}
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		r, err := lock(ctx, tx, who, n)
		if err != nil || r.State == string(Taken) {
			return err
		}
		if r.State != string(Found) {
			return errs.New(errs.Conflict, "This is still being read.")
		}
		i, err := r.load()
		if err != nil {
			return err
		}
		t := taking{s: s, tx: tx, who: who, n: n, set: i.Set, known: map[int]knownRow{}}
		if err := t.run(ctx, c); err != nil {
			return err
		}
		failpoint.Hit("importer.take.before_commit")
		return nil
	})
	failpoint.Hit("importer.take.after_commit")
	return err
}

func (t *taking) run(ctx context.Context, c Choice) error {
	if _, err := t.s.Shops.Lock(ctx, t.tx, t.who); err != nil {
		return err
	}
	var err error
	if t.g, err = t.s.ground(ctx, t.tx, t.who, t.set); err != nil {
		return err
	}
	t.weigh(c)
	replace := (c.Replace || t.g.fresh()) && !t.g.some
	if err := t.bring(ctx, replace); err != nil {
		return err
	}
	if err := t.update(ctx); err != nil {
		return err
	}
	if err := t.greet(ctx); err != nil {
		return err
	}
	t.follow()
	for i, k := range t.known {
		k.Key, k.Print = t.set.Records[i].Key, printOf(t.set.Records[i])
		if err := putKnown(ctx, t.tx, t.who, t.set.Scope, t.n, k); err != nil {
			return fmt.Errorf("note what was brought: %w", err)
		}
	}
	return t.end(ctx)
}

// weigh decides for each record whether it is to come.
func (t *taking) weigh(c Choice) {
	t.fate = make([]Line, len(t.set.Records))
	for i, r := range t.set.Records {
		v := t.g.judge(r)
		t.judge = append(t.judge, v)
		l := Line{Row: r.Row, Kind: r.Kind, What: what(r)}
		switch {
		case !v.Can:
			l.Outcome, l.Notes = Left, []source.Note{v.Why}
		case r.Of != "":
		case !c.Keys[r.Key] && !(r.Kind == source.Person && c.People):
			l.Outcome, l.Notes = Left, []source.Note{note("You did not choose it.")}
		default:
			l.Outcome, l.Notes = Imported, v.Notes
		}
		t.fate[i] = l
	}
}

func (t *taking) leave(i int, text string, args ...string) {
	t.fate[i].Outcome, t.fate[i].Notes = Left, []source.Note{note(text, args...)}
}

// bring makes products and blocks of what is new.
func (t *taking) bring(ctx context.Context, replace bool) error {
	header, free := t.header(replace)
	p := newPlan(t.set, t.judge, free)
	goods := 0
	for i, r := range t.set.Records {
		if t.fate[i].Outcome != Imported || t.judge[i].Update || r.Kind == source.Person {
			continue
		}
		if r.Kind == source.Product {
			if goods++; goods > MaxProducts {
				t.leave(i, "One import brings %s products. Bring the rest with another one.", fmt.Sprint(MaxProducts))
				continue
			}
		}
		p.add(i)
	}
	units := p.done()
	replace = replace && len(units) > 0 && units[0].kind == builder.Header
	for i, ns := range p.notes {
		t.fate[i].Notes = append(t.fate[i].Notes, ns...)
	}
	room := builder.MaxBlocks - len(t.g.blocks)
	if replace {
		room = builder.MaxBlocks
	}
	var blocks []builder.Proposed
	var filled *builder.Proposed
	for _, u := range units {
		if header != (id.Block{}) && u.kind == builder.Header && !replace {
			u.block = header
			filled = &builder.Proposed{ID: header, Kind: builder.Header, Props: u.props}
		} else if room--; room < 0 && !u.product {
			for _, i := range u.of {
				t.leave(i, "A window has room for %s blocks.", fmt.Sprint(builder.MaxBlocks))
			}
			continue
		}
		b, err := t.make(ctx, u)
		if err != nil {
			return err
		}
		switch {
		case filled != nil && filled.ID == u.block:
		case room >= 0:
			blocks = append(blocks, b)
		default: // products come without a place in the window
			for _, i := range u.of {
				t.known[i] = knownRow{Product: t.known[i].Product}
			}
		}
	}
	if len(blocks)+len(t.products) > 0 {
		err := t.s.Window.Apply(ctx, t.tx, t.who, builder.Proposal{Verb: verb, Group: t.n.String(), Replace: replace, Blocks: blocks, Products: t.products})
		if err != nil {
			return err
		}
	}
	if filled != nil {
		return t.s.Window.Revise(ctx, t.tx, t.who, verb, t.n.String(), []builder.Proposed{*filled})
	}
	return nil
}

// header is the window's own, if it is empty, and whether one can be filled.
func (t *taking) header(replace bool) (id.Block, bool) {
	for _, b := range t.g.blocks {
		if b.Kind == builder.Header {
			if empty := b.Props.Equal(builder.Props{}); replace || empty {
				return b.ID, true
			}
			return id.Block{}, false
		}
	}
	return id.Block{}, true
}

// make turns a unit into a block, with its products and reserved pictures.
func (t *taking) make(ctx context.Context, u unit) (builder.Proposed, error) {
	out := builder.Proposed{ID: u.block, Kind: u.kind, Props: u.props}
	for _, img := range u.images {
		f, err := t.reserve(ctx, img.of, img.url)
		if err != nil {
			return out, err
		}
		if !f.IsZero() {
			out.Props.Pictures = append(out.Props.Pictures, builder.Picture{File: f, Alt: img.alt})
		}
	}
	for _, i := range u.of {
		k := knownRow{Block: u.block}
		if u.product {
			p, err := t.good(ctx, i)
			if err != nil {
				return out, err
			}
			k.Product = p
			if u.kind == builder.Grid {
				out.Props.Products = append(out.Props.Products, p)
			} else {
				out.Props.Product = p
			}
		}
		t.known[i] = k
	}
	return out, nil
}

// good makes a product of a record.
func (t *taking) good(ctx context.Context, i int) (id.Product, error) {
	r := t.set.Records[i]
	in := t.g.input(r, t.judge[i].amount)
	if r.Image != "" {
		f, err := t.reserve(ctx, i, r.Image)
		if err != nil {
			return id.Product{}, err
		}
		if !f.IsZero() {
			in.Cover = f.String()
		}
	}
	p, err := t.s.Goods.Draft(ctx, t.tx, seller(t.who, t.g.shop), in)
	if err == nil {
		t.products = append(t.products, p)
	}
	return p, err
}

// reserve makes a place for a picture and asks a worker to fill it; zero when there are too many.
func (t *taking) reserve(ctx context.Context, of int, url string) (id.File, error) {
	if t.pictures++; t.pictures > MaxPictures {
		t.fate[of].Notes = append(t.fate[of].Notes, note("Its picture is left out: one import fetches %s of them.", fmt.Sprint(MaxPictures)))
		return id.File{}, nil
	}
	name, _, _ := strings.Cut(path.Base(url), "?")
	f, err := t.s.Pictures.Reserve(ctx, t.tx, t.who.User, name)
	if errs.Is(err, errs.TooMany) {
		t.fate[of].Notes = append(t.fate[of].Notes, note("Its picture is left out: too many others are still on their way."))
		return id.File{}, nil
	}
	if err != nil {
		return id.File{}, err
	}
	t.jobs = append(t.jobs, job.Item{Task: Fetch{f.ID}, Options: []job.Option{job.On(job.Slow), job.Key("importer:fetch:" + f.ID.String())}})
	return f.ID, insertPicture(ctx, t.tx, pictureRow{File: f.ID, Import: t.n, Creator: t.who.User, URL: url})
}

// update lets what is here already say what its source says now.
func (t *taking) update(ctx context.Context) error {
	seen := map[id.Block]bool{}
	var changed []builder.Proposed
	for i, r := range t.set.Records {
		v := t.judge[i]
		if t.fate[i].Outcome != Imported || !v.Update {
			continue
		}
		t.known[i] = knownRow{Block: v.block, Product: v.product}
		if r.Kind == source.Product {
			if err := t.s.Goods.Reword(ctx, t.tx, seller(t.who, t.g.shop), v.product, t.g.input(r, v.amount)); err != nil {
				return err
			}
			continue
		}
		if seen[v.block] {
			continue
		}
		seen[v.block] = true
		if b, ok := t.rebuilt(v.block); ok {
			changed = append(changed, b)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return t.s.Window.Revise(ctx, t.tx, t.who, verb, t.n.String(), changed)
}

// rebuilt is a block made anew of all the records that it came from; its pictures stay.
func (t *taking) rebuilt(block id.Block) (builder.Proposed, bool) {
	var have builder.Block
	for _, b := range t.g.blocks {
		if b.ID == block {
			have = b
		}
	}
	p := newPlan(t.set, t.judge, have.Kind == builder.Header)
	for i, r := range t.set.Records {
		if k, ok := t.g.known[r.Key]; ok && k.Block == block && r.Out == nil {
			p.add(i)
		}
	}
	for _, u := range p.done() {
		if u.kind == have.Kind {
			u.props.Pictures, u.props.Icon = have.Props.Pictures, have.Props.Icon
			return builder.Proposed{ID: block, Kind: have.Kind, Props: u.props}, true
		}
	}
	return builder.Proposed{}, false
}

// greet adds people to the audience.
func (t *taking) greet(ctx context.Context) error {
	var ps []person
	for i, r := range t.set.Records {
		if r.Kind == source.Person && t.fate[i].Outcome == Imported {
			ps = append(ps, person{r.Email, short(r.Title, 80), short(r.Consent, 160), r.Since})
		}
	}
	if len(ps) == 0 {
		return nil
	}
	added, err := addPeople(ctx, t.tx, t.who, t.n, ps)
	if err != nil {
		return fmt.Errorf("add people: %w", err)
	}
	t.people = len(added)
	fresh := map[string]bool{}
	for _, e := range added {
		fresh[strings.ToLower(e)] = true
	}
	for i, r := range t.set.Records {
		if r.Kind == source.Person && t.fate[i].Outcome == Imported && !fresh[r.Email] {
			t.leave(i, "They are in your audience already.")
		}
	}
	return nil
}

// follow gives what belongs to another record its fate.
func (t *taking) follow() {
	at := map[string]int{}
	for i, r := range t.set.Records {
		at[r.Key] = i
	}
	for i, r := range t.set.Records {
		l := &t.fate[i]
		if of, ok := at[r.Of]; ok && l.Outcome == "" {
			if l.Outcome, l.Notes = Imported, t.judge[i].Notes; t.fate[of].Outcome == Left {
				t.leave(i, "What it belongs to was left out.")
			}
		}
		if l.Outcome == "" {
			t.leave(i, "What it belongs to was left out.")
		}
		if l.Outcome == Imported && len(l.Notes) > 0 {
			l.Outcome = Altered
		}
	}
}

func (t *taking) end(ctx context.Context) error {
	raw, err := json.Marshal(t.fate)
	if err != nil {
		return err
	}
	var undo int64
	if len(t.known) > 0 {
		h, err := t.s.Window.History(ctx, t.tx, t.who)
		if err != nil {
			return err
		}
		if h.Undo != nil {
			undo = h.Undo.Seq
		}
	}
	if err := setTaken(ctx, t.tx, t.n, raw, undo, t.people); err != nil {
		return err
	}
	if err := job.EnqueueAll(ctx, t.tx, t.jobs...); err != nil {
		return err
	}
	return event.Emit(ctx, t.tx, Changed, t.who.Shop.String())
}
