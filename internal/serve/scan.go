package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// scanner reads JSON (RFC 8259) of one body, value by value: rows of numbers go
// straight into memory of their own. After an error it reads nothing any more.
type scanner struct {
	text []byte
	at   int
	err  error
}

func (s *scanner) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("JSON, byte %d: %s", s.at, fmt.Sprintf(format, args...))
	}
}

// next returns the next byte that is no white space, 0 at the end or after an
// error; it stays to be read.
func (s *scanner) next() byte {
	if s.err != nil {
		return 0
	}
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// have takes a byte where it comes next.
func (s *scanner) have(c byte) bool {
	if s.next() != c || s.err != nil || s.at == len(s.text) {
		return false
	}
	s.at++
	return true
}

func (s *scanner) want(c byte, what string) {
	if s.err == nil && !s.have(c) {
		s.fail("want %s, got %s", what, s.got())
	}
}

// got says what comes next.
func (s *scanner) got() string {
	if s.next(); s.at == len(s.text) {
		return "the end"
	}
	rest := s.text[s.at:]
	return strconv.Quote(string(rest[:min(len(rest), 20)]))
}

// each calls do before each element of an array, with its number.
func (s *scanner) each(what string, do func(i int)) (n int) {
	s.want('[', what)
	if s.have(']') {
		return 0
	}
	for s.err == nil {
		do(n)
		n++
		if s.have(']') {
			return n
		}
		s.want(',', "a comma or ]")
	}
	return n
}

// fields calls do before the value of each field of an object. A name that comes
// twice is an error.
func (s *scanner) fields(what string, do func(name string)) {
	s.want('{', what)
	if s.have('}') {
		return
	}
	var seen []string
	for s.err == nil {
		name := s.string("a name in quotes")
		s.want(':', "a colon")
		if slices.Contains(seen, name) {
			s.fail("%q is there twice", clip(name))
		}
		seen = append(seen, name)
		if s.err == nil {
			do(name)
		}
		if s.have('}') {
			return
		}
		s.want(',', "a comma or }")
	}
}

// string reads a text in quotes.
func (s *scanner) string(what string) string {
	if s.next() != '"' {
		s.want('"', what)
		return ""
	}
	start, plain := s.at, true
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.unquoted(s.text[start:s.at], plain)
		case c == '\\':
			plain = false
			s.at++
		case c < ' ':
			s.fail("a control character in a text")
			return ""
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	s.at = min(s.at, len(s.text))
	s.fail("a text without an end")
	return ""
}

func (s *scanner) unquoted(quoted []byte, plain bool) (text string) {
	if plain {
		return string(quoted[1 : len(quoted)-1])
	}
	if !utf8.Valid(quoted) {
		s.fail("a text that is no UTF-8")
	} else if err := json.Unmarshal(quoted, &text); err != nil {
		s.fail("a text with a wrong escape")
	}
	return text
}

// span finds the end of the number that comes next, as JSON writes them; whole
// says that it has digits alone.
func (s *scanner) span() (number []byte, whole bool) {
	s.next()
	start := s.at
	digits := func() int {
		from := s.at
		for s.at < len(s.text) && s.text[s.at]-'0' <= 9 {
			s.at++
		}
		return s.at - from
	}
	is := func(set string) bool {
		if s.at < len(s.text) && bytes.IndexByte([]byte(set), s.text[s.at]) >= 0 {
			s.at++
			return true
		}
		return false
	}
	whole = !is("-")
	first := s.at
	n := digits()
	ok := n == 1 || n > 1 && s.text[first] != '0'
	if is(".") {
		whole = false
		ok = digits() > 0 && ok
	}
	if is("eE") {
		whole = false
		is("+-")
		ok = digits() > 0 && ok
	}
	if !ok {
		s.at = start
		s.fail("want a number, got %s", s.got())
		return nil, false
	}
	return s.text[start:s.at], whole
}

// number reads one that float64 reaches.
func (s *scanner) number() float64 {
	if s.err != nil {
		return 0
	}
	at := s.at
	text, whole := s.span()
	if s.err != nil {
		return 0
	}
	if whole && len(text) <= 15 {
		return float64(integer(text))
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil && math.IsInf(v, 0) {
		s.at = at
		s.fail("want a number in the reach of float64, got %s", s.got())
	}
	return v
}

// float reads a number as tables are read: float64 first, then float32.
func (s *scanner) float() float32 {
	s.next()
	at := s.at
	v := float32(s.number())
	if v-v != 0 {
		s.at = at
		s.fail("want a number in the reach of float32, got %s", s.got())
	}
	return v
}

// byte reads a whole number from 0 to 255.
func (s *scanner) byte() byte {
	s.next()
	if s.err != nil {
		return 0
	}
	at := s.at
	if at+1 < len(s.text) && s.text[at]-'0' <= 9 { // nearly always one to three digits
		v, n := 0, 0
		for n < 4 && at+n < len(s.text) && s.text[at+n]-'0' <= 9 {
			v = 10*v + int(s.text[at+n]-'0')
			n++
		}
		if after := at + n; after < len(s.text) && (s.text[after] == ',' || s.text[after] == ']') && v <= math.MaxUint8 && (n == 1 || s.text[at] != '0') {
			s.at = after
			return byte(v)
		}
	}
	v := s.number()
	if s.err == nil && (v < 0 || v > math.MaxUint8 || v != math.Trunc(v)) {
		s.at = at
		s.fail("want a pixel, a whole number from 0 to 255, got %s", s.got())
	}
	return byte(v)
}

// whole reads a whole number from 0 on.
func (s *scanner) whole() uint64 {
	s.next()
	if s.err != nil {
		return 0
	}
	at := s.at
	text, _ := s.span()
	v, err := strconv.ParseUint(string(text), 10, 64)
	if s.err == nil && err != nil {
		s.at = at
		s.fail("want a whole number of at least 0, got %s", s.got())
	}
	return v
}

func (s *scanner) bool() bool {
	s.next()
	rest := s.text[s.at:]
	for text, v := range map[string]bool{"true": true, "false": false} {
		if s.err == nil && bytes.HasPrefix(rest, []byte(text)) {
			s.at += len(text)
			return v
		}
	}
	s.fail("want true or false, got %s", s.got())
	return false
}

// null takes a null where it comes next.
func (s *scanner) null() bool {
	if s.next(); s.err == nil && bytes.HasPrefix(s.text[s.at:], []byte("null")) {
		s.at += len("null")
		return true
	}
	return false
}

// end says that nothing follows.
func (s *scanner) end() error {
	if s.next(); s.err == nil && s.at < len(s.text) {
		s.fail("want the end, got %s", s.got())
	}
	return s.err
}

func integer(digits []byte) (v uint64) {
	for _, c := range digits {
		v = 10*v + uint64(c-'0')
	}
	return v
}

// clip is the start of a text that a client sent.
func clip(text string) string { return text[:min(len(text), 60)] }
