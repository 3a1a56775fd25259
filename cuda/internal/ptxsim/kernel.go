package ptxsim

import (
	"errors"
	"fmt"
	"sync"
)

// kernel is a decoded entry of a module.
type kernel struct {
	name        string
	code        []inst
	files       map[int]string
	params      []variable
	paramOff    map[string]int
	paramSize   int
	n32, n64    int // register banks
	np          int // predicates
	consts32    []constant
	consts64    []constant
	specials    []specialReg
	shared      int      // bytes of static shared memory, without guards
	guards      [][2]int // bytes between shared variables
	sharedVars  []sharedVar
	dynamicBase int  // where dynamic shared memory begins
	localSize   int  // bytes a lane
	shift       uint // log2 of the bytes of a race cell
	serial      bool // blocks run one after the other
	maxThreads  int
	maxDynamic  int // bytes of dynamic shared memory that a launch may ask for
	memOps      int

	mu   sync.Mutex
	idle []*block
}

// sharedVar is the place of a static shared variable.
type sharedVar struct {
	name      string
	off, size int
}

// where names a byte of shared memory.
func (k *kernel) where(at uint) string {
	near := sharedVar{}
	for _, v := range k.sharedVars {
		if int(at) >= v.off {
			near = v
		}
	}
	switch over := int(at) - near.off - near.size; {
	case int(at) >= k.dynamicBase:
		return fmt.Sprintf("at byte %d of the dynamic part", int(at)-k.dynamicBase)
	case near.size == 0:
		return "before the first variable"
	case over < 0:
		return fmt.Sprintf("at byte %d of %s", int(at)-near.off, near.name)
	default:
		return fmt.Sprintf("%d bytes past the end of %s, of %d bytes", over, near.name, near.size)
	}
}

// constant is a register bank that holds one value.
type constant struct {
	slot  int
	value uint64
}

// specialReg is a register bank that holds a special register.
type specialReg struct {
	slot int
	name string
}

// sharedGuard is the least distance between shared variables, so that an
// index past the end of one is seen.
const sharedGuard = 16

// src is an operand's register bank.
type src struct {
	wide bool
	off  int
}

// decoder turns a function into a kernel.
type decoder struct {
	mod     *module
	globals map[string]uint64 // addresses of module variables
	fn      *function
	k       *kernel
	regs    map[string]src
	preds   map[string]int
	consts  map[constant]src
	special map[string]int
	shared  map[string]int
	local   map[string]int
	lanes   lanesFuncs
}

// compile decodes one entry.
func compile(m *module, name string, globals map[string]uint64) (k *kernel, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *syntaxError:
			k, err = nil, r
		case error: // an instruction with too few operands, say
			k, err = nil, fmt.Errorf("ptxsim: kernel %s: %w", name, r)
		default:
			panic(r)
		}
	}()
	fn, err := m.expand(m.funcs[name], 0)
	if err != nil {
		return nil, err
	}
	fn.body = append(fn.body, instr{op: "ret", parts: []string{"ret"}, line: fn.line})
	d := &decoder{
		mod: m, globals: globals, fn: fn,
		k:    &kernel{name: name, files: m.files, params: fn.params, paramOff: map[string]int{}, maxThreads: fn.maxThreads, maxDynamic: defaultShared, shift: 2},
		regs: map[string]src{}, preds: map[string]int{}, consts: map[constant]src{}, special: map[string]int{},
		shared: map[string]int{}, local: map[string]int{}, lanes: vectors(),
	}
	if d.k.maxThreads == 0 {
		d.k.maxThreads = maxThreadsPerBlock
	}
	d.layout()
	d.decode()
	joins(d.k.code)
	d.k.maxDynamic = max(defaultShared-d.k.shared, 0)
	return d.k, nil
}

