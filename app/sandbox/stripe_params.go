package sandbox

import (
	"net/mail"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// node is one name of a form-encoded tree: a[b][0]=c.
type node struct {
	value string
	leaf  bool
	kids  map[string]*node
}

func parseTree(form url.Values) (*node, *apiError) {
	root := &node{}
	for key, values := range form {
		parts, ok := splitKey(key)
		if !ok {
			return nil, invalid(key, "", "Invalid parameter name: %s", key)
		}
		for i, v := range values {
			p := parts
			if parts[len(parts)-1] == "" {
				p = append(slices.Clone(parts[:len(parts)-1]), strconv.Itoa(i))
			}
			root.add(p, v)
		}
	}
	return root, nil
}

func splitKey(key string) ([]string, bool) {
	head, rest, nested := strings.Cut(key, "[")
	if head == "" {
		return nil, false
	}
	parts := []string{head}
	if !nested {
		return parts, true
	}
	if !strings.HasSuffix(rest, "]") {
		return nil, false
	}
	return append(parts, strings.Split(rest[:len(rest)-1], "][")...), true
}

func (n *node) add(path []string, v string) {
	if len(path) == 0 {
		n.value, n.leaf = v, true
		return
	}
	if n.kids == nil {
		n.kids = map[string]*node{}
	}
	kid, ok := n.kids[path[0]]
	if !ok {
		kid = &node{}
		n.kids[path[0]] = kid
	}
	kid.add(path[1:], v)
}

// params reads a tree and remembers what was read: what is left over at the end is unknown to Stripe.
type params struct {
	path string
	n    *node
	c    *collector
}

type collector struct {
	used  map[*node]bool
	first *apiError
	root  *node
}

func newParams(root *node) *params {
	return &params{n: root, c: &collector{used: map[*node]bool{}, root: root}}
}

func (p *params) fail(e *apiError) {
	if p.c.first == nil {
		p.c.first = e
	}
}

func (p *params) name(name string) string {
	if p.path == "" {
		return name
	}
	return p.path + "[" + name + "]"
}

func (p *params) kid(name string) *node {
	if p.n == nil {
		return nil
	}
	k := p.n.kids[name]
	if k != nil {
		p.c.used[k] = true
	}
	return k
}

// done is the first complaint, unknown names before all others.
func (p *params) done() error {
	var unknown []string
	p.c.unread(p.c.root, "", &unknown)
	sort.Strings(unknown)
	switch {
	case len(unknown) == 1:
		return invalid(unknown[0], "parameter_unknown", "Received unknown parameter: %s", unknown[0])
	case len(unknown) > 1:
		return invalid(unknown[0], "parameter_unknown", "Received unknown parameters: %s", strings.Join(unknown, ", "))
	case p.c.first != nil:
		return p.c.first
	}
	return nil
}

func (c *collector) unread(n *node, path string, out *[]string) {
	for name, k := range n.kids {
		full := name
		if path != "" {
			full = path + "[" + name + "]"
		}
		if !c.used[k] {
			*out = append(*out, full)
			continue
		}
		c.unread(k, full, out)
	}
}

// has reports whether the object was sent at all.
func (p *params) has() bool { return p.n != nil }

func (p *params) obj(name string) *params {
	k := p.kid(name)
	if k != nil && k.leaf && k.value != "" {
		p.fail(invalid(p.name(name), "", "Invalid object"))
	}
	return &params{p.name(name), k, p.c}
}

// list reads name[0], name[1], …, or name[].
func (p *params) list(name string) []*params {
	k := p.kid(name)
	if k == nil {
		return nil
	}
	if k.leaf && k.value != "" {
		p.fail(invalid(p.name(name), "", "Invalid array"))
		return nil
	}
	keys := make([]int, 0, len(k.kids))
	for s := range k.kids {
		i, err := strconv.Atoi(s)
		if err != nil || i < 0 || i > 999 {
			p.fail(invalid(p.name(name), "", "Invalid array"))
			return nil
		}
		keys = append(keys, i)
	}
	slices.Sort(keys)
	out := make([]*params, 0, len(keys))
	for _, i := range keys {
		s := strconv.Itoa(i)
		kid := k.kids[s]
		if kid == nil { // "01" and the like
			p.fail(invalid(p.name(name), "", "Invalid array"))
			return nil
		}
		p.c.used[kid] = true
		out = append(out, &params{p.name(name) + "[" + s + "]", kid, p.c})
	}
	return out
}

func (p *params) strs(name string) []string {
	var out []string
	for _, it := range p.list(name) {
		if !it.n.leaf {
			p.fail(invalid(it.path, "", "Invalid string: {}"))
			continue
		}
		out = append(out, it.n.value)
	}
	return out
}

// text is a string of at most limit characters; absent is "".
func (p *params) text(name string, limit int) string {
	k := p.kid(name)
	if k == nil {
		return ""
	}
	if !k.leaf {
		p.fail(invalid(p.name(name), "", "Invalid string: {}"))
		return ""
	}
	if k.value == "" {
		p.fail(invalid(p.name(name), "parameter_invalid_empty", "You passed an empty string for '%[1]s'. We assume empty values are an attempt to unset a parameter; however '%[1]s' cannot be unset. You should remove '%[1]s' from your request or supply a non-empty value.", p.name(name)))
		return ""
	}
	if !utf8.ValidString(k.value) {
		p.fail(invalid(p.name(name), "", "Invalid UTF-8 in parameter: %s", p.name(name)))
		return ""
	}
	if utf8.RuneCountInString(k.value) > limit {
		p.fail(invalid(p.name(name), "parameter_invalid_string", "Invalid string: %s; must be at most %d characters", clip(k.value), limit))
		return ""
	}
	return k.value
}

func (p *params) str(name string) string { return p.text(name, 5000) }

func (p *params) need(name string, limit int) string {
	if p.n == nil || p.n.kids[name] == nil {
		p.lacks(name)
		return ""
	}
	return p.text(name, limit)
}

func (p *params) lacks(name string) {
	p.fail(invalid(p.name(name), "parameter_missing", "Missing required param: %s.", p.name(name)))
}

func (p *params) enum(name string, allowed ...string) string {
	v := p.str(name)
	if v != "" && !slices.Contains(allowed, v) {
		p.fail(invalid(p.name(name), "", "Invalid %s: must be one of %s", p.name(name), orList(allowed)))
		return ""
	}
	return v
}

func (p *params) flag(name string) (value, given bool) {
	v := p.str(name)
	switch v {
	case "true":
		return true, true
	case "false":
		return false, true
	case "":
		return false, false
	}
	p.fail(invalid(p.name(name), "", "Invalid boolean: %s", clip(v)))
	return false, false
}

// num is a whole number within low and high.
func (p *params) num(name string, low, high int64) (value int64, given bool) {
	v := p.str(name)
	if v == "" {
		return 0, false
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || strings.HasPrefix(v, "+") {
		p.fail(invalid(p.name(name), "parameter_invalid_integer", "Invalid integer: %s", clip(v)))
		return 0, false
	}
	if n < low {
		p.fail(invalid(p.name(name), "parameter_invalid_integer", "This value must be greater than or equal to %d.", low))
		return 0, false
	}
	if n > high {
		p.fail(invalid(p.name(name), "parameter_invalid_integer", "This value must be less than or equal to %d.", high))
		return 0, false
	}
	return n, true
}

func (p *params) email(name string) string {
	v := p.text(name, 800)
	if v == "" {
		return ""
	}
	if !validEmail(v) {
		p.fail(invalid(p.name(name), "email_invalid", "Invalid email address: %s", clip(v)))
		return ""
	}
	return v
}

func (p *params) url(name string, required bool) string {
	v := ""
	if required {
		v = p.need(name, 5000)
	} else {
		v = p.str(name)
	}
	if v == "" {
		return ""
	}
	u, err := url.Parse(strings.ReplaceAll(v, "{CHECKOUT_SESSION_ID}", "cs"))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		p.fail(invalid(p.name(name), "url_invalid", "Not a valid URL"))
		return ""
	}
	return v
}

// meta reads metadata; given is false when it was not sent. An empty value asks for removal.
func (p *params) meta(name string) (m map[string]string, given bool) {
	k := p.kid(name)
	if k == nil {
		return nil, false
	}
	if k.leaf && k.value != "" {
		p.fail(invalid(p.name(name), "", "Invalid hash"))
		return nil, false
	}
	m = map[string]string{}
	for key, v := range k.kids {
		p.c.used[v] = true
		switch {
		case !v.leaf || len(v.kids) > 0:
			p.fail(invalid(p.name(name), "", "Metadata values must be strings, but for key '%s' you passed in a value of type hash", clip(key)))
		case utf8.RuneCountInString(key) > 40:
			p.fail(invalid(p.name(name), "", "Metadata keys can have up to 40 characters, but you passed in '%s'. Invalid key: %s", clip(key), clip(key)))
		case utf8.RuneCountInString(v.value) > 500:
			p.fail(invalid(p.name(name)+"["+key+"]", "", "Metadata values can have up to 500 characters, but you passed in a value that is %d characters. Invalid value: %s", utf8.RuneCountInString(v.value), clip(v.value)))
		}
		m[key] = v.value
	}
	if len(m) > 50 {
		p.fail(invalid(p.name(name), "", "You cannot have more than 50 metadata keys."))
	}
	return m, true
}

// newMeta is metadata of a new object.
func (p *params) newMeta(name string) map[string]string {
	m, _ := p.meta(name)
	return mergeMeta(nil, m)
}

func mergeMeta(old, change map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range old {
		out[k] = v
	}
	for k, v := range change {
		if v == "" {
			delete(out, k)
		} else {
			out[k] = v
		}
	}
	return out
}

// refuse names what Stripe has and the sandbox has not.
func (p *params) refuse(names ...string) {
	for _, n := range names {
		if k := p.kid(n); k != nil {
			p.c.spare(k)
			p.fail(unsupported(p.name(n)))
		}
	}
}

func (c *collector) spare(n *node) {
	c.used[n] = true
	for _, k := range n.kids {
		c.spare(k)
	}
}

func validEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s {
		return false
	}
	_, host, _ := strings.Cut(s, "@")
	return strings.Contains(host, ".") && !strings.HasSuffix(host, ".") && !strings.ContainsAny(host, " []")
}

func orList(names []string) string {
	switch len(names) {
	case 1:
		return names[0]
	case 2:
		return names[0] + " or " + names[1]
	}
	return strings.Join(names[:len(names)-1], ", ") + ", or " + names[len(names)-1]
}

func clip(s string) string {
	r := []rune(s)
	if len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
