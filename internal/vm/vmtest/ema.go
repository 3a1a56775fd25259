package vmtest

import (
	"context"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"

	"aegis/data"
	"aegis/internal/numtest"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model"
	"aegis/model/op"
	"aegis/model/optim"
	"aegis/model/program"
)

// EMANetworks have averages of their parameters, whose decay changes in the
// first 35 steps.
func EMANetworks() map[string]model.Spec {
	bend := func(activation string) func(s *model.Spec) {
		return func(s *model.Spec) {
			s.BatchNorm, s.Activation, s.EMA = true, activation, 0.8
			s.Optimizer, s.LR, s.Momentum = optim.SGD, 0.1, 0.5
		}
	}
	return map[string]model.Spec{
		"ema-fc":   network(model.FullyConnected, [3]int{1, 5, 7}, []int{17, 9}, 3, 5, bend("tanh")),
		"ema-conv": network(model.Convolutional, [3]int{2, 6, 5}, []int{5, 18}, 4, 5, bend("leakyrelu")),
	}
}

// EMA holds a VM to PyTorch's averages of parameters over fifty steps, some of
// them short: losses and all tensors, and what the forward parts, which read the
// averages, make of rows.
func EMA(t *testing.T, open Open) {
	for name, spec := range EMANetworks() {
		t.Run(name, func(t *testing.T) {
			const rows, turns = 13, 16
			pixels := make([]byte, rows*spec.Image[0]*spec.Image[1]*spec.Image[2])
			for i := range pixels {
				pixels[i] = byte(37 * i)
			}
			want := readGolden(t, name)
			p, m := machine(t, open, spec, pixels)
			losses := manySteps(t, p, m, 0, rows, turns)
			losses = append(losses, steps(t, p, m, 3*turns, train.Rows(2*p.Batch))...)
			numtest.Close(t, "losses", losses, widen(want["losses"].Data), LossTolerance)
			after := state(t, m)
			for _, param := range p.Params {
				numtest.Close(t, param.Name, widen(after.Tensors[param.Name].Data), widen(want[param.Name].Data), LossTolerance)
			}
			if len(want) != len(p.Params)+3 {
				t.Errorf("%d tensors of PyTorch; want those of %d parameters and three results", len(want), len(p.Params))
			}
			test, err := m.Evaluate(context.Background(), vm.TestSet, train.Rows(rows))
			if err != nil {
				t.Fatal(err)
			}
			numtest.Close(t, "test", test[:1], widen(want["test"].Data), LossTolerance)
			rebuilt := infer(t, m, program.Reconstruct, program.Feed{Set: vm.TestSet, Rows: train.Rows(rows)}, len(pixels))
			numtest.Close(t, "rebuilt", widen(rebuilt), widen(want["rebuilt"].Data), LossTolerance)
			goesOn(t, open, spec, pixels, after, m)
		})
	}
}

// manySteps trains on all rows several times.
func manySteps(t *testing.T, p *program.Program, m vm.Trainer, first int64, rows, turns int) (losses []float64) {
	t.Helper()
	for range turns {
		now := steps(t, p, m, first, train.Rows(rows))
		losses, first = append(losses, now...), first+int64(len(now))
	}
	return losses
}

// goesOn puts a state into another machine, which goes on from it as the first
// one does: averages, and their decay, are part of it.
func goesOn(t *testing.T, open Open, spec model.Spec, pixels []byte, from *program.State, first vm.Trainer) {
	t.Helper()
	p, second := machine(t, open, spec, pixels)
	if err := second.SetState(from); err != nil {
		t.Fatal(err)
	}
	for _, m := range []vm.Trainer{first, second} {
		steps(t, p, m, from.Step, train.Rows(p.Batch))
	}
	a, b := state(t, first), state(t, second)
	for name, tensor := range a.Tensors {
		if !slices.Equal(tensor.Data, b.Tensors[name].Data) {
			t.Errorf("%s is not the same where training goes on from a state", name)
		}
	}
}

