package ptxsim

import (
	"encoding/binary"
	"math"
	"strings"
)

// parser reads the tokens of a module.
type parser struct {
	tok    []token
	pos    int
	mod    *module
	src    source // of the instructions that follow
	fn     *function
	scopes []map[string]string // names declared inside braces, and what they are called
	unique int
}

// parse reads a PTX module.
func parse(text string) (*module, error) {
	tok, err := lex(strings.TrimRight(text, "\x00"))
	if err != nil {
		return nil, err
	}
	p := &parser{tok: tok, mod: &module{funcs: map[string]*function{}, dynamic: map[string]int{}, files: map[int]string{}}}
	for p.peek().kind != tokEOF {
		if err := p.topLevel(); err != nil {
			return nil, err
		}
	}
	if p.mod.target == "" {
		return nil, errorAt(1, "no .target: this is not PTX")
	}
	return p.mod, nil
}

func (p *parser) peek() token { return p.tok[p.pos] }

func (p *parser) next() token {
	t := p.tok[p.pos]
	if t.kind != tokEOF {
		p.pos++
	}
	return t
}

// is reports whether the next token is the text, and passes it if so.
func (p *parser) is(text string) bool {
	if t := p.peek(); t.text == text && t.kind != tokString && t.kind != tokEOF {
		p.pos++
		return true
	}
	return false
}

// want passes a token that must stand here.
func (p *parser) want(text string) error {
	if p.is(text) {
		return nil
	}
	return errorAt(p.peek().line, "want %q, got %q", text, p.peek().text)
}

// skipTo passes everything up to and including a punctuation mark.
func (p *parser) skipTo(text string) error {
	line := p.peek().line
	for !p.is(text) {
		if p.next().kind == tokEOF {
			return errorAt(line, "want %q, got the end", text)
		}
	}
	return nil
}

// int reads a number.
func (p *parser) int() (int, error) {
	neg := p.is("-")
	t := p.next()
	if t.kind != tokInt || t.bits > math.MaxInt32 {
		return 0, errorAt(t.line, "want a number, got %q", t.text)
	}
	if neg {
		return -int(t.bits), nil
	}
	return int(t.bits), nil
}

// topLevel reads one directive outside of functions.
func (p *parser) topLevel() error {
	t := p.next()
	switch t.text {
	case ".version":
		p.next()
		if p.is(".") {
			p.next()
		}
		return nil
	case ".target":
		p.mod.target = p.next().text
		for p.is(",") {
			p.next()
		}
		return nil
	case ".address_size":
		n, err := p.int()
		if err == nil && n != 64 {
			err = errorAt(t.line, ".address_size %d, want 64", n)
		}
		return err
	case ".file":
		return p.file()
	case ".section":
		if err := p.skipTo("{"); err != nil {
			return err
		}
		return p.skipTo("}")
	case ".visible", ".weak", ".common":
		return nil
	case ".extern":
		return p.extern()
	case ".entry", ".func":
		return p.function(t.text == ".entry", t.line)
	case ".global", ".const", ".shared":
		v, err := p.variable(t.text)
		if err == nil {
			p.mod.globals = append(p.mod.globals, v)
		}
		return err
	}
	return errorAt(t.line, "unknown directive %q", t.text)
}

// file reads .file N "name" with its optional numbers.
func (p *parser) file() error {
	n, err := p.int()
	if err != nil {
		return err
	}
	name := p.next()
	if name.kind != tokString {
		return errorAt(name.line, "want a file's name, got %q", name.text)
	}
	p.mod.files[n] = name.text[strings.LastIndexByte(name.text, '/')+1:]
	for p.is(",") {
		p.next()
	}
	return nil
}

// extern reads the declaration of dynamic shared memory, or of a function
// that is defined elsewhere, which nothing may call.
func (p *parser) extern() error {
	if p.is(".shared") {
		v, err := p.variable(".shared")
		if err == nil {
			p.mod.dynamic[v.name] = v.align
		}
		return err
	}
	return p.skipTo(";")
}

// variable reads a declaration up to its semicolon:
// .align 4 .b8 name[1024] = {…};
func (p *parser) variable(scope string) (*variable, error) {
	v, typ, err := p.declarator(scope)
	if err != nil {
		return nil, err
	}
	if p.is("=") {
		if v.init, err = p.initializer(v, typ); err != nil {
			return nil, err
		}
	}
	return v, p.want(";")
}

