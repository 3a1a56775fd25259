package tape

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/model/program"
)

// runner is one graph on a tape machine.
type runner struct {
	graph   *program.Graph
	vm      G.VM
	input   []float32
	weights []float32
	values  []G.Value // what is read after each run
}

// newRunner compiles the part of a graph that the nodes to read need; their
// values are copies, for the tape machine reuses its registers.
func (m *Machine) newRunner(g *program.Graph, read []*G.Node) (*runner, error) {
	r := &runner{graph: g, values: make([]G.Value, len(read))}
	var roots []*G.Node
	for i, n := range read {
		roots = append(roots, G.Read(n, &r.values[i]))
	}
	let := func(n *G.Node, t *tensor.Dense) error {
		if err := G.Let(n, t); err != nil {
			return fmt.Errorf("bind %s: %w", n.Name(), err)
		}
		return nil
	}
	fresh := func(n *G.Node) (*tensor.Dense, []float32) {
		t := tensor.New(tensor.WithShape(n.Shape()...), tensor.Of(tensor.Float32))
		return t, floats(t)
	}
	t, data := fresh(g.Input)
	r.input = data
	if err := let(g.Input, t); err != nil {
		return nil, err
	}
	if g.Weights != nil {
		t, r.weights = fresh(g.Weights)
		if err := let(g.Weights, t); err != nil {
			return nil, err
		}
	}
	for _, n := range g.Params {
		t, ok := m.tensors[n.Name()]
		if !ok {
			return nil, fmt.Errorf("no parameter %s in the program", n.Name())
		}
		if err := let(n, t); err != nil {
			return nil, err
		}
	}
	r.vm = G.NewTapeMachine(g.SubgraphRoots(roots...))
	return r, nil
}

// feed scales rows of a set, or values, into the input; what is left of the
// batch is padding.
func (m *Machine) feed(r *runner, in program.Input) error {
	width := len(r.input) / r.graph.Batch()
	n := len(in.Values) / width
	if in.Set == "" {
		copy(r.input, in.Values)
	} else {
		rows, ok := m.sets[in.Set]
		if !ok {
			return fmt.Errorf("tape: no set %q is bound", in.Set)
		}
		n = len(in.Rows)
		for i, row := range in.Rows {
			if row < 0 || int(row) >= rows.N {
				return fmt.Errorf("tape: row %d of set %s; want 0 to %d", row, in.Set, rows.N-1)
			}
			m.program.Scaling.Read(r.input[i*width:][:width], rows, int(row))
		}
	}
	clear(r.input[n*width:])
	for i := range r.weights {
		r.weights[i] = 0
		if i < n {
			r.weights[i] = 1
		}
	}
	return nil
}

// run executes the graph and returns what was read.
func (r *runner) run() ([][]float32, error) {
	defer r.vm.Reset()
	if err := r.vm.RunAll(); err != nil {
		return nil, err
	}
	out := make([][]float32, len(r.values))
	for i, v := range r.values {
		switch data := v.Data().(type) {
		case []float32:
			out[i] = data
		case float32:
			out[i] = []float32{data}
		default:
			return nil, fmt.Errorf("value %d is %T; want float32", i, data)
		}
	}
	return out, nil
}
