package vmtest

import (
	"context"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"

	"aegis/data"
	"aegis/internal/numtest"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/internal/vm/tape"
	"aegis/model/op"
	"aegis/model/optim"
	"aegis/model/program"
)

// classes of the labels that graphs here read.
const classes = 3

// input adds an input of a kind to a hand-made graph.
func (h *Hand) input(kind program.InputKind, purpose string, shape ...int) *G.Node {
	name := string(kind) + " " + purpose
	n := h.Tensor(name, shape...)
	if kind == program.InputScalar {
		n = G.NewScalar(h.Graph, n.Dtype(), G.WithName(name))
	}
	h.Inputs = append(h.Inputs, program.Input{Node: n, Kind: kind, Purpose: purpose, P: 0.75})
	return n
}

// everything is a network that reads what a graph can read: rows with noise
// added and values dropped, a skip connection, labels, a deviation that is
// learned, running means, shadows, and two loss terms of which a scalar weighs
// one.
type everything struct {
	row    []int // of the rows: (6), or (C,H,W)
	hidden int
	fixed  bool // the noise that is added to a row never changes
	clip   optim.Clip
}

// body goes from rows to their reconstruction.
func (e everything) body(h *Hand, batch int, shadow string) (x, y, code *G.Node) {
	t := h.t
	t.Helper()
	shape := append([]int{batch}, e.row...)
	x = h.input(program.InputRows, "", shape...)
	mask := h.input(program.InputBernoulli, "mask", shape...)
	noise := h.input(program.InputUniform, "corrupt", shape...)
	h.Inputs[len(h.Inputs)-1].Fixed = e.fixed
	noisy := h.Must(op.Add(h.Must(op.Mul(x, mask)), h.Must(op.Scale(noise, 0.25))))
	if len(e.row) == 3 {
		w, b := h.Layer("same"+shadow, e.row[0], e.row[0], e.row[0], 3, 3)
		same := op.Window{Stride: [2]int{1, 1}, Padding: [2]int{1, 1}}
		noisy = h.Must(op.Add(h.Must(op.Conv2d(noisy, w, b, same, tanh)), noisy))
	}
	pixels := program.Size(e.row)
	flat := h.Must(op.Reshape(noisy, pixels))
	one := h.input(program.InputLabels, "", batch, classes)
	hidden := h.Linear(flat, "encoder"+shadow, e.hidden, tanh)
	hidden = h.Must(op.Add(hidden, h.Linear(one, "class"+shadow, e.hidden, op.None)))
	code = h.Must(op.Add(hidden, h.Must(op.Mul(h.Linear(hidden, "deviation"+shadow, e.hidden, tanh), h.input(program.InputNormal, "sample", batch, e.hidden)))))
	y = h.Linear(code, "decoder"+shadow, pixels, op.None)
	return flat, y, code
}

func (e everything) losses(h *Hand, batch int, shadow string) []program.Output {
	h.t.Helper()
	x, y, code := e.body(h, batch, shadow)
	weights := h.input(program.InputWeights, "", batch)
	beta := h.input(program.InputScalar, "beta")
	square := h.Must(op.Loss{Kind: op.MSE, Sum: true}.Mean(y, x, weights))
	size := h.Must(op.Loss{Kind: op.Huber, Delta: 0.5}.Mean(code, h.Must(op.Scale(code, 0)), weights))
	loss := h.Must(op.Add(h.Must(op.Scale(square, 0.125)), h.Must(op.ScaleBy(size, beta))))
	return []program.Output{{Name: "loss", Node: loss}, {Name: "square", Node: square}, {Name: "size", Node: size}}
}

// phase trains some parameters.
func (e everything) phase(t *testing.T, name string, list *[]program.Param, batch int, optimizer optim.Spec, trains func(name string) bool) *program.Phase {
	t.Helper()
	h := NewHand(t, G.NewGraph(), list)
	phase := &program.Phase{Name: name, Optimizer: optimizer, Clip: e.clip}
	phase.Outputs = e.losses(h, batch, "")
	for _, n := range h.Params {
		if trains(n.Name()) {
			phase.Trained = append(phase.Trained, n)
		}
	}
	var err error
	if phase.Grads, err = G.Grad(phase.Outputs[0].Node, phase.Trained...); err != nil {
		t.Fatal(err)
	}
	mean := h.Tensor("running.mean", e.hidden)
	code := h.Params // the running mean is a parameter like others
	h.Params = append(code, mean)
	var weights, hidden *G.Node
	for _, in := range h.Inputs {
		switch in.Kind {
		case program.InputWeights:
			weights = in.Node
		case program.InputLabels:
			hidden = h.Linear(in.Node, "class", e.hidden, op.None)
		}
	}
	next := h.Must(op.Lerp(mean, h.Must(op.ChannelMean(hidden, weights)), 0.25))
	phase.Writes = []program.Write{{Param: mean, Value: next}}
	phase.Graph = program.Graph{ExprGraph: h.Graph, Inputs: h.Inputs, Params: h.Params, Outputs: phase.Outputs}
	return phase
}