// declarator reads [.align n] .type name[count].
func (p *parser) declarator(scope string) (*variable, string, error) {
	v := &variable{scope: scope}
	elem, typ := 0, ""
	for p.peek().kind == tokDir {
		t := p.next()
		switch name := t.text[1:]; {
		case name == "align":
			n, err := p.int()
			if err != nil {
				return nil, "", err
			}
			v.align = n
		case name == "v2" || name == "v4":
			elem = int(name[1] - '0')
		case name == "ptr" || name == "attribute" || name == "global" || name == "const" || name == "shared" || name == "local":
			// hints about a pointer parameter
		case typeSize(name) > 0:
			typ = name
			elem = max(elem, 1) * typeSize(name)
		default:
			return nil, "", errorAt(t.line, "unknown %q in a declaration", t.text)
		}
	}
	t := p.next()
	if t.kind != tokName || typ == "" {
		return nil, "", errorAt(t.line, "want a variable's type and name, got %q", t.text)
	}
	v.name, v.size, v.align = t.text, elem, max(v.align, elem)
	for p.is("[") {
		if p.is("]") { // dynamic
			v.size = 0
			continue
		}
		n, err := p.int()
		if err != nil {
			return nil, "", err
		}
		v.size *= n
		if err := p.want("]"); err != nil {
			return nil, "", err
		}
	}
	return v, typ, nil
}

// initializer reads {1, 2, {3}} or a number; the rest of v is zero.
func (p *parser) initializer(v *variable, typ string) ([]byte, error) {
	out := make([]byte, 0, v.size)
	size := typeSize(typ)
	depth := 0
	for {
		t := p.next()
		switch {
		case t.text == "{":
			depth++
		case t.text == "}":
			depth--
		case t.text == "," || t.text == "-":
		case t.kind == tokInt || t.kind == tokFloat:
			bits := t.bits
			if p.tok[p.pos-2].text == "-" {
				bits = -bits
			}
			var b [8]byte
			binary.LittleEndian.PutUint64(b[:], bits)
			out = append(out, b[:size]...)
		default:
			return nil, errorAt(t.line, "want a number in the value of %s, got %q", v.name, t.text)
		}
		if depth == 0 && t.text != "-" {
			break
		}
	}
	if len(out) > v.size {
		return nil, errorAt(p.peek().line, "value of %s: %d bytes, want at most %d", v.name, len(out), v.size)
	}
	return append(out, make([]byte, v.size-len(out))...), nil
}

// function reads a .entry or .func behind that word.
func (p *parser) function(entry bool, line int) error {
	f := &function{entry: entry, regs: map[string]string{}, vars: map[string]*variable{}, labels: map[string]int{}, line: line}
	var err error
	if !entry && p.is("(") {
		if f.rets, err = p.params(); err != nil {
			return err
		}
	}
	f.name = p.next().text
	if p.is("(") {
		if f.params, err = p.params(); err != nil {
			return err
		}
	}
	for p.peek().kind == tokDir {
		if err := p.bound(f); err != nil {
			return err
		}
	}
	if p.is(";") { // a prototype
		return nil
	}
	if err := p.want("{"); err != nil {
		return err
	}
	p.fn, p.src, p.scopes = f, source{}, []map[string]string{{}}
	if err := p.block(); err != nil {
		return err
	}
	p.mod.funcs[f.name] = f
	if entry {
		p.mod.order = append(p.mod.order, f.name)
	}
	return nil
}

// bound reads .maxntid, .minnctapersm and the like.
func (p *parser) bound(f *function) error {
	t := p.next()
	n := 1
	for {
		if p.peek().kind != tokInt {
			break
		}
		k, err := p.int()
		if err != nil {
			return err
		}
		n *= k
		if !p.is(",") {
			break
		}
	}
	switch t.text {
	case ".maxntid", ".reqntid":
		f.maxThreads = n
	case ".minnctapersm", ".maxnreg", ".noreturn":
	default:
		return errorAt(t.line, "unknown directive %q", t.text)
	}
	return nil
}

// params reads .param declarations up to the closing parenthesis.
func (p *parser) params() ([]variable, error) {
	var out []variable
	for !p.is(")") {
		if err := p.want(".param"); err != nil {
			return nil, err
		}
		v, _, err := p.declarator(".param")
		if err != nil {
			return nil, err
		}
		out = append(out, *v)
		p.is(",")
	}
	return out, nil
}
