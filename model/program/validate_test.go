package program_test

import (
	"math"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/data"
	"aegis/model/op"
	"aegis/model/optim"
	"aegis/model/program"
)

// small is a program of one linear layer.
func small(t *testing.T) *program.Program {
	t.Helper()
	build := func(batch int) (*program.Graph, *G.Node) {
		g := G.NewGraph()
		leaf := func(name string, shape ...int) *G.Node {
			return G.NewTensor(g, tensor.Float32, len(shape), G.WithName(name), G.WithShape(shape...))
		}
		x, weights, w, b := leaf("x", batch, 3), leaf("weights", batch), leaf("w", 3, 3), leaf("b", 3)
		y, err := op.Linear(x, w, b, op.None)
		if err != nil {
			t.Fatal(err)
		}
		loss, err := op.Loss{Kind: op.MSE}.Mean(y, x, weights)
		if err != nil {
			t.Fatal(err)
		}
		return &program.Graph{
			ExprGraph: g, Params: []*G.Node{w, b}, Outputs: []program.Output{{Name: "loss", Node: loss}},
			Inputs: []program.Input{{Node: x, Kind: program.InputRows}, {Node: weights, Kind: program.InputWeights}},
		}, loss
	}
	g, loss := build(2)
	grads, err := G.Grad(loss, g.Params...)
	if err != nil {
		t.Fatal(err)
	}
	return &program.Program{
		Name: "small", Row: data.Shape{W: 3}, Code: 3, Batch: 2,
		Params: []program.Param{{Name: "w", Shape: []int{3, 3}}, {Name: "b", Shape: []int{3}}, {Name: "s", Shape: []int{3}, Role: program.Shadow, Of: "b", Decay: 0.5}, {Name: "r", Shape: []int{3}, Role: program.Running}},
		Phases: []*program.Phase{{Graph: *g, Name: "train", Trained: g.Params, Grads: grads, Optimizer: optim.Default(optim.SGD, 0.1)}},
		Forward: func(_ program.Part, batch int) (*program.Graph, error) {
			g, _ := build(batch)
			return g, nil
		},
	}
}