// Program is two phases: one of Adam that trains everything, and one of
// another Adam that trains the encoder again. Its evaluation reads shadows, and
// its codes the running mean.
func (e everything) Program(t *testing.T) *program.Program {
	t.Helper()
	const batch = 5
	p := &program.Program{
		Name: "everything", Row: data.Shape{C: 1, H: 1, W: program.Size(e.row)}, Code: e.hidden,
		Scaling: data.PixelScaling(data.Range{Lo: -1, Hi: 1}), Batch: batch,
	}
	if len(e.row) == 3 {
		p.Row = data.Shape{C: e.row[0], H: e.row[1], W: e.row[2]}
	}
	p.Scalars = []program.Scalar{{Name: "beta", At: func(step int64) float64 { return 0.5 * float64(step) }, Final: 2}}
	fast := optim.Default(optim.Adam, 1e-2)
	fast.Beta1 = 0.5
	p.Phases = []*program.Phase{
		e.phase(t, "all", &p.Params, batch, optim.Default(optim.Adam, 1e-3), func(string) bool { return true }),
		e.phase(t, "again", &p.Params, batch, fast, func(name string) bool { return name == "encoder.weight" || name == "encoder.bias" }),
	}
	for _, param := range p.Params {
		shadow := param
		shadow.Name, shadow.Role, shadow.Of, shadow.Decay = shadowName(param.Name), program.Shadow, param.Name, 0.75
		p.Params = append(p.Params, shadow)
	}
	p.Params = append(p.Params, program.Param{Name: "running.mean", Shape: []int{e.hidden}, Fill: 0.5, Role: program.Running})
	p.Forward = func(part program.Part, batch int) (*program.Graph, error) { return e.forward(t, part, batch), nil }
	return p
}

// shadowName is encoder's shadow for encoder.weight and so on.
func shadowName(name string) string {
	for i := range name {
		if name[i] == '.' {
			return name[:i] + ".shadow" + name[i:]
		}
	}
	return name + ".shadow"
}

func (e everything) forward(t *testing.T, part program.Part, batch int) *program.Graph {
	t.Helper()
	h := NewHand(t, G.NewGraph(), new([]program.Param))
	g := &program.Graph{ExprGraph: h.Graph}
	switch part {
	case program.Evaluate:
		g.Outputs = e.losses(h, batch, ".shadow")
	case program.Decode:
		z := h.input(program.InputCodes, "", batch, e.hidden)
		y := h.Linear(z, "decoder.shadow", program.Size(e.row), op.None)
		one := h.input(program.InputLabels, "", batch, classes)
		y = h.Must(op.Add(y, h.Linear(h.Linear(one, "class.shadow", e.hidden, tanh), "decoder.shadow", program.Size(e.row), op.None)))
		g.Outputs = []program.Output{{Name: "image", Node: y}}
	default:
		_, y, code := e.body(h, batch, ".shadow")
		if part == program.Encode { // the running mean as a bias
			mean, w := h.Tensor("running.mean", e.hidden), h.Params[0]
			for i, n := range h.Params {
				if n.Name() == "deviation.shadow.weight" {
					w = h.Params[i]
				}
			}
			h.Params = append(h.Params, mean)
			y = h.Must(op.Linear(code, w, mean, op.None))
		}
		g.Outputs = []program.Output{{Name: string(part), Node: y}}
	}
	g.Inputs, g.Params = h.Inputs, h.Params
	return g
}

