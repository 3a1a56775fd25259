package tape

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/internal/vm"
	"aegis/model/program"
)

// compiled is one graph on a tape machine.
type compiled struct {
	graph  *program.Graph
	vm     G.VM
	inputs [][]float32 // by Graph.Inputs
	values []G.Value   // what is read after each run
}

// compile compiles the part of a graph that the nodes to read need; their
// values are copies, for the tape machine reuses its registers.
func (m *Machine) compile(g *program.Graph, read []*G.Node) (*compiled, error) {
	r := &compiled{graph: g, values: make([]G.Value, len(read))}
	var roots []*G.Node
	for i, n := range read {
		roots = append(roots, G.Read(n, &r.values[i]))
	}
	for _, in := range g.Inputs {
		data, err := letFresh(in.Node)
		if err != nil {
			return nil, err
		}
		r.inputs = append(r.inputs, data)
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

func let(n *G.Node, v G.Value) error {
	if err := G.Let(n, v); err != nil {
		return fmt.Errorf("bind %s: %w", n.Name(), err)
	}
	return nil
}

// letFresh gives a leaf memory; that of a scalar is given anew with each value.
func letFresh(n *G.Node) ([]float32, error) {
	if n.IsScalar() {
		return make([]float32, 1), nil
	}
	t := tensor.New(tensor.WithShape(n.Shape()...), tensor.Of(tensor.Float32))
	return floats(t), let(n, t)
}

// feeding is one batch: what a graph reads.
type feeding struct {
	program.Feed
	n       int
	step    int64
	scalars []float32 // of a training step; nil in forward graphs
	first   int       // number of the first of given values
}

// feed fills every input; what is left of the batch is padding.
func (m *Machine) feed(r *compiled, f feeding) error {
	for i, in := range r.graph.Inputs {
		var err error
		data := r.inputs[i]
		switch width := len(data) / r.graph.Batch(); in.Kind {
		case program.InputRows, program.InputCodes:
			err = m.feedRows(data, width, f)
		case program.InputWeights:
			for i := range data {
				data[i] = 0
				if i < f.n {
					data[i] = 1
				}
			}
		case program.InputLabels:
			err = m.feedLabels(data, width, f)
		case program.InputScalar:
			data[0] = m.scalar(in.Purpose, f)
			err = let(in.Node, G.NewF32(data[0]))
		default:
			noise := in.Noise(m.seed, f.Set, f.scalars != nil)
			for k := range f.n {
				noise.Draw(data[k*width:][:width], f.step, f.place(k, noise.ByRow))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// place returns where row k of a batch lies: in its set, or in the batch.
func (f feeding) place(k int, byRow bool) int {
	switch {
	case !byRow:
		return k
	case f.Set == "":
		return f.first + k
	}
	return int(f.Rows[k])
}

// feedRows scales rows of a set, or copies values.
func (m *Machine) feedRows(data []float32, width int, f feeding) error {
	if f.Set == "" {
		copy(data, f.Values)
	} else {
		rows, ok := m.sets[f.Set]
		if !ok {
			return fmt.Errorf("tape: no set %q is bound", f.Set)
		}
		for i, row := range f.Rows {
			if row < 0 || int(row) >= rows.N {
				return fmt.Errorf("tape: row %d of set %s; want 0 to %d", row, f.Set, rows.N-1)
			}
			m.program.Scaling.Read(data[i*width:][:width], rows, int(row))
		}
	}
	clear(data[f.n*width:])
	return nil
}

// feedLabels writes classes as one-hot rows.
func (m *Machine) feedLabels(data []float32, width int, f feeding) error {
	clear(data)
	labels := f.Labels
	if f.Set != "" {
		labels = m.labels[f.Set]
	}
	for k := range f.n {
		at := k
		if f.Set != "" {
			at = int(f.Rows[k])
		}
		class, err := vm.Class(labels, at, width)
		if err != nil {
			return fmt.Errorf("tape: %w", err)
		}
		if class >= 0 {
			data[k*width+class] = 1
		}
	}
	return nil
}

// scalar returns a named number.
func (m *Machine) scalar(name string, f feeding) float32 {
	if f.scalars != nil {
		return f.scalars[m.program.ScalarIndex(name)]
	}
	return m.program.FinalScalar(name)
}

// run executes the graph and returns what was read.
func (r *compiled) run() ([][]float32, error) {
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
