package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/model/op"
	"aegis/model/program"
)

// Instructions that later passes take away.
const (
	biasGrad Op = "bias-grad" // (sum) db ← dz; part of a weight gradient
	reshape  Op = "reshape"   // (rows) y ← x; a view, or a Pack
)

// decoder writes one expression graph as instructions, each result a new
// buffer. It visits only what outputs and gradients need. Nothing else in this
// package knows Gorgonia's ops.
type decoder struct {
	plan      *Plan
	graph     *program.Graph
	phaseName string
	params    map[string]int // buffers of parameters by name
	code      []Instr
	buffers   map[*G.Node]int
	rows      map[int]bool // buffers with a row for each image
	grads     map[int]bool // buffers that come out of a loss gradient
}

func newDecoder(p *Plan, g *program.Graph, name string, params map[string]int) *decoder {
	return &decoder{
		plan: p, graph: g, phaseName: name, params: params,
		buffers: make(map[*G.Node]int), rows: make(map[int]bool), grads: make(map[int]bool),
	}
}

// phase adds a training phase with one update for each parameter.
func (d *decoder) phase(p *program.Phase) error {
	if err := d.start(); err != nil {
		return err
	}
	ph := Phase{Name: p.Name, Optimizer: p.Optimizer}
	var err error
	if ph.Outputs, err = d.outputs(); err != nil {
		return err
	}
	for i, n := range p.Trained {
		w, err := d.buffer(n)
		if err != nil {
			return err
		}
		g, err := d.buffer(p.Grads[i])
		if err != nil {
			return err
		}
		update := newInstr(Update, []int{w}, []int{g})
		for _, slot := range p.Optimizer.Slots() {
			update.Src = append(update.Src, d.plan.add(Buffer{
				Name: program.SlotName(p.Name, slot, n.Name()), Kind: Slot, Shape: n.Shape(), Of: w,
			}))
		}
		ph.Update = append(ph.Update, update)
	}
	ph.Gradients = d.code
	d.plan.Phases = append(d.plan.Phases, ph)
	return nil
}

// forward adds a graph of outputs alone.
func (d *decoder) forward() error {
	if err := d.start(); err != nil {
		return err
	}
	outputs, err := d.outputs()
	if err != nil {
		return err
	}
	d.plan.Phases = append(d.plan.Phases, Phase{Name: d.phaseName, Gradients: d.code, Outputs: outputs})
	return nil
}