// layout places parameters and variables.
func (d *decoder) layout() {
	for _, p := range d.fn.params {
		d.k.paramSize = alignUp(d.k.paramSize, p.align)
		d.k.paramOff[p.name] = d.k.paramSize
		d.k.paramSize += p.size
	}
	used := map[string]bool{}
	for _, in := range d.fn.body {
		for _, a := range in.args {
			used[a.name] = true
		}
	}
	end, layoutEnd := 0, 0
	place := func(v *variable) {
		off := alignUp(layoutEnd+sharedGuard, v.align)
		d.k.guards = append(d.k.guards, [2]int{layoutEnd, off})
		d.shared[v.name], layoutEnd = off, off+v.size
		d.k.sharedVars = append(d.k.sharedVars, sharedVar{name: v.name, off: off, size: v.size})
		end = alignUp(end, v.align) + v.size
	}
	for _, v := range d.mod.globals {
		if v.scope == ".shared" && used[v.name] {
			place(v)
		}
	}
	for _, v := range d.fn.order {
		switch v.scope {
		case ".shared":
			place(v)
		default:
			d.k.localSize = alignUp(d.k.localSize, v.align)
			d.local[v.name] = d.k.localSize
			d.k.localSize += v.size
		}
	}
	d.k.localSize = alignUp(d.k.localSize, 16)
	d.k.shared = end
	d.k.dynamicBase = layoutEnd
	for name, align := range d.mod.dynamic {
		if used[name] {
			d.k.dynamicBase = max(d.k.dynamicBase, alignUp(layoutEnd+sharedGuard, max(align, 16)))
			d.k.guards = append(d.k.guards, [2]int{layoutEnd, d.k.dynamicBase})
		}
	}
	for name := range d.mod.dynamic {
		d.shared[name] = d.k.dynamicBase
	}
}

func alignUp(n, align int) int {
	if align < 2 {
		return n
	}
	return (n + align - 1) / align * align
}

// decode turns every instruction into an inst.
func (d *decoder) decode() {
	for i := range d.fn.body {
		d.narrow(&d.fn.body[i])
	}
	for i := range d.fn.body {
		ast := &d.fn.body[i]
		in := inst{pred: -1, ast: ast}
		if ast.pred != "" {
			in.pred, in.not = int32(d.pred(ast, operand{kind: opReg, name: ast.pred})), ast.not
		}
		switch ast.parts[0] {
		case "bra":
			in.kind = kindBranch
			at, ok := d.fn.labels[ast.args[0].name]
			if !ok {
				d.fail(ast, "label %s is not defined", ast.args[0].name)
			}
			in.target = int32(at)
		case "ret", "exit":
			in.kind = kindExit
		case "bar", "barrier":
			d.barrier(ast, &in)
		default:
			in.run = d.instruction(ast)
		}
		d.k.code = append(d.k.code, in)
	}
}

// narrow notes stores of less than a word, which need finer race cells, and
// communication between blocks, which needs them run in order.
func (d *decoder) narrow(in *instr) {
	switch in.parts[0] {
	case "st":
		switch typeSize(in.typ()) {
		case 1:
			d.k.shift = 0
		case 2:
			d.k.shift = min(d.k.shift, 1)
		}
	case "atom", "red":
		if !in.has("shared") && !in.has("shared::cta") {
			d.k.serial = true
		}
	case "ld":
		if in.has("volatile") || in.has("relaxed") || in.has("acquire") {
			d.k.serial = d.k.serial || !in.has("shared")
		}
	}
}

// fail stops decoding.
func (d *decoder) fail(in *instr, format string, args ...any) {
	e := &syntaxError{}
	if !errors.As(errorAt(in.line, "%s: "+format, append([]any{in.op}, args...)...), &e) {
		return
	}
	e.text += " (" + d.sourceOf(in) + ")"
	panic(e)
}

// sourceOf names the source line of an instruction.
func (d *decoder) sourceOf(in *instr) string {
	k := kernel{code: []inst{{ast: in}}, files: d.mod.files}
	return "kernel " + d.k.name + " at " + k.place(0)
}

// reg returns the bank of a register, 32 or 64 bits wide.
func (d *decoder) reg(in *instr, name string) src {
	if s, ok := d.regs[name]; ok {
		return s
	}
	t, ok := d.fn.regType(name)
	if !ok {
		d.fail(in, "register %s is not known", name)
	}
	var s src
	switch typeSize(t) {
	case 1, 2, 4:
		s = d.new32()
	case 8:
		s = d.new64()
	default:
		d.fail(in, "register %s of type %s cannot stand here", name, t)
	}
	d.regs[name] = s
	return s
}

func (d *decoder) new32() src {
	d.k.n32++
	return src{off: (d.k.n32 - 1) * warpSize}
}

func (d *decoder) new64() src {
	d.k.n64++
	return src{wide: true, off: (d.k.n64 - 1) * warpSize}
}

