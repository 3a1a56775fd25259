package data

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A .npy file is the magic bytes, two bytes of a version, the length of its
// header (2 bytes little-endian; 4 from version 2 on), the header, which is a
// Python dictionary as text, and the values (NumPy Enhancement Proposal 1).
const (
	npyMagic    = "\x93NUMPY"
	npyStart    = len(npyMagic) + 2
	mostNPYText = 1 << 16 // NumPy itself reads 10,000 bytes
	notNPY      = "this is not a NumPy array; check that it is the right file"
	saveAgain   = "save it again with numpy.save"
	asFloat32   = "save it with numpy.save(name, a.astype('<f4'))"
)

// npyHeader is what a .npy file says of its values.
type npyHeader struct {
	descr   string // such as <f4
	fortran bool
	shape   []int
}

// npyHead reads the header at the start of a file.
func (s *stream) npyHead() (npyHeader, error) {
	start := make([]byte, npyStart)
	if err := s.fill(start, npyStart); err != nil {
		return npyHeader{}, err
	}
	if string(start[:len(npyMagic)]) != npyMagic {
		return npyHeader{}, &FormatError{
			File: s.name, Problem: "wrong magic bytes", Want: fmt.Sprintf("%q", npyMagic), Got: fmt.Sprintf("%q", start[:len(npyMagic)]), Advice: notNPY,
		}
	}
	length := make([]byte, 2)
	switch start[npyStart-2] {
	case 1:
	case 2, 3:
		length = make([]byte, 4)
	default:
		return npyHeader{}, &UnsupportedError{
			File: s.name, Problem: "version", Want: "1, 2 or 3", Got: fmt.Sprint(start[npyStart-2]), Advice: saveAgain,
		}
	}
	if err := s.fill(length, npyStart+len(length)); err != nil {
		return npyHeader{}, err
	}
	size := uint32(binary.LittleEndian.Uint16(length))
	if len(length) == 4 {
		size = binary.LittleEndian.Uint32(length)
	}
	if size > mostNPYText {
		return npyHeader{}, &FormatError{
			File: s.name, Problem: "huge header", Want: fmt.Sprintf("at most %d bytes", mostNPYText), Got: fmt.Sprint(size), Advice: again,
		}
	}
	text := make([]byte, size)
	if err := s.fill(text, s.got+int(size)); err != nil {
		return npyHeader{}, err
	}
	h, err := parseNPY(string(text))
	if err != nil {
		return npyHeader{}, &FormatError{
			File: s.name, Problem: "broken header", Want: "{'descr': …, 'fortran_order': …, 'shape': …}", Got: err.Error(), Advice: again,
		}
	}
	return h, nil
}

// parseNPY reads the dictionary of a header.
func parseNPY(text string) (h npyHeader, err error) {
	p := &npyParser{rest: text}
	seen := map[string]bool{}
	p.want("{")
	for p.err == nil && !p.have("}") {
		key := p.text()
		p.want(":")
		if seen[key] {
			p.fail("%q twice", key)
		}
		switch seen[key] = true; key {
		case "descr":
			h.descr = p.descr()
		case "fortran_order":
			h.fortran = p.boolean()
		case "shape":
			h.shape = p.shape()
		default:
			p.fail("key %q", key)
		}
		if !p.have(",") {
			p.want("}")
			break
		}
	}
	if p.space(); p.err == nil && p.rest != "" {
		p.fail("%q behind the end", clip(p.rest))
	}
	if p.err == nil && len(seen) < 3 {
		p.fail("%d of 3 keys", len(seen))
	}
	return h, p.err
}

// npyParser reads the few Python literals that headers hold. After an error it
// reads nothing any more.
type npyParser struct {
	rest string
	err  error
}

func (p *npyParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
	p.rest = ""
}

func clip(text string) string { return text[:min(len(text), 20)] }

func (p *npyParser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// have takes a token where it comes next.
func (p *npyParser) have(token string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, token)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *npyParser) want(token string) {
	if !p.have(token) {
		p.fail("%q where %q should be", clip(p.rest), token)
	}
}

// text reads a string in quotes.
func (p *npyParser) text() string {
	p.space()
	if p.rest == "" || p.rest[0] != '\'' && p.rest[0] != '"' {
		p.fail("%q where a string should be", clip(p.rest))
		return ""
	}
	text, rest, ok := strings.Cut(p.rest[1:], p.rest[:1])
	if !ok {
		p.fail("a string without an end")
		return ""
	}
	p.rest = rest
	return text
}

// descr reads a type: a string, or a list where values are structures.
func (p *npyParser) descr() string {
	if p.space(); !strings.HasPrefix(p.rest, "[") {
		return p.text()
	}
	depth := 0
	for i, c := range p.rest {
		switch c {
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 {
				text := p.rest[:i+1]
				p.rest = p.rest[i+1:]
				return text
			}
		}
	}
	p.fail("a list without an end")
	return ""
}

func (p *npyParser) boolean() bool {
	if p.have("True") {
		return true
	}
	p.want("False")
	return false
}

// shape reads a tuple of whole numbers.
func (p *npyParser) shape() []int {
	dims := []int{}
	p.want("(")
	for p.err == nil && !p.have(")") {
		p.space()
		digits := len(p.rest) - len(strings.TrimLeft(p.rest, "0123456789"))
		n, err := strconv.ParseInt(p.rest[:digits], 10, 64)
		if err != nil || n > math.MaxInt {
			p.fail("%q in a shape", clip(p.rest))
			break
		}
		dims, p.rest = append(dims, int(n)), p.rest[digits:]
		p.have("L") // of Python 2
		if !p.have(",") {
			p.want(")")
			break
		}
	}
	return dims
}

// NPYHead returns the header of a .npy file, version 1.0, of values of a kind,
// such as <f4, with spaces up to a multiple of 64 bytes.
func NPYHead(kind string, shape ...int) []byte {
	dims := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", ", "), "[]")
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", kind, dims)
	const before, unit = 10, 64
	pad := (unit - (before+len(text)+1)%unit) % unit
	head := []byte("\x93NUMPY\x01\x00")
	head = binary.LittleEndian.AppendUint16(head, uint16(len(text)+pad+1))
	return append(head, text+strings.Repeat(" ", pad)+"\n"...)
}
