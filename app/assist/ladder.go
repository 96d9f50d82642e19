package assist

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vitrine/app/builder"
	"vitrine/app/errs"
	"vitrine/app/id"
)

// windowKinds are what a model may put into a window.
func windowKinds(b Brief) (out []builder.Kind) {
	for _, s := range shapes {
		if s.kind == builder.Image && !b.Pictures || len(b.Links) == 0 && (s.kind == builder.Link || s.kind == builder.Scheduler) ||
			len(b.Products) == 0 && s.kind == builder.Product || len(b.Products) < 3 && s.kind == builder.Grid {
			continue
		}
		out = append(out, s.kind)
	}
	return out
}

// put is told of each block as soon as it is good. For an image, search is what it should show.
type put func(p Piece, search string) error

// hand puts blocks down one by one and knows what is still missing.
type hand struct {
	b     Brief
	put   put
	have  map[builder.Kind]int
	shown map[id.Product]bool
	n     int
}

// most is how many blocks a window is written with.
const most = 14

// add puts a block down unless it is there already. The header always is the first.
func (h *hand) add(p Piece, search string) error {
	single := p.Kind == builder.Header || p.Kind == builder.Contact || p.Kind == builder.FAQ || p.Kind == builder.Image || p.Kind == builder.Scheduler
	switch {
	case single && h.have[p.Kind] > 0, p.Kind == builder.Text && h.have[p.Kind] >= 3, p.Kind == builder.Divider && h.have[p.Kind] >= 2, h.n >= most && p.Kind != builder.Contact:
		return nil
	case p.Kind == builder.Product && h.shown[p.Props.Product]:
		return nil
	}
	if p.Kind != builder.Header && h.have[builder.Header] == 0 {
		for _, t := range byTemplate(h.b) {
			if t.Kind == builder.Header {
				if err := h.down(t, ""); err != nil {
					return err
				}
			}
		}
	}
	if p.Kind == builder.Grid {
		return h.grid(p)
	}
	return h.down(p, search)
}

// grid puts down what is on sale side by side, and each draft below it by itself: a grid shows none that are not on sale,
// and their creator would not see that they are there.
func (h *hand) grid(p Piece) error {
	var all, drafts []id.Product
	for _, x := range p.Props.Products {
		switch i := slices.IndexFunc(h.b.Products, func(w Ware) bool { return w.ID == x }); {
		case h.shown[x]:
		case i >= 0 && !h.b.Products[i].Active:
			drafts = append(drafts, x)
		default:
			all = append(all, x)
		}
	}
	if p.Props.Products = all; len(all) > 0 {
		if err := h.down(p, ""); err != nil {
			return err
		}
	}
	for _, x := range drafts {
		if err := h.down(Piece{Kind: builder.Product, Props: builder.Props{Product: x}}, ""); err != nil {
			return err
		}
	}
	return nil
}

func (h *hand) down(p Piece, search string) error {
	if p.ID.IsZero() {
		p.ID = id.New[id.BlockKind]()
	}
	if err := h.put(p, search); err != nil {
		return err
	}
	h.have[p.Kind]++
	h.n++
	h.shown[p.Props.Product] = true
	for _, x := range p.Props.Products {
		h.shown[x] = true
	}
	return nil
}

// lacks names what a window must have and this one has not.
func (h *hand) lacks() (out []string) {
	if h.have[builder.Header] == 0 {
		out = append(out, "the header is missing")
	}
	for i, p := range h.b.Products {
		if !h.shown[p.ID] {
			out = append(out, fmt.Sprintf("product %d is not shown", i+1))
		}
	}
	if h.have[builder.Contact] == 0 {
		out = append(out, "the contact block is missing")
	}
	return out
}

// fill completes a window from the templates: all of it if there is nothing, else what must not be missing.
func (h *hand) fill() error {
	if h.n == 0 {
		for _, t := range byTemplate(h.b) {
			if err := h.add(t, ""); err != nil {
				return err
			}
		}
		return nil
	}
	for _, p := range h.b.Products {
		if !h.shown[p.ID] {
			if err := h.add(Piece{Kind: builder.Product, Props: builder.Props{Product: p.ID}}, ""); err != nil {
				return err
			}
		}
	}
	for _, t := range byTemplate(h.b) {
		if t.Kind == builder.Contact {
			return h.add(t, "")
		}
	}
	return nil
}

// writeWindow writes a window: with the model, with what it was told was wrong, and with the templates, each only
// as far as the one before has not done it. It says who wrote it, and why it was not the model.
func (s *Service) writeWindow(ctx context.Context, r Run, b Brief, p put) (by, why string, err error) {
	h := &hand{b: b, put: p, have: map[builder.Kind]int{}, shown: map[id.Product]bool{{}: true}}
	if s.Model == nil {
		return ByTemplate, WhyNoKey, h.fill()
	}
	kinds := windowKinds(b)
	why, err = s.talk(ctx, r, b, talk{prompt: promptWindow, kinds: kinds, most: 2400, take: h.add, lacks: h.lacks})
	switch {
	case err != nil:
		return "", why, err
	case h.n == 0 && why == "":
		why = WhyFaulty
	}
	if h.n == 0 {
		return ByTemplate, why, h.fill()
	}
	return ByModel, "", h.fill()
}

