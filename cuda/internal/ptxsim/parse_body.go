package ptxsim

import "strings"

// declare gives a name of the innermost braces a name of its own in the
// function, so that nested blocks cannot clash.
func (p *parser) declare(name string) string {
	if len(p.scopes) == 1 {
		return name
	}
	if u, ok := p.scopes[len(p.scopes)-1][name]; ok { // a label used before
		return u
	}
	p.unique++
	u := name + "#" + itoa(p.unique)
	p.scopes[len(p.scopes)-1][name] = u
	return u
}

// resolve returns what a name is called in the function.
func (p *parser) resolve(name string) string {
	for i := len(p.scopes) - 1; i > 0; i-- {
		if u, ok := p.scopes[i][name]; ok {
			return u
		}
	}
	return name
}

// statement reads a declaration, label or instruction.
func (p *parser) statement() error {
	t := p.peek()
	switch {
	case t.text == ";": // an empty statement
		p.next()
		return nil
	case t.text == "{":
		p.next()
		p.labelsAhead()
		return p.block()
	case t.kind == tokDir:
		return p.declaration()
	case t.kind == tokName && p.tok[p.pos+1].text == ":":
		p.pos += 2
		p.fn.labels[p.resolve(t.text)] = len(p.fn.body)
		return nil
	}
	return p.instruction()
}

// labelsAhead declares the labels of the block that begins here, since a
// branch may come before its label.
func (p *parser) labelsAhead() {
	scope := map[string]string{}
	depth := 1
	for i := p.pos; i < len(p.tok) && depth > 0; i++ {
		switch {
		case p.tok[i].text == "{":
			depth++
		case p.tok[i].text == "}":
			depth--
		case depth == 1 && p.tok[i].kind == tokName && p.tok[i+1].text == ":" && p.tok[i].kind != tokEOF:
			p.unique++
			scope[p.tok[i].text] = p.tok[i].text + "#" + itoa(p.unique)
		}
	}
	p.scopes = append(p.scopes, scope)
}

// block reads statements up to the closing brace and closes the scope.
func (p *parser) block() error {
	for !p.is("}") {
		if p.peek().kind == tokEOF {
			return errorAt(p.peek().line, "function %s has no end", p.fn.name)
		}
		if err := p.statement(); err != nil {
			return err
		}
	}
	p.scopes = p.scopes[:len(p.scopes)-1]
	return nil
}

// declaration reads a directive inside a function.
func (p *parser) declaration() error {
	t := p.next()
	switch t.text {
	case ".reg":
		return p.registers()
	case ".shared", ".local", ".param":
		v, err := p.variable(t.text)
		if err != nil {
			return err
		}
		v.name = p.declare(v.name)
		p.fn.vars[v.name] = v
		p.fn.order = append(p.fn.order, v)
		return nil
	case ".loc":
		return p.loc()
	case ".pragma":
		return p.skipTo(";")
	}
	return errorAt(t.line, "unknown directive %q", t.text)
}

// registers reads .type %r<10>, %q; behind .reg.
func (p *parser) registers() error {
	t := p.next()
	if t.kind != tokDir {
		return errorAt(t.line, "want a register's type, got %q", t.text)
	}
	typ := t.text[1:]
	if typ != "pred" && typeSize(typ) == 0 {
		return errorAt(t.line, "unknown register type %q", t.text)
	}
	for {
		name := p.next()
		if name.kind != tokName {
			return errorAt(name.line, "want a register's name, got %q", name.text)
		}
		if p.is("<") {
			n, err := p.int()
			if err != nil {
				return err
			}
			p.fn.banks = append(p.fn.banks, bank{prefix: name.text, count: n, typ: typ})
			if err := p.want(">"); err != nil {
				return err
			}
		} else {
			p.fn.regs[p.declare(name.text)] = typ
		}
		if !p.is(",") {
			return p.want(";")
		}
	}
}

