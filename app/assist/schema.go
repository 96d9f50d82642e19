package assist

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vitrine/app/builder"
)

// field is one thing that a model may say of a block. Where it says what a window shows, but may not make up
// (products, addresses), it names one of a numbered list.
type field struct {
	name string
	note string
	max  int // characters of a text
	at   func(*builder.Props) *string
	list string   // "products" or "links": the answer is a number of that list
	many int      // for list: how many; 0 is one
	of   []string // the answer is one of these
	rows int      // the answer is a list of questions and answers
}

// shape is a kind that a model may write. What is not here, it cannot: quotes would be made-up praise, and frames
// and galleries are the creator's to choose.
type shape struct {
	kind   builder.Kind
	note   string
	fields []field
}

func titled(max int, note string) field {
	return field{name: "title", note: note, max: max, at: func(p *builder.Props) *string { return &p.Title }}
}

func worded(max int, note string) field {
	return field{name: "text", note: note, max: max, at: func(p *builder.Props) *string { return &p.Text }}
}

func button(note string) field {
	return field{name: "button", note: note, max: 30, at: func(p *builder.Props) *string { return &p.Button }}
}

var linkField = field{name: "link", note: "number of a link of the list", list: "links"}

// shapes are the only description of what a model may answer: the JSON schema, the list in the prompt and the
// reader of answers are made from it.
var shapes = []shape{
	{builder.Header, "who this is; exactly one, first", []field{
		worded(200, "what they make, in one sentence"),
		{name: "socials", note: "numbers of links to social networks", list: "links", many: builder.MaxSocials},
	}},
	{builder.Text, "a short paragraph", []field{titled(80, "a heading of two to five words"), worded(600, "two to four sentences, in the first person")}},
	{builder.Product, "one product", []field{
		{name: "product", note: "number of a product of the list", list: "products"},
		{name: "note", note: "at most eight words about it, or empty", max: 80, at: func(p *builder.Props) *string { return &p.Note }},
	}},
	{builder.Grid, "three or more products under a heading", []field{titled(80, "a heading"), {name: "products", note: "numbers of products of the list", list: "products", many: builder.MaxGrid}}},
	{builder.Link, "a way to another page", []field{titled(80, "what it says"), linkField}},
	{builder.Scheduler, "where time is booked", []field{titled(80, "a heading"), worded(300, "what is booked"), linkField, button("what the button says")}},
	{builder.Image, "a photograph, chosen later by its words", []field{
		titled(200, "a caption, or empty"),
		{name: "search", note: "two to four English words to find it by", max: 60, at: func(p *builder.Props) *string { return &p.Note }},
	}},
	{builder.FAQ, "questions with answers that the creator's words give", []field{titled(80, "a heading"), {name: "items", note: "questions and answers", rows: 8}}},
	{builder.Contact, "a form that writes to the creator", []field{titled(80, "a heading"), worded(500, "what people may write about"), button("what the button says")}},
	{builder.Divider, "a pause", []field{{name: "style", note: "how it looks", of: []string{"line", "space", "scallop"}, at: func(p *builder.Props) *string { return &p.Style }}}},
}

func shapeOf(k builder.Kind) (shape, bool) {
	i := slices.IndexFunc(shapes, func(s shape) bool { return s.kind == k })
	if i < 0 {
		return shape{}, false
	}
	return shapes[i], true
}

type object = map[string]any

// schema is the JSON schema of an answer with some kinds: strict, so every property is required and none is added.
func schema(kinds ...builder.Kind) json.RawMessage {
	var any []object
	for _, s := range shapes {
		if slices.Contains(kinds, s.kind) {
			any = append(any, s.schema())
		}
	}
	b, err := json.Marshal(object{"type": "object", "additionalProperties": false, "required": []string{"blocks"},
		"properties": object{"blocks": object{"type": "array", "items": object{"anyOf": any}}}})
	if err != nil {
		panic(err) // made of strings and numbers
	}
	return b
}

func (s shape) schema() object {
	props, need := object{"kind": object{"type": "string", "enum": []string{string(s.kind)}}}, []string{"kind"}
	for _, f := range s.fields {
		props[f.name] = f.schema()
		need = append(need, f.name)
	}
	return object{"type": "object", "additionalProperties": false, "properties": props, "required": need}
}

