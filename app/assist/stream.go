package assist

import (
	"strings"
)

// scanner finds the objects of a "blocks" list in a text that comes piece by piece, whatever stands around it:
// prose, code fences, a second list. It gives out each object as soon as it is whole.
type scanner struct {
	text  strings.Builder
	at    int // the next byte to look at
	in    bool
	depth int
	start int
	quote bool
	esc   bool
	done  bool
}

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 10

// feed takes the next part of the text and returns the objects that it completes.
func (s *scanner) feed(part string) (out []string) {
	if s.done || s.text.Len()+len(part) > maxAnswer {
		s.done = true
		return nil
	}
	s.text.WriteString(part)
	t := s.text.String()
	if !s.in && !s.find(t) {
		return nil
	}
	for ; s.at < len(t) && !s.done; s.at++ {
		c := t[s.at]
		switch {
		case s.quote:
			switch {
			case s.esc:
				s.esc = false
			case c == '\\':
				s.esc = true
			case c == '"':
				s.quote = false
			}
		case c == '"':
			s.quote = s.depth > 0
		case c == '{' || c == '[':
			if s.depth == 0 {
				s.start = s.at
			}
			s.depth++
		case c == ']' && s.depth == 0:
			s.done = true
		case c == '}' || c == ']':
			if s.depth--; s.depth == 0 {
				out = append(out, t[s.start:s.at+1])
			}
		}
	}
	return out
}

// find looks for the beginning of the list: after "blocks", or at the first bracket of a bare list.
func (s *scanner) find(t string) bool {
	at := strings.Index(t, `"blocks"`)
	if at < 0 {
		if i := strings.IndexByte(t, '['); i >= 0 && strings.HasPrefix(strings.TrimLeft(t[i+1:], " \r\n\t"), "{") && !strings.Contains(t[:i], "{") {
			s.in, s.at = true, i+1
			return true
		}
		return false
	}
	i := strings.IndexByte(t[at:], '[')
	if i < 0 {
		return false
	}
	s.in, s.at = true, at+i+1
	return true
}

// cut reports whether the text ended within an object.
func (s *scanner) cut() bool { return s.in && !s.done && s.depth > 0 }

func (s *scanner) String() string { return s.text.String() }