// constant returns a bank that holds a value.
func (d *decoder) constant(value uint64, wide bool) src {
	key := constant{value: value}
	if wide {
		key.slot = 1
	} else {
		key.value = uint64(uint32(value))
	}
	if s, ok := d.consts[key]; ok {
		return s
	}
	var s src
	if wide {
		s = d.new64()
		d.k.consts64 = append(d.k.consts64, constant{slot: s.off, value: value})
	} else {
		s = d.new32()
		d.k.consts32 = append(d.k.consts32, constant{slot: s.off, value: uint64(uint32(value))})
	}
	d.consts[key] = s
	return s
}

// symbol returns the address of a variable in its own space.
func (d *decoder) symbol(in *instr, name string) uint64 {
	if at, ok := d.shared[name]; ok {
		return uint64(at)
	}
	if at, ok := d.local[name]; ok {
		return uint64(at)
	}
	if at, ok := d.globals[name]; ok {
		return at
	}
	if at, ok := d.k.paramOff[name]; ok {
		return uint64(at)
	}
	d.fail(in, "symbol %s is not known", name)
	return 0
}

// operand returns the bank of a source operand; wide says how wide a
// constant is.
func (d *decoder) operand(in *instr, o operand, wide bool) src {
	switch o.kind {
	case opImm:
		return d.constant(o.bits, wide)
	case opSym:
		return d.constant(d.symbol(in, o.name)+uint64(o.off), wide)
	case opReg:
		if _, ok := d.fn.regType(o.name); ok {
			return d.reg(in, o.name)
		}
		if !isSpecial(o.name) {
			d.fail(in, "special register %s is not simulated", o.name)
		}
		slot, ok := d.special[o.name]
		if !ok {
			slot = d.new32().off
			d.special[o.name] = slot
			d.k.specials = append(d.k.specials, specialReg{slot: slot, name: o.name})
		}
		return src{off: slot}
	}
	d.fail(in, "operand of an unknown form")
	return src{}
}

// src32 returns the bank of a 32-bit source operand.
func (d *decoder) src32(in *instr, i int) int {
	s := d.operand(in, d.arg(in, i), false)
	if s.wide {
		d.fail(in, "operand %d: want 32 bits, got 64", i)
	}
	return s.off
}

// src64 returns the bank of a 64-bit source operand.
func (d *decoder) src64(in *instr, i int) int {
	s := d.operand(in, d.arg(in, i), true)
	if !s.wide {
		d.fail(in, "operand %d: want 64 bits, got 32", i)
	}
	return s.off
}

// arg returns operand i.
func (d *decoder) arg(in *instr, i int) operand {
	if i >= len(in.args) {
		d.fail(in, "want more than %d operands", len(in.args))
	}
	return in.args[i]
}

// dst returns the bank of the destination; a sink gets a bank of its own.
func (d *decoder) dst(in *instr, o operand, wide bool) src {
	switch {
	case o.kind == opSink && wide:
		return d.new64()
	case o.kind == opSink:
		return d.new32()
	case o.kind != opReg:
		d.fail(in, "want a register to write")
	}
	return d.reg(in, o.name)
}

// pred returns the index of a predicate register.
func (d *decoder) pred(in *instr, o operand) int {
	if o.kind == opSink {
		d.k.np++
		return d.k.np - 1
	}
	if t, ok := d.fn.regType(o.name); !ok || t != "pred" {
		d.fail(in, "want a predicate, got %s", o.name)
	}
	p, ok := d.preds[o.name]
	if !ok {
		p = d.k.np
		d.k.np++
		d.preds[o.name] = p
	}
	return p
}

// predSrc is a predicate operand with its negation.
type predSrc struct {
	p   int
	not bool
}

func (d *decoder) predSrc(in *instr, i int) predSrc {
	o := d.arg(in, i)
	if o.kind == opImm { // a constant truth
		d.k.np++
		return predSrc{p: d.k.np - 1, not: o.bits != 0}
	}
	return predSrc{p: d.pred(in, o), not: o.not}
}

// bits returns the predicate's lanes.
func (w *warp) bits(p predSrc) uint32 {
	if p.not {
		return ^w.p[p.p]
	}
	return w.p[p.p]
}

// setPred writes the lanes m of predicate p.
func (w *warp) setPred(p int, m, v uint32) { w.p[p] = w.p[p]&^m | v&m }