// Inputs holds a VM to the tape machine on graphs that read everything that a
// graph can: losses and all state over steps with a short last batch, then
// evaluation and every part, by rows of a set and by given values.
func Inputs(t *testing.T, open Open) {
	for name, e := range map[string]everything{
		"rows":   {row: []int{6}, hidden: 4},
		"images": {row: []int{2, 4, 3}, hidden: 5, fixed: true},

		"clipped images": {row: []int{2, 4, 3}, hidden: 5, clip: optim.Clip{Norm: 0.5, Value: 0.25}},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 13
			p := e.Program(t)
			pixels := make([]byte, n*p.PixelCount())
			for i := range pixels {
				pixels[i] = byte(37 * i)
			}
			labels := make([]int32, n)
			for i := range labels {
				labels[i] = int32(i%(classes+1)) - 1
			}
			m, err := open(p, 1)
			if err != nil {
				t.Fatal(err)
			}
			ref, err := tape.Open(p, 1)
			if err != nil {
				t.Fatal(err)
			}
			machines := []vm.Trainer{m, ref}
			for _, machine := range machines {
				t.Cleanup(func() { _ = machine.Close() })
				for _, set := range []string{vm.TrainSet, vm.TestSet} {
					if err := machine.Bind(set, Rows(p, pixels)); err != nil {
						t.Fatal(err)
					}
					if err := machine.Label(set, labels); err != nil {
						t.Fatal(err)
					}
				}
			}
			rows := train.Rows(n) // in this order PyTorch has them
			if name != "rows" {
				for i := range rows {
					rows[i] = int32((5*i + 3) % n)
				}
			}
			first, want := twoCalls(t, p, m, rows), twoCalls(t, p, ref, rows)
			numtest.Close(t, "losses", first, want, trainedTolerance)
			after, reference := state(t, m), state(t, ref)
			for name, tensor := range reference.Tensors {
				numtest.Close(t, name, widen(after.Tensors[name].Data), widen(tensor.Data), trainedTolerance)
			}
			if name == "rows" {
				want := readGolden(t, "everything")
				numtest.Close(t, "losses of PyTorch", first, widen(want["losses"].Data), LossTolerance)
				for name, tensor := range want {
					if name != "losses" {
						numtest.Close(t, name+" of PyTorch", widen(after.Tensors[name].Data), widen(tensor.Data), LossTolerance)
					}
				}
			}
			if err := m.SetState(reference); err != nil {
				t.Fatal(err)
			}
			e.compareParts(t, p, machines, labels)
		})
	}
}

// twoCalls trains for two steps and then on, and asks for all losses at last.
func twoCalls(t *testing.T, p *program.Program, m vm.Trainer, rows []int32) []float64 {
	t.Helper()
	first := program.Steps{Rows: rows[:2*p.Batch], Scalars: p.StepScalars(p.StepScalars(nil, 0, 1), 1, 1)}
	if err := m.Train(context.Background(), first); err != nil {
		t.Fatal(err)
	}
	return steps(t, p, m, 2, rows[2*p.Batch:])
}

// compareParts runs forward graphs on two machines of one state.
func (e everything) compareParts(t *testing.T, p *program.Program, machines []vm.Trainer, labels []int32) {
	t.Helper()
	ctx, rows := context.Background(), []int32{7, 2, 2, 12}
	const many = 515 // more than VMs take at once
	values := make([]float32, many*p.PixelCount())
	for i := range values {
		values[i] = float32(i%7) / 7
	}
	three := values[:3*p.PixelCount()]
	var evaluated [2][]float64
	for i, machine := range machines {
		var err error
		if evaluated[i], err = machine.Evaluate(ctx, vm.TestSet, rows); err != nil {
			t.Fatal(err)
		}
		if err := machine.Infer(ctx, program.Encode, program.Feed{Values: three}, make([]float32, 3*p.Code)); err == nil {
			t.Error("a graph that reads labels was given none, and says nothing")
		}
	}
	numtest.Close(t, "evaluate", evaluated[0], evaluated[1], forwardTolerance)
	for _, c := range []struct {
		name string
		part program.Part
		feed program.Feed
		size int
	}{
		{name: "codes of a set", part: program.Encode, feed: program.Feed{Set: vm.TestSet, Rows: rows}, size: 4 * p.Code},
		{name: "codes of another set", part: program.Encode, feed: program.Feed{Set: vm.TrainSet, Rows: rows}, size: 4 * p.Code},
		{name: "codes of values", part: program.Encode, feed: program.Feed{Values: three, Labels: labels[1:4]}, size: 3 * p.Code},
		{name: "codes of many values", part: program.Encode, feed: program.Feed{Values: values, Labels: slices.Repeat(labels, many)[:many]}, size: many * p.Code},
		{name: "reconstructions", part: program.Reconstruct, feed: program.Feed{Set: vm.TestSet, Rows: rows}, size: 4 * p.PixelCount()},
		{name: "images of codes", part: program.Decode, feed: program.Feed{Values: values[:2*p.Code], Labels: labels[2:4]}, size: 2 * p.PixelCount()},
	} {
		got, want := infer(t, machines[0], c.part, c.feed, c.size), infer(t, machines[1], c.part, c.feed, c.size)
		numtest.Close(t, c.name, widen(got), widen(want), forwardTolerance)
	}
}