func TestValidate(t *testing.T) {
	if err := small(t).Validate(); err != nil {
		t.Fatal(err)
	}
	first := func(p *program.Program) *program.Phase { return p.Phases[0] }
	for _, c := range []struct {
		name, want string
		spoil      func(p *program.Program)
	}{
		{"batch", "batch 0; want at least 1", func(p *program.Program) { p.Batch = 0 }},
		{"other batch", "batch 2; want the program's 3", func(p *program.Program) { p.Batch = 3 }},
		{"no phase", "no phase", func(p *program.Program) { p.Phases = nil }},
		{"no forward", "no Forward", func(p *program.Program) { p.Forward = nil }},
		{"two of a name", "another for each parameter", func(p *program.Program) { p.Params[1].Name = "w" }},
		{"two phases of a name", "another for each phase", func(p *program.Program) { p.Phases = append(p.Phases, first(p)) }},
		{"unknown role", `unknown role "frozen"`, func(p *program.Program) { p.Params[0].Role = "frozen" }},
		{"shadow of nothing", "want it to follow a trained tensor", func(p *program.Program) { p.Params[2].Of = "c" }},
		{"shadow's shape", "want it to follow a trained tensor", func(p *program.Program) { p.Params[2].Of = "w" }},
		{"decay", "decay 1; want a number in [0, 1)", func(p *program.Program) { p.Params[2].Decay = 1 }},
		{"two decays", "decay 0.5 and the scalar beta; want one of the two", func(p *program.Program) { p.Params[2].DecayBy = "beta" }},
		{"unknown decay", "the scalar beta, which the program has not", func(p *program.Program) { p.Params[2].Decay, p.Params[2].DecayBy = 0, "beta" }},
		{"empty shape", "sizes of at least 1", func(p *program.Program) { p.Params[0].Shape = []int{3, 0} }},
		{"shape in the graph", "w is (3, 3) in the graph; want [3 4]", func(p *program.Program) { p.Params[0].Shape = []int{3, 4} }},
		{"unknown parameter", "reads b, which is no parameter", func(p *program.Program) { p.Params = p.Params[:1] }},
		{"gradients", "1 gradients of 2 trained parameters", func(p *program.Program) { first(p).Grads = first(p).Grads[:1] }},
		{"trains a running tensor", `w has role "running"`, func(p *program.Program) { p.Params[0].Role = program.Running }},
		{"writes what is trained", `want "running"`, func(p *program.Program) {
			first(p).Writes = []program.Write{{Param: first(p).Params[1], Value: first(p).Params[1]}}
		}},
		{"optimizer", "unknown optimizer", func(p *program.Program) { first(p).Optimizer.Kind = "lion" }},
		{"clipping", "clips the norm of gradients to -1", func(p *program.Program) { first(p).Clip.Norm = -1 }},
		{"no output", "without an output", func(p *program.Program) { first(p).Outputs = nil }},
		{"unknown input", `unknown kind "dreams"`, func(p *program.Program) { first(p).Inputs[0].Kind = "dreams" }},
		{"noise without a purpose", "noise wants a purpose", func(p *program.Program) { first(p).Inputs[0].Kind = program.InputNormal }},
		{"chance", "chance 2; want a number in [0, 1]", func(p *program.Program) {
			first(p).Inputs[0].Kind, first(p).Inputs[0].P = program.InputBernoulli, 2
		}},
		{"unknown scalar", "want a scalar, got shape (2)", func(p *program.Program) { first(p).Inputs[1].Kind = program.InputScalar }},
		{"two asked about", "2 inputs of rows or codes", func(p *program.Program) {
			first(p).Inputs = append(first(p).Inputs, first(p).Inputs[0])
		}},
		{"trains nothing", "trains nothing and writes nothing", func(p *program.Program) { first(p).Trained, first(p).Grads = nil, nil }},
		{"nil phase", "phase 2 of 2 has no graph", func(p *program.Program) { p.Phases = append(p.Phases, nil) }},
		{"too large", "at most 2147483647 values", func(p *program.Program) { p.Params[0].Shape = []int{1 << 20, 1 << 20} }},
		{"bound", "bound NaN", func(p *program.Program) { p.Params[0].Bound = math.NaN() }},
		{"a slot's name", `start with "optimizer."`, func(p *program.Program) { p.Params[3].Name = "optimizer.a.m.w" }},
		{"outputs of one name", "another for each output", func(p *program.Program) {
			first(p).Outputs = append(first(p).Outputs, first(p).Outputs[0])
		}},
		{"output of rows", "want a loss term, a scalar", func(p *program.Program) { first(p).Outputs[0].Node = first(p).Inputs[0].Node }},
		{"output of another graph", "a node of another graph", func(p *program.Program) { first(p).Outputs = small(t).Phases[0].Outputs }},
		{"gradient of another graph", "a node of another graph", func(p *program.Program) { first(p).Grads = small(t).Phases[0].Grads }},
		{"scalar without values", "and its values", func(p *program.Program) { p.Scalars = []program.Scalar{{Name: "beta"}} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := small(t)
			c.spoil(p)
			if err := p.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// A shadow starts as what it follows, a running tensor where it says.
func TestStart(t *testing.T) {
	p := small(t)
	p.Params[1].Bound, p.Params[2].Bound, p.Params[3].Fill = 1, 1, 0.5
	s := p.Start(7).Tensors
	for i := range 3 {
		if s["b"].Data[i] != s["s"].Data[i] || s["b"].Data[i] == 0 || s["r"].Data[i] != 0.5 {
			t.Errorf("value %d: trained %v, shadow %v, running %v", i, s["b"].Data[i], s["s"].Data[i], s["r"].Data[i])
		}
	}
}

// A shadow's decay is a constant, or the number of the step behind those of the
// optimizers.
func TestShadowDecay(t *testing.T) {
	p := small(t)
	p.Scalars = []program.Scalar{
		{Name: "beta", At: func(int64) float64 { return 3 }},
		{Name: "decay", At: func(step int64) float64 { return 0.125 * float64(step) }},
	}
	numbers := p.StepScalars(nil, 2, 1)
	shadow := p.Params[2]
	if got := p.ShadowDecay(shadow, numbers); got != 0.5 {
		t.Errorf("decay %v, want 0.5", got)
	}
	shadow.Decay, shadow.DecayBy = 0, "decay"
	if p.Params[2] = shadow; p.Validate() != nil || p.ShadowDecay(shadow, numbers) != 0.25 {
		t.Errorf("decay %v, want 0.25: %v", p.ShadowDecay(shadow, numbers), p.Validate())
	}
	values := []float32{1, -2}
	program.Follow(values, []float32{3, 2}, 0.25)
	if values[0] != 2.5 || values[1] != 1 {
		t.Errorf("the shadow of 1, -2 after 3, 2 is %v; want 2.5, 1", values)
	}
}

// What Forward gives is checked wherever it is asked for.
func TestBuild(t *testing.T) {
	p := small(t)
	good := p.Forward
	for name, c := range map[string]struct {
		forward func(program.Part, int) (*program.Graph, error)
		want    string
	}{
		"no function":   {nil, "no Forward"},
		"no graph":      {func(program.Part, int) (*program.Graph, error) { return nil, nil }, "gives no graph"},
		"another batch": {func(part program.Part, _ int) (*program.Graph, error) { return good(part, 5) }, "batch 5; want 3 as asked"},
		"another graph's": {func(part program.Part, n int) (*program.Graph, error) {
			g, err := good(part, n)
			g.Outputs = p.Phases[0].Outputs
			return g, err
		}, "another graph"},
	} {
		p.Forward = c.forward
		if _, err := p.Build(program.Evaluate, 3); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	p.Forward = good
	if g, err := p.Build(program.Evaluate, 3); err != nil || g.Batch() != 3 {
		t.Errorf("error %v", err)
	}
}
