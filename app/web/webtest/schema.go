package webtest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// vocabulary is what schema.org says of the types that our pages use.
type vocabulary struct {
	Types map[string]struct {
		Extends    []string
		Properties map[string][]string
	}
	Enumerations map[string][]string
}

//go:embed schemaorg.json
var schemaOrg []byte

// SchemaFaults are what is wrong with a JSON-LD document by schema.org's own shapes: types and properties that there
// are not, values that do not belong where they stand, references to nothing.
func SchemaFaults(t testing.TB, document string) []string {
	t.Helper()
	var v vocabulary
	if err := json.Unmarshal(schemaOrg, &v); err != nil || len(v.Types) < 10 {
		t.Fatal(len(v.Types), err)
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(document), &doc); err != nil {
		return []string{err.Error()}
	}
	return v.faults(doc)
}

// is reports whether a type is another, or one of its kinds.
func (v vocabulary) is(kind, want string) bool {
	if kind == want {
		return true
	}
	return slices.ContainsFunc(v.Types[kind].Extends, func(up string) bool { return v.is(up, want) })
}

// ranges are what a property of a type may hold; nil when the type has no such property.
func (v vocabulary) ranges(kind, property string) []string {
	if r := v.Types[kind].Properties[property]; r != nil {
		return r
	}
	for _, up := range v.Types[kind].Extends {
		if r := v.ranges(up, property); r != nil {
			return r
		}
	}
	return nil
}

// faults are what is wrong with a document.
func (v vocabulary) faults(doc map[string]any) (out []string) {
	if doc["@context"] != "https://schema.org" {
		out = append(out, "no @context")
	}
	nodes, ok := doc["@graph"].([]any)
	if !ok {
		nodes = []any{doc}
	}
	defined, named := map[string]bool{}, map[string]bool{}
	for i, n := range nodes {
		out = append(out, v.node(fmt.Sprintf("graph[%d]", i), n, defined, named)...)
	}
	for id := range named {
		if !defined[id] {
			out = append(out, "nothing has the @id "+id)
		}
	}
	return out
}

func (v vocabulary) node(at string, x any, defined, named map[string]bool) (out []string) {
	n, ok := x.(map[string]any)
	if !ok {
		return []string{at + " is no object"}
	}
	kind, _ := n["@type"].(string)
	if _, known := v.Types[kind]; !known {
		return []string{at + ": unknown type " + kind}
	}
	if id, ok := n["@id"].(string); ok {
		defined[id] = true
	}
	for name, value := range n {
		if strings.HasPrefix(name, "@") {
			continue
		}
		where := at + "." + kind + "." + name
		ranges := v.ranges(kind, name)
		if ranges == nil {
			out = append(out, where+": there is no such property")
			continue
		}
		many, ok := value.([]any)
		if !ok {
			many = []any{value}
		}
		for i, one := range many {
			out = append(out, v.value(fmt.Sprintf("%s[%d]", where, i), one, ranges, defined, named)...)
		}
	}
	return out
}

func (v vocabulary) value(at string, x any, ranges []string, defined, named map[string]bool) []string {
	switch x := x.(type) {
	case map[string]any:
		if id, ok := x["@id"].(string); ok && len(x) == 1 {
			named[id] = true
			if !slices.Contains(ranges, "IdReference") {
				return []string{at + " must not be a reference"}
			}
			return nil
		}
		kind, _ := x["@type"].(string)
		if !slices.ContainsFunc(ranges, func(r string) bool { return v.is(kind, r) }) {
			return []string{at + ": a " + kind + " where one of " + strings.Join(ranges, ", ") + " belongs"}
		}
		return v.node(at, x, defined, named)
	case float64:
		if !slices.Contains(ranges, "Number") && !slices.Contains(ranges, "Integer") {
			return []string{at + " must not be a number"}
		}
	case string:
		if x == "" || !slices.ContainsFunc(ranges, func(r string) bool { return v.text(r, x) }) {
			return []string{fmt.Sprintf("%s: %q is none of %s", at, x, strings.Join(ranges, ", "))}
		}
	default:
		return []string{fmt.Sprintf("%s is %v", at, x)}
	}
	return nil
}

// text reports whether a string is of a simple type.
func (v vocabulary) text(kind, s string) bool {
	switch kind {
	case "Text":
		return true
	case "URL":
		u, err := url.Parse(s)
		return err == nil && u.Scheme != "" && u.Host != ""
	case "Date", "DateTime":
		_, err := time.Parse(time.RFC3339, s)
		_, err2 := time.Parse(time.DateOnly, s)
		return err == nil || err2 == nil
	case "Number", "Integer":
		return json.Valid([]byte(s)) && strings.Trim(s, "-.0123456789") == ""
	}
	return slices.Contains(v.Enumerations[kind], s)
}