// loc reads .loc file line column, and where the function was inlined.
func (p *parser) loc() error {
	var n [3]int
	for i := range n {
		var err error
		if n[i], err = p.int(); err != nil {
			return err
		}
	}
	src := source{file: n[0], line: n[1]}
	for p.is(",") {
		word := p.next()
		switch word.text {
		case "function_name":
			p.next()
			if p.is("+") {
				p.next()
			}
		case "inlined_at":
			for i := range n {
				var err error
				if n[i], err = p.int(); err != nil {
					return err
				}
			}
			src.inFile, src.inLine = n[0], n[1]
		default:
			return errorAt(word.line, "unknown %q behind .loc", word.text)
		}
	}
	if src.line > 0 { // line 0 is code of no line: keep the last one
		p.src = src
	}
	return nil
}

// instruction reads one instruction up to its semicolon.
func (p *parser) instruction() error {
	in := instr{line: p.peek().line, src: p.src}
	if p.is("@") {
		in.not = p.is("!")
		in.pred = p.resolve(p.next().text)
	}
	t := p.next()
	if t.kind != tokName {
		return errorAt(t.line, "want an instruction, got %q", t.text)
	}
	in.op, in.parts = t.text, strings.Split(t.text, ".")
	for !p.is(";") {
		a, err := p.operand()
		if err != nil {
			return err
		}
		in.args = append(in.args, a)
		if !p.is(",") && p.peek().text != ";" {
			return errorAt(p.peek().line, "%s: want , or ; got %q", in.op, p.peek().text)
		}
	}
	p.fn.body = append(p.fn.body, in)
	return nil
}

// operand reads one operand.
func (p *parser) operand() (operand, error) {
	t := p.next()
	switch {
	case t.text == "{" || t.text == "(":
		end := map[string]string{"{": "}", "(": ")"}[t.text]
		o := operand{kind: opVec}
		for !p.is(end) {
			e, err := p.operand()
			if err != nil {
				return operand{}, err
			}
			o.vec = append(o.vec, e)
			if !p.is(",") && p.peek().text != end {
				return operand{}, errorAt(t.line, "want , or %s, got %q", end, p.peek().text)
			}
		}
		return o, nil
	case t.text == "[":
		return p.memory()
	case t.text == "!":
		o, err := p.operand()
		o.not = true
		return o, err
	case t.text == "-":
		o, err := p.operand()
		if err == nil && o.kind != opImm {
			err = errorAt(t.line, "want a number behind -")
		}
		if o.float {
			return operand{}, errorAt(t.line, "a float is written by its bits")
		}
		o.bits = -o.bits
		return o, err
	case t.kind == tokInt || t.kind == tokFloat:
		return operand{kind: opImm, bits: t.bits, float: t.kind == tokFloat}, nil
	case t.text == "_":
		return operand{kind: opSink}, nil
	case t.kind == tokName:
		return p.named(t)
	}
	return operand{}, errorAt(t.line, "want an operand, got %q", t.text)
}

// named reads what follows a name: the second of a pair, or an offset.
func (p *parser) named(t token) (operand, error) {
	if t.text == "WARP_SZ" {
		return operand{kind: opImm, bits: warpSize}, nil
	}
	o := operand{kind: opSym, name: p.resolve(t.text)}
	if _, isReg := p.fn.regType(o.name); isReg || strings.HasPrefix(t.text, "%") {
		o.kind = opReg
	}
	if p.is("|") {
		d, err := p.operand()
		if err != nil {
			return operand{}, err
		}
		o.dual = &d
	}
	if o.kind == opSym && p.is("+") {
		n, err := p.int()
		if err != nil {
			return operand{}, err
		}
		o.off = int64(n)
	}
	return o, nil
}

// memory reads base+offset] behind a bracket.
func (p *parser) memory() (operand, error) {
	o := operand{kind: opMem}
	t := p.next()
	switch t.kind {
	case tokName:
		o.name = p.resolve(t.text)
	case tokInt:
		o.off = int64(t.bits)
	default:
		return operand{}, errorAt(t.line, "want an address, got %q", t.text)
	}
	if p.is("+") || p.peek().text == "-" {
		n, err := p.int()
		if err != nil {
			return operand{}, err
		}
		o.off += int64(n)
	}
	return o, p.want("]")
}