func (f field) schema() object {
	switch {
	case f.rows > 0:
		row := object{"type": "object", "additionalProperties": false, "required": []string{"title", "text"},
			"properties": object{"title": object{"type": "string"}, "text": object{"type": "string"}}}
		return object{"type": "array", "items": row, "description": f.note}
	case f.list != "" && f.many > 0:
		return object{"type": "array", "items": object{"type": "integer"}, "description": f.note}
	case f.list != "":
		return object{"type": "integer", "description": f.note}
	case len(f.of) > 0:
		return object{"type": "string", "enum": f.of, "description": f.note}
	}
	return object{"type": "string", "description": fmt.Sprintf("%s; at most %d characters", f.note, f.max)}
}

// described is the list of kinds in words, for models that are not held to the schema.
func described(kinds ...builder.Kind) string {
	var b strings.Builder
	for _, s := range shapes {
		if !slices.Contains(kinds, s.kind) {
			continue
		}
		fmt.Fprintf(&b, "- %q: %s.", string(s.kind), s.note)
		for _, f := range s.fields {
			fmt.Fprintf(&b, " %q: %s", f.name, f.note)
			if f.max > 0 {
				fmt.Fprintf(&b, " (text, at most %d characters)", f.max)
			}
			if len(f.of) > 0 {
				fmt.Fprintf(&b, " (one of %s)", strings.Join(f.of, ", "))
			}
			b.WriteString(".")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// readPiece turns one object of an answer into a block, or says in words for the model what is wrong with it.
func readPiece(raw []byte, b Brief) (Piece, string, error) {
	var got map[string]json.RawMessage
	if err := json.Unmarshal(raw, &got); err != nil {
		return Piece{}, "", fmt.Errorf("a block is not a JSON object")
	}
	var name string
	if err := json.Unmarshal(got["kind"], &name); err != nil {
		return Piece{}, "", fmt.Errorf("a block has no kind")
	}
	s, ok := shapeOf(builder.Kind(name))
	if !ok {
		return Piece{}, "", fmt.Errorf("there is no kind %q", clip(name))
	}
	p := builder.Props{}
	for _, f := range s.fields {
		v, has := got[f.name]
		delete(got, f.name)
		if !has {
			continue
		}
		if err := f.read(v, b, &p); err != nil {
			return Piece{}, "", fmt.Errorf("%s of a %s block: %w", f.name, s.kind, err)
		}
	}
	if delete(got, "kind"); len(got) > 0 {
		for k := range got {
			return Piece{}, "", fmt.Errorf("a %s block has no %q", s.kind, clip(k))
		}
	}
	search := ""
	if s.kind == builder.Image {
		search, p.Note = p.Note, ""
	}
	out := Piece{Kind: s.kind, Props: p}
	return out, search, checkPiece(&out, search, b)
}

func (f field) read(v json.RawMessage, b Brief, p *builder.Props) error {
	switch {
	case f.rows > 0:
		var rows []builder.Item
		if err := json.Unmarshal(v, &rows); err != nil {
			return fmt.Errorf("must be a list of questions and answers")
		}
		if len(rows) > f.rows {
			return fmt.Errorf("has more than %d questions", f.rows)
		}
		p.Items = rows
		return nil
	case f.list != "":
		return f.readNumbers(v, b, p)
	}
	var s string
	if err := json.Unmarshal(v, &s); err != nil {
		return fmt.Errorf("must be a text")
	}
	if len(f.of) > 0 && !slices.Contains(f.of, s) {
		return fmt.Errorf("must be one of %s", strings.Join(f.of, ", "))
	}
	if f.max > 0 && len([]rune(s)) > f.max {
		return fmt.Errorf("has more than %d characters", f.max)
	}
	*f.at(p) = s
	return nil
}

func (f field) readNumbers(v json.RawMessage, b Brief, p *builder.Props) error {
	var ns []int
	if f.many == 0 {
		var n int
		if err := json.Unmarshal(v, &n); err != nil {
			return fmt.Errorf("must be a number of the list")
		}
		ns = []int{n}
	} else if err := json.Unmarshal(v, &ns); err != nil || len(ns) > f.many {
		return fmt.Errorf("must be a list of at most %d numbers", f.many)
	}
	for _, n := range ns {
		size := len(b.Links)
		if f.list == "products" {
			size = len(b.Products)
		}
		if n < 1 || n > size {
			return fmt.Errorf("%s has no number %s", f.list, strconv.Itoa(n))
		}
		switch {
		case f.list == "products" && f.many == 0:
			p.Product = b.Products[n-1].ID
		case f.list == "products":
			p.Products = append(p.Products, b.Products[n-1].ID)
		case f.many == 0:
			p.URL = b.Links[n-1]
		default:
			p.Socials = append(p.Socials, builder.Social{URL: b.Links[n-1]})
		}
	}
	return nil
}

// clip keeps what is quoted back to a model short.
func clip(s string) string { return short(s, 40) }
