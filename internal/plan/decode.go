package plan

import (
	"errors"
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"

	"aegis/model/op"
	"aegis/model/program"
)

// decoder writes one expression graph as instructions, each result a new
// buffer. It visits only what outputs and gradients need. What a node becomes
// stands with the rules, in the file of its family.
type decoder struct {
	plan      *Plan
	graph     *program.Graph
	phaseName string
	params    map[string]int // buffers of parameters by name
	code      []Instr
	buffers   map[*G.Node]int
	rows      map[int]bool // buffers with a row for each image
}

func newDecoder(p *Plan, g *program.Graph, name string, params map[string]int) *decoder {
	return &decoder{
		plan: p, graph: g, phaseName: name, params: params,
		buffers: make(map[*G.Node]int), rows: make(map[int]bool),
	}
}

// phase adds a training phase with one update for each parameter that it
// trains, and what it writes beside.
func (d *decoder) phase(p *program.Phase) error {
	if err := d.given(); err != nil {
		return err
	}
	ph := Phase{Name: p.Name, Optimizer: p.Optimizer}
	var err error
	if ph.Outputs, err = d.outputs(); err != nil {
		return err
	}
	for i, n := range p.Trained {
		update, err := d.update(p, n, p.Grads[i])
		if err != nil {
			return err
		}
		ph.Update = append(ph.Update, update)
	}
	d.clip(p, &ph)
	for _, w := range p.Writes {
		keep, err := d.keep(w)
		if err != nil {
			return err
		}
		ph.Update = append(ph.Update, keep)
	}
	ph.Gradients = d.code
	d.plan.Phases = append(d.plan.Phases, ph)
	return nil
}

// forward adds a graph of outputs alone.
func (d *decoder) forward() error {
	if err := d.given(); err != nil {
		return err
	}
	outputs, err := d.outputs()
	if err != nil {
		return err
	}
	d.plan.Phases = append(d.plan.Phases, Phase{Name: d.phaseName, Gradients: d.code, Outputs: outputs})
	return nil
}

func (d *decoder) outputs() ([]Output, error) {
	var list []Output
	for _, out := range d.graph.Outputs {
		i, err := d.buffer(out.Node)
		if err != nil {
			return nil, err
		}
		list = append(list, Output{Name: out.Name, Buffer: i})
	}
	return list, nil
}

// buffer returns the buffer of a node, after the instructions that make it.
func (d *decoder) buffer(n *G.Node) (int, error) {
	if i, ok := d.buffers[n]; ok {
		return i, nil
	}
	i, err := d.decode(n)
	if err != nil {
		return 0, err
	}
	d.buffers[n] = i
	return i, nil
}

// node is a node of the graph with its operands, and its definition where it
// is an op of package op.
type node struct {
	*G.Node
	def op.Definition
	in  []*G.Node
}

func (d *decoder) decode(g *G.Node) (int, error) {
	if g.Op() == nil {
		return d.leaf(g)
	}
	n := node{Node: g, in: children(d.graph, g)}
	if own, ok := g.Op().(*op.Op); ok {
		n.def = own.Definition
	}
	for _, f := range families {
		if f.decode == nil {
			continue // none of its instructions comes from an op
		}
		if i, err := f.decode(d, n); !errors.Is(err, errUnknown) {
			return i, err
		}
	}
	return 0, fmt.Errorf("node %q: no instruction for op %T %v; want one of package op", n.Name(), n.Op(), n.Op())
}

// children returns the operands of a node, in their order.
func children(g *program.Graph, n *G.Node) []*G.Node {
	var in []*G.Node
	for it := g.From(n.ID()); it.Next(); {
		in = append(in, it.Node().(*G.Node))
	}
	return in
}

// errUnknown says that an op is none that a family knows.
var errUnknown = errors.New("unknown op")

// leaf returns the buffer of an input or of a parameter.
func (d *decoder) leaf(n *G.Node) (int, error) {
	if in := d.graph.Input(n); in != nil {
		return d.input(*in)
	}
	if i, ok := d.params[n.Name()]; ok && slices.Contains(d.graph.Params, n) {
		return i, nil
	}
	return 0, fmt.Errorf("node %q is neither an input nor a parameter of the graph", n.Name())
}

// sources returns the buffers of operands.
func (d *decoder) sources(in []*G.Node) ([]int, error) {
	src := make([]int, len(in))
	for k, child := range in {
		var err error
		if src[k], err = d.buffer(child); err != nil {
			return nil, err
		}
	}
	return src, nil
}

// emit adds an instruction of some sources and returns the buffer of the
// node's result. What else the instruction gives, a bias's gradient or the
// value of a loss, gets a buffer that nobody may read.
func (d *decoder) emit(n node, in Instr, sources ...*G.Node) (int, error) {
	var err error
	if in.Src, err = d.sources(sources); err != nil {
		return 0, err
	}
	r := in.Op.rule()
	for k, s := range in.Src {
		if k < len(r.src) && r.src[k] == rows && !d.rows[s] {
			return 0, fmt.Errorf("node %q: %s of %s, which has no rows", n.Name(), in.Op, sources[k].Name())
		}
	}
	for _, a := range []*op.Activation{&in.Activation, &in.Slope} {
		if a.Kind == "" {
			*a = op.None
		}
	}
	var result int
	last := lastWhole(r.dst)
	for i, role := range r.dst {
		b := Buffer{Name: d.name(in), Kind: Temp, Shape: n.Shape(), Of: -1}
		beside := i == last && r.beside != nil
		if beside {
			b.Name, b.Shape = r.beside(d.plan, in)
		}
		v := d.plan.add(b)
		d.rows[v] = role == rows
		in.Dst = append(in.Dst, v)
		if !beside {
			result = v
		}
	}
	d.code = append(d.code, in)
	return result, nil
}

// lastWhole returns the place of the last result that there is one of for a
// batch, or -1.
func lastWhole(roles []role) int {
	for i := len(roles) - 1; i >= 0; i-- {
		if roles[i] == whole {
			return i
		}
	}
	return -1
}

// name says what a result is.
func (d *decoder) name(in Instr) string {
	if name := in.Op.rule().name; name != nil {
		return name(in, func(k int) string { return d.plan.Buffers[in.Src[k]].Name })
	}
	return string(in.Op)
}

func newInstr(o Op, dst, src []int) Instr {
	return Instr{Op: o, Dst: dst, Src: src, Activation: op.None, Slope: op.None}
}