// Shadows holds a VM to the tape machine where shadows cannot follow their
// parameters at once: an adversarial network, whose encoder two phases train, and
// a network that is trained to answer as its own shadow does.
func Shadows(t *testing.T, open Open) {
	t.Run("adversarial", func(t *testing.T) {
		spec := AdversarialNetworks()["aae"]
		spec.EMA = 0.99
		pixels := make([]byte, 13*35)
		for i := range pixels {
			pixels[i] = byte(37 * i)
		}
		_, m := machine(t, open, spec, pixels)
		_, ref := machine(t, reference, spec, pixels)
		got, rounding := adversarialSteps(t, spec, m), Rounding(t, spec)
		for name, want := range adversarialSteps(t, spec, ref) {
			if !slices.ContainsFunc(rounding, func(param string) bool { return strings.HasSuffix(name, param) }) {
				numtest.Close(t, name, got[name], want, trainedTolerance)
			}
		}
	})
	t.Run("teacher", func(t *testing.T) {
		p := teacher(t)
		var results [2]map[string]program.Tensor
		for i, open := range []Open{open, reference} {
			m, err := open(p, 1)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = m.Close() })
			pixels := make([]byte, 9*p.PixelCount())
			for i := range pixels {
				pixels[i] = byte(37 * i)
			}
			if err := m.Bind(vm.TrainSet, Rows(p, pixels)); err != nil {
				t.Fatal(err)
			}
			manySteps(t, p, m, 0, 9, 3)
			results[i] = state(t, m).Tensors
		}
		for name, want := range results[1] {
			numtest.Close(t, name, widen(results[0][name].Data), widen(want.Data), trainedTolerance)
		}
	})
}

// teacher is a program whose loss compares with rows, and with what the network's
// own shadow makes of them.
func teacher(t *testing.T) *program.Program {
	t.Helper()
	const batch, width = 4, 6
	p := &program.Program{
		Name: "teacher", Row: data.Shape{C: 1, H: 1, W: width}, Scaling: data.PixelScaling(data.Range{Hi: 1}), Batch: batch,
		Scalars: []program.Scalar{
			{Name: "unread", At: func(int64) float64 { return 1 }},
			{Name: "decay", At: func(step int64) float64 { return 1 / float64(1+step) }},
		},
	}
	build := func(batch int) (g *program.Graph, trained []*G.Node) {
		var list []program.Param
		h := NewHand(t, G.NewGraph(), &list)
		x, weights := h.input(program.InputRows, "", batch, width), h.input(program.InputWeights, "", batch)
		y := h.Linear(x, "student", width, tanh)
		trained = slices.Clone(h.Params)
		z := h.Linear(h.Must(op.Scale(x, 0.5)), "student.shadow", width, tanh)
		loss := h.Must(op.Add(h.Mean(y, x, weights), h.Mean(y, z, weights)))
		if p.Params == nil {
			for i := range list {
				if k := i - len(trained); k >= 0 {
					list[i].Role, list[i].Of, list[i].DecayBy = program.Shadow, list[k].Name, "decay"
				}
			}
			p.Params = list
		}
		return &program.Graph{ExprGraph: h.Graph, Inputs: h.Inputs, Params: h.Params, Outputs: []program.Output{{Name: "loss", Node: loss}}}, trained
	}
	g, trained := build(batch)
	grads, err := G.Grad(g.Outputs[0].Node, trained...)
	if err != nil {
		t.Fatal(err)
	}
	p.Phases = []*program.Phase{{Graph: *g, Name: "train", Trained: trained, Grads: grads, Optimizer: optim.Default(optim.SGD, 0.5)}}
	p.Forward = func(_ program.Part, batch int) (*program.Graph, error) {
		g, _ := build(batch)
		return g, nil
	}
	return p
}
