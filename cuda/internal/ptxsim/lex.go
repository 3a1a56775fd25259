package ptxsim

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// tokenKind sorts tokens.
type tokenKind uint8

const (
	tokEOF    tokenKind = iota
	tokName             // an identifier, opcode with its suffixes, or register
	tokDir              // a directive such as .reg
	tokInt              // an integer
	tokFloat            // 0f… or 0d…, as bits
	tokString           // "…"
	tokPunct            // one character
)

// token is one word of PTX.
type token struct {
	kind tokenKind
	text string
	bits uint64 // of a number
	line int
}

// syntaxError is a place in the PTX that the simulator does not understand.
type syntaxError struct {
	line int
	text string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("ptxsim: PTX line %d: %s", e.line, e.text) }

// errorAt makes a syntaxError.
func errorAt(line int, format string, args ...any) error {
	return &syntaxError{line: line, text: fmt.Sprintf(format, args...)}
}

// lexer cuts PTX into tokens.
type lexer struct {
	src  string
	pos  int
	line int
}

// lex returns every token of a text, tokEOF last.
func lex(src string) ([]token, error) {
	l := &lexer{src: src, line: 1}
	tokens := make([]token, 0, len(src)/4)
	for {
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		if t.kind == tokEOF {
			return tokens, nil
		}
	}
}

// skip passes white space and comments.
func (l *lexer) skip() error {
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case c == '\n':
			l.line++
			l.pos++
		case c == ' ' || c == '\t' || c == '\r':
			l.pos++
		case strings.HasPrefix(l.src[l.pos:], "//"):
			for l.pos < len(l.src) && l.src[l.pos] != '\n' {
				l.pos++
			}
		case strings.HasPrefix(l.src[l.pos:], "/*"):
			end := strings.Index(l.src[l.pos+2:], "*/")
			if end < 0 {
				return errorAt(l.line, "comment without end")
			}
			l.line += strings.Count(l.src[l.pos:l.pos+2+end], "\n")
			l.pos += end + 4
		default:
			return nil
		}
	}
	return nil
}

// isWord reports whether c may stand inside a name.
func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c == '%'
}

// word returns the name at the lexer's place. Inner dots and double colons
// belong to it, as in ld.global.f32, %tid.x and shared::cta.
func (l *lexer) word(from int) string {
	i := from
	for i < len(l.src) {
		switch {
		case isWord(l.src[i]):
			i++
		case l.src[i] == '.' && i+1 < len(l.src) && isWord(l.src[i+1]):
			i++
		case strings.HasPrefix(l.src[i:], "::"):
			i += 2
		default:
			return l.src[from:i]
		}
	}
	return l.src[from:i]
}

func (l *lexer) next() (token, error) {
	if err := l.skip(); err != nil {
		return token{}, err
	}
	if l.pos >= len(l.src) {
		return token{kind: tokEOF, line: l.line}, nil
	}
	t := token{line: l.line}
	c := l.src[l.pos]
	switch {
	case c >= '0' && c <= '9':
		return l.number()
	case c == '"':
		end := strings.IndexByte(l.src[l.pos+1:], '"')
		if end < 0 {
			return token{}, errorAt(l.line, "string without end")
		}
		t.kind, t.text = tokString, l.src[l.pos+1:l.pos+1+end]
		l.line += strings.Count(t.text, "\n")
		l.pos += end + 2
		return t, nil
	case c == '.' && l.pos+1 < len(l.src) && isWord(l.src[l.pos+1]):
		i := l.pos + 1
		for i < len(l.src) && isWord(l.src[i]) {
			i++
		}
		t.kind, t.text = tokDir, l.src[l.pos:i]
	case isWord(c):
		t.kind, t.text = tokName, l.word(l.pos)
	default:
		t.kind, t.text = tokPunct, l.src[l.pos:l.pos+1]
	}
	l.pos += len(t.text)
	return t, nil
}

// number reads an integer or a float given by its bits.
func (l *lexer) number() (token, error) {
	i := l.pos
	for i < len(l.src) && isWord(l.src[i]) {
		i++
	}
	t := token{kind: tokInt, text: l.src[l.pos:i], line: l.line}
	var err error
	switch low := strings.ToLower(t.text); {
	case strings.HasPrefix(low, "0f") && len(low) == 10:
		t.kind = tokFloat
		t.bits, err = strconv.ParseUint(low[2:], 16, 32)
	case strings.HasPrefix(low, "0d") && len(low) == 18:
		t.kind = tokFloat
		t.bits, err = strconv.ParseUint(low[2:], 16, 64)
	case i < len(l.src) && l.src[i] == '.':
		for i++; i < len(l.src) && isWord(l.src[i]); i++ {
		}
		t.kind, t.text = tokFloat, l.src[l.pos:i]
		var f float64
		f, err = strconv.ParseFloat(t.text, 64)
		t.bits = math.Float64bits(f)
	default:
		t.bits, err = strconv.ParseUint(strings.TrimRight(low, "u"), 0, 64)
	}
	if err != nil {
		return token{}, errorAt(l.line, "number %q", t.text)
	}
	l.pos = i
	return t, nil
}
