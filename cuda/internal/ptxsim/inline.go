package ptxsim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

func itoa(n int) string { return strconv.Itoa(n) }

// maxInline bounds the depth of calls.
const maxInline = 16

// expand puts the bodies of called functions in place of the calls, so that
// the rest of the simulator sees one body a kernel. Parameters of calls are
// local variables of the caller; the called body uses them by its own names.
func (m *module) expand(f *function, depth int) (*function, error) {
	out := *f
	out.body, out.labels = nil, map[string]int{}
	out.regs, out.vars, out.order = maps.Clone(f.regs), maps.Clone(f.vars), slices.Clone(f.order)
	place := make([]int, len(f.body)+1) // where an instruction went
	calls := 0
	for i := range f.body {
		place[i] = len(out.body)
		in := &f.body[i]
		if in.parts[0] != "call" {
			out.body = append(out.body, *in)
			continue
		}
		calls++
		if err := m.expandCall(&out, in, calls, depth); err != nil {
			return nil, err
		}
	}
	place[len(f.body)] = len(out.body)
	for name, at := range f.labels {
		out.labels[name] = place[at]
	}
	for name, at := range out.callLabels() {
		out.labels[name] = at
	}
	return &out, nil
}

// callLabels returns the labels that expandCall planted. They are kept as
// pseudo-instructions until the whole body is placed.
func (f *function) callLabels() map[string]int {
	labels := map[string]int{}
	kept := f.body[:0]
	shift := make([]int, len(f.body)+1)
	for i, in := range f.body {
		shift[i] = len(kept)
		if in.op == "#label" {
			labels[in.pred] = len(kept)
			continue
		}
		kept = append(kept, in)
	}
	shift[len(f.body)] = len(kept)
	f.body = kept
	for name, at := range f.labels {
		f.labels[name] = shift[at]
	}
	return labels
}

// expandCall appends the body of the function that in calls.
func (m *module) expandCall(out *function, in *instr, number, depth int) error {
	rets, name, args, err := callOperands(in)
	if err != nil {
		return err
	}
	callee := m.funcs[name]
	if callee == nil {
		return errorAt(in.line, "call of %s, which the module does not define", name)
	}
	if depth >= maxInline {
		return errorAt(in.line, "call of %s: calls are nested too deep, or recursive", name)
	}
	body, err := m.expand(callee, depth+1)
	if err != nil {
		return err
	}
	if len(args) != len(body.params) || len(rets) != len(body.rets) {
		return errorAt(in.line, "call of %s: want %d parameters and %d results, got %d and %d", name, len(body.params), len(body.rets), len(args), len(rets))
	}
	prefix := fmt.Sprintf("%s#%d#%d.", name, depth, number)
	rename := map[string]string{}
	for i, p := range body.params {
		rename[p.name] = args[i].name
	}
	for i, r := range body.rets {
		rename[r.name] = rets[i].name
	}
	return out.paste(in, body, rename, prefix)
}

// callOperands splits (retval0), name, (param0, param1).
func callOperands(in *instr) (rets []operand, name string, args []operand, err error) {
	a := in.args
	if len(a) > 0 && a[0].kind == opVec {
		rets, a = a[0].vec, a[1:]
	}
	if len(a) == 0 || a[0].kind != opSym {
		return nil, "", nil, errorAt(in.line, "%s: only calls by name are known", in.op)
	}
	if len(a) > 1 {
		args = a[1].vec
	}
	return rets, a[0].name, args, nil
}

// paste appends a called body with its names prefixed.
func (f *function) paste(call *instr, body *function, rename map[string]string, prefix string) error {
	name := func(s string) string {
		if r, ok := rename[s]; ok {
			return r
		}
		if _, ok := body.vars[s]; ok {
			return prefix + s
		}
		if _, ok := body.labels[s]; ok {
			return prefix + s
		}
		if t, ok := body.regType(s); ok {
			f.regs[prefix+s] = t
			return prefix + s
		}
		return s
	}
	for _, v := range body.order {
		c := *v
		c.name = prefix + v.name
		f.vars[c.name] = &c
		f.order = append(f.order, &c)
	}
	at := map[int][]string{}
	for label, i := range body.labels {
		at[i] = append(at[i], label)
	}
	end := prefix + "#end"
	for i := 0; i <= len(body.body); i++ {
		for _, label := range at[i] {
			f.body = append(f.body, instr{op: "#label", parts: []string{"#label"}, pred: prefix + label})
		}
		if i == len(body.body) {
			break
		}
		in := body.body[i]
		if in.pred != "" {
			in.pred = name(in.pred)
		}
		in.args = renameAll(in.args, name)
		if in.parts[0] == "ret" {
			in.op, in.parts = "bra", []string{"bra"}
			in.args = []operand{{kind: opSym, name: end}}
		}
		f.body = append(f.body, in)
	}
	f.body = append(f.body, instr{op: "#label", parts: []string{"#label"}, pred: end, line: call.line})
	return nil
}

// renameAll copies operands with their names changed.
func renameAll(args []operand, name func(string) string) []operand {
	out := make([]operand, len(args))
	for i, a := range args {
		if a.name != "" {
			a.name = name(a.name)
		}
		if a.vec != nil {
			a.vec = renameAll(a.vec, name)
		}
		if a.dual != nil {
			d := renameAll([]operand{*a.dual}, name)[0]
			a.dual = &d
		}
		out[i] = a
	}
	return out
}