// writeOne has the model write a single block; without an answer that can be used it is from the templates.
func (s *Service) writeOne(ctx context.Context, r Run, b Brief, prompt string, k builder.Kind, now builder.Props) (out builder.Props, by, why string, err error) {
	fromTemplate := func(why string) (builder.Props, string, string, error) {
		p, ok := again(b, k, now)
		if !ok {
			return now, "", why, errNotText
		}
		return p, ByTemplate, why, nil
	}
	if s.Model == nil {
		return fromTemplate(WhyNoKey)
	}
	got := false
	take := func(p Piece, _ string) error {
		if p.Kind == k && !got {
			out, got = p.Props, true
		}
		return nil
	}
	lacks := func() []string {
		if got {
			return nil
		}
		return []string{fmt.Sprintf("there is no block of kind %q", string(k))}
	}
	why, err = s.talk(ctx, r, b, talk{prompt: prompt, kinds: []builder.Kind{k}, most: 900, take: take, lacks: lacks, now: now, heat: 0.9})
	if err != nil {
		return out, "", why, err
	}
	if !got {
		return fromTemplate(orElse(why, WhyFaulty))
	}
	return merge(k, now, out), ByModel, "", nil
}

// merge is the new text with what the creator has chosen themselves.
func merge(k builder.Kind, now, fresh builder.Props) builder.Props {
	fresh.URL, fresh.Product, fresh.Products, fresh.Pictures, fresh.Socials = now.URL, now.Product, now.Products, now.Pictures, now.Socials
	fresh.Icon, fresh.Style, fresh.Status = now.Icon, now.Style, now.Status
	if k == builder.Header {
		fresh.Title = now.Title
	}
	return fresh
}

// talk is up to two questions to the model: the second says what was wrong with the answer to the first.
type talk struct {
	prompt string
	kinds  []builder.Kind
	most   int
	heat   float32
	take   func(p Piece, search string) error
	lacks  func() []string
	now    builder.Props
}

// talk returns why the model has not written, which is no error: the templates then do. It is an error when
// what was written could not be put down, or when the model refuses.
func (s *Service) talk(ctx context.Context, r Run, b Brief, t talk) (why string, err error) {
	d := promptData{Brief: b, Kinds: described(t.kinds...), Kind: t.kinds[0], Now: fenceless(t.now.Title + "\n" + t.now.Text)}
	system, said := prompted(t.prompt, d), []string{prompted(promptFacts, d)}
	for turn := 1; ; turn++ {
		answer, faults, err := s.ask(ctx, r, b, t, system, said)
		if why := excuse(err); why != "" {
			if why == WhyRefused {
				return why, errRefuse
			}
			return why, nil
		}
		if err != nil {
			return "", err
		}
		if faults = append(faults, t.lacks()...); len(faults) == 0 || turn == 2 {
			return "", nil
		}
		repair := prompted(promptRepair, promptData{Brief: b, Faults: "- " + strings.Join(faults[:min(len(faults), 8)], "\n- ")})
		said = append(said, short(answer, 8000), repair)
		t.heat = 0.2
	}
}

// excuse is why an endpoint did not answer; empty for what is no fault of its own.
func excuse(err error) string {
	switch {
	case err == nil, errors.Is(err, errStop), errors.Is(err, errPut): // what cannot be put down is not the endpoint's fault
		return ""
	case errors.Is(err, errRefuse):
		return WhyRefused
	case errors.Is(err, errCreatorSpent):
		return WhyCreator
	case errors.Is(err, errInstanceSpent):
		return WhyAll
	case errors.Is(err, context.Canceled):
		return "" // this process ends; the run is taken for dead later
	case errors.Is(err, errSilent), errors.Is(err, context.DeadlineExceeded):
		return WhySlow
	case errs.KindOf(err) != errs.Internal:
		return ""
	}
	return WhyDown
}

var (
	errStop = errors.New("enough has been read")
	errPut  = errors.New("a block cannot be put down")
)

// answerIn is how long one answer may take from end to end.
const answerIn = 60 * time.Second

// ask puts one question and takes the blocks of its answer one by one as they come.
func (s *Service) ask(ctx context.Context, r Run, b Brief, t talk, system string, said []string) (answer string, faults []string, err error) {
	in := estimate(append(said, system, string(schema(t.kinds...)))...)
	set, err := s.take(ctx, r.Creator, in+int64(t.most))
	if err != nil {
		return "", nil, err
	}
	var sc scanner
	receive := func(part string) error {
		for _, raw := range sc.feed(part) {
			p, search, err := readPiece([]byte(raw), b)
			if err == nil && !slices.Contains(t.kinds, p.Kind) {
				err = fmt.Errorf("a %s block is not wanted here", p.Kind)
			}
			if err != nil {
				faults = append(faults, err.Error())
				continue
			}
			if err := t.take(p, search); err != nil {
				return fmt.Errorf("%w: %w", errPut, err)
			}
		}
		if sc.done {
			return errStop
		}
		return nil
	}
	begin := s.DB.Now()
	actx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	u, err := s.Model.Answer(actx, Ask{System: system, Talk: said, Schema: schema(t.kinds...), Most: t.most, Heat: t.heat + 0.4, Receive: receive})
	if errors.Is(err, errStop) {
		err = nil
	}
	if u == (Usage{}) && sc.text.Len() > 0 { // the stream ended before the endpoint said what it took
		u = Usage{int(in), int(estimate(sc.String()))}
	}
	c := call{Run: r.ID, Creator: r.Creator, Prompt: t.prompt, Model: s.Model.Name, Usage: u, Cost: s.Budget.cost(u), Took: s.DB.Now().Sub(begin), Outcome: outcome(err, faults)}
	if logErr := s.logCall(ctx, c, set); logErr != nil {
		return "", nil, logErr
	}
	if sc.cut() || !sc.in {
		faults = append(faults, "the answer is not a whole JSON object with a list of blocks")
	}
	return sc.String(), faults, err
}

func outcome(err error, faults []string) string {
	switch {
	case err != nil:
		return orElse(excuse(err), "error")
	case len(faults) > 0:
		return "repair"
	}
	return "ok"
}