// start adds the graph's input.
func (d *decoder) start() error {
	given := d.graph.Given()
	if given == nil {
		return nil
	}
	x := given.Node
	if dt := x.Dtype(); dt != tensor.Float32 {
		return fmt.Errorf("input %s is %v; want float32", x.Name(), dt)
	}
	i := d.plan.add(Buffer{Name: x.Name(), Kind: Input, Shape: x.Shape(), Of: -1})
	d.buffers[x] = i
	d.rows[i] = true
	d.code = append(d.code, newInstr(Load, []int{i}, nil))
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

func (d *decoder) decode(n *G.Node) (int, error) {
	if n.Op() == nil {
		return d.param(n)
	}
	var in []*G.Node
	for it := d.graph.From(n.ID()); it.Next(); {
		in = append(in, it.Node().(*G.Node))
	}
	var i int
	err := errUnknown
	switch o := n.Op().(type) {
	case *op.Op:
		i, err = d.own(o.Definition, n, in)
	default:
		if isAdd(n, in) {
			i, err = d.sum(n, in)
		}
	}
	if errors.Is(err, errUnknown) {
		return 0, fmt.Errorf("node %q: no instruction for op %T %v", n.Name(), n.Op(), n.Op())
	}
	return i, err
}

// errUnknown says that an op is none that is known here.
var errUnknown = errors.New("unknown op")

// isAdd recognises what gorgonia.Grad adds up the gradients of one node with.
// Gorgonia does not export that op's type.
func isAdd(n *G.Node, in []*G.Node) bool {
	return fmt.Sprintf("%T", n.Op()) == "gorgonia.elemBinOp" && strings.HasPrefix(n.Op().String(), "+ ") &&
		len(in) == 2 && in[0].Shape().Eq(in[1].Shape())
}

// isOne recognises the constant 1 that gorgonia.Grad starts from.
func isOne(n *G.Node) bool {
	c, ok := n.Op().(interface{ Value() G.Value })
	if !ok || c.Value() == nil {
		return false
	}
	return c.Value().Data() == float32(1)
}

// param returns the buffer of a leaf.
func (d *decoder) param(n *G.Node) (int, error) {
	i, ok := d.params[n.Name()]
	if !ok || !slices.Contains(d.graph.Params, n) {
		return 0, fmt.Errorf("node %q is neither the input nor a parameter of the graph and of the program", n.Name())
	}
	if shape := d.plan.Buffers[i].Shape; !slices.Equal(shape, []int(n.Shape())) {
		return 0, fmt.Errorf("parameter %s is %v in the graph; want %v as in the program", n.Name(), n.Shape(), shape)
	}
	return i, nil
}

// own decodes an op of this module.
func (d *decoder) own(def op.Definition, n *G.Node, in []*G.Node) (int, error) {
	if loss, ok := def.(op.LossDef); ok {
		return d.loss(n, in, loss.Loss)
	}
	if loss, ok := def.(op.LossGradDef); ok {
		return d.lossGrad(n, in, loss.Loss)
	}
	src, err := d.sources(in)
	if err != nil {
		return 0, err
	}
	i := newInstr("", nil, src)
	switch def := def.(type) {
	case op.LinearDef:
		i.Op, i.Activation = Linear, def.Activation
	case op.Conv2dDef:
		i.Op, i.Activation, i.Window = Conv2d, def.Activation, def.Window
	case op.ConvTranspose2dDef:
		i.Op, i.Activation, i.Window = ConvTranspose2d, def.Activation, def.Window
	case op.LinearDXDef:
		i.Op = LinearDX
	case op.Conv2dDXDef:
		i.Op, i.Window = Conv2dDX, def.Window
	case op.ConvTranspose2dDXDef:
		i.Op, i.Window = ConvTranspose2dDX, def.Window
	case op.LinearDWDef:
		i.Op = LinearDW
		return d.weightGrad(n, i)
	case op.Conv2dDWDef:
		i.Op, i.Window = Conv2dDW, def.Window
		if d.grads[src[1]] && !d.grads[src[0]] { // image and gradient change places
			i.Op, i.Src = ConvTranspose2dDW, []int{src[1], src[0]}
		}
		return d.weightGrad(n, i)
	case op.BiasGradDef:
		i.Op = biasGrad
		return d.emit(n, i, false), nil
	case op.ActivationDef:
		i.Op, i.Activation = Activate, def.Activation
	case op.ActivationGradDef:
		i.Op, i.Slope, i.Src = Slope, def.Activation, []int{src[1], src[0]}
	case op.ReshapeDef:
		i.Op = reshape
	default:
		return 0, errUnknown
	}
	if !d.rows[src[0]] {
		return 0, fmt.Errorf("node %q: %s of %s, which has no rows", n.Name(), i.Op, in[0].Name())
	}
	return d.emit(n, i, true), nil
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

// emit adds an instruction with one more result, that of node n.
func (d *decoder) emit(n *G.Node, i Instr, rows bool) int {
	v := d.plan.add(Buffer{Name: d.name(i), Kind: Temp, Shape: n.Shape(), Of: -1})
	d.rows[v] = rows
	switch i.Op {
	case LinearDX, Conv2dDX, ConvTranspose2dDX, Slope, LossGrad:
		d.grads[v] = true
	case Add, reshape:
		d.grads[v] = d.grads[i.Src[0]]
	}
	i.Dst = append(i.Dst, v)
	d.code = append(d.code, i)
	return v
}

// name says what a result is.
func (d *decoder) name(i Instr) string {
	of := func(k int) string { return d.plan.Buffers[i.Src[k]].Name }
	switch i.Op {
	case Linear, Conv2d, ConvTranspose2d:
		return strings.TrimSuffix(of(1), ".weight")
	case LinearDX, Conv2dDX, ConvTranspose2dDX:
		return strings.TrimSuffix(of(1), ".weight") + ".dx"
	case Activate:
		return of(0) + "." + string(i.Activation.Kind)
	case Slope:
		return of(1) + ".dz"
	case LossGrad:
		return of(0) + ".grad"
	case reshape:
		return of(0) + ".view"
	}
	return string(i.Op)
}

// weightGrad adds the gradient of weights with that of the bias beside it.
func (d *decoder) weightGrad(n *G.Node, i Instr) (int, error) {
	channels := d.plan.Buffers[i.Src[0]].Shape[1]
	dw := d.emit(n, i, false)
	db := d.plan.add(Buffer{Name: string(biasGrad), Kind: Temp, Shape: []int{channels}, Of: -1})
	last := &d.code[len(d.code)-1]
	last.Dst = append(last.Dst, db)
	return dw, nil
}

// lossSources returns prediction and target. The weights of rows are not an
// operand: a VM is told how many rows count.
func (d *decoder) lossSources(n *G.Node, in []*G.Node) ([]int, error) {
	if w := d.graph.Input(in[2]); w == nil || w.Kind != program.InputWeights {
		return nil, fmt.Errorf("node %q: its rows are weighted by %q; want the graph's weights", n.Name(), in[2].Name())
	}
	return d.sources(in[:2])
}

func (d *decoder) loss(n *G.Node, in []*G.Node, l op.Loss) (int, error) {
	src, err := d.lossSources(n, in)
	if err != nil {
		return 0, err
	}
	i := newInstr(Loss, nil, src)
	i.Loss = l
	return d.emit(n, i, false), nil
}

func (d *decoder) lossGrad(n *G.Node, in []*G.Node, l op.Loss) (int, error) {
	src, err := d.lossSources(n, in)
	if err != nil {
		return 0, err
	}
	if !isOne(in[3]) {
		return 0, fmt.Errorf("node %q: the loss is scaled by %q; want the constant 1", n.Name(), in[3].Name())
	}
	i := newInstr(LossGrad, nil, src)
	i.Loss = l
	i.Dst = []int{d.plan.add(Buffer{Name: string(Loss), Kind: Temp, Of: -1})}
	return d.emit(n, i, true), nil
}

// sum adds up gradients, or terms of a loss.
func (d *decoder) sum(n *G.Node, in []*G.Node) (int, error) {
	src, err := d.sources(in)
	if err != nil {
		return 0, err
	}
	rows := d.rows[src[0]]
	if rows != d.rows[src[1]] {
		return 0, errUnknown
	}
	for _, s := range src {
		if d.plan.Buffers[s].Kind == Param {
			return 0, errUnknown
		}
	}
	i := newInstr(Add, nil, src)
	if !rows {
		i.Op = AddSums
	}
	return d.emit(n, i, rows), nil
}

func newInstr(o Op, dst, src []int) Instr {
	return Instr{Op: o, Dst: dst, Src: src, Activation: op.None, Slope: op.None}
}
