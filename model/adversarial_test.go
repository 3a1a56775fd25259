package model

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/internal/numtest"
	"aegis/model/op"
	"aegis/model/program"
)

func adversarial(t *testing.T, bend func(s *Spec)) Spec {
	return regular(t, "aae", func(s *Spec) {
		s.Image, s.Hidden, s.Latent, s.Discriminator, s.Batch = [3]int{1, 2, 3}, []int{7, 6}, 3, []int{5, 4}, 9
		if bend != nil {
			bend(s)
		}
	})
}

// phaseGraph is a phase in float64 with values in all its leaves.
type phaseGraph struct {
	*program.Phase
	terms  []*G.Node // that its total adds up
	values map[string][]float64
}

func newPhaseGraph(t *testing.T, p *program.Phase) phaseGraph {
	t.Helper()
	g := phaseGraph{Phase: p, values: make(map[string][]float64)}
	var add func(n *G.Node)
	add = func(n *G.Node) {
		if own, ok := n.Op().(*op.Op); ok && own.Definition == (op.AddDef{}) {
			for it := p.From(n.ID()); it.Next(); {
				add(it.Node().(*G.Node))
			}
			return
		}
		g.terms = append(g.terms, n)
	}
	add(p.Outputs[0].Node)
	let := func(n *G.Node, a numtest.Array) {
		if err := G.Let(n, tensor.New(tensor.WithShape(a.Shape...), tensor.WithBacking(a.Data))); err != nil {
			t.Fatal(err)
		}
		g.values[n.Name()] = a.Data
	}
	for i, n := range p.Params {
		a := numtest.Random(uint64(i+1), -1, 1, n.Shape()...)
		let(n, a)
	}
	for i, in := range p.Inputs {
		a := numtest.Random(uint64(100+i), 0, 1, in.Node.Shape()...)
		switch in.Kind {
		case program.InputWeights:
			for k := range a.Data {
				a.Data[k] = 1
			}
			a.Data[len(a.Data)-1] = 0
		case program.InputBernoulli:
			for k, v := range a.Data {
				a.Data[k] = math.Round(v)
			}
		}
		let(in.Node, a)
	}
	return g
}

// differences are central ones of each term by some values of a parameter.
func (g phaseGraph) differences(t *testing.T, param string) (at []int, terms [][]float64) {
	t.Helper()
	const step, most = 1e-5, 6
	values := g.values[param]
	for i := 0; i < len(values); i += max(1, len(values)/most) {
		at = append(at, i)
	}
	terms = make([][]float64, len(g.terms))
	for _, i := range at {
		v := values[i]
		values[i] = v + step
		up := numtest.Run(t, g.ExprGraph, g.terms...)
		values[i] = v - step
		down := numtest.Run(t, g.ExprGraph, g.terms...)
		values[i] = v
		for k := range terms {
			terms[k] = append(terms[k], (up[k][0]-down[k][0])/(2*step))
		}
	}
	return at, terms
}

// TestEachTermOfEachPhaseIsWired holds the gradients of all three totals to finite
// differences in float64, for every tensor that a phase trains, and sees that they
// are no more where any one term is left out.
func TestEachTermOfEachPhaseIsWired(t *testing.T) {
	for name, bend := range map[string]func(s *Spec){
		"normal":    nil,
		"mixture":   func(s *Spec) { s.Prior, s.Latent = "mixture:3", 2 },
		"denoising": func(s *Spec) { s.Corrupt, s.Dropout, s.Loss = "mask:0.25", 0.25, BCE },
	} {
		t.Run(name, func(t *testing.T) {
			p, b, err := adversarial(t, bend).forward()
			if err != nil {
				t.Fatal(err)
			}
			b.dtype = tensor.Float64
			phases, err := b.adversarialPhases()
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]int{reconstruction: 1, discriminator: 2, generator: 1}
			trained := make(map[string]int)
			for _, phase := range phases {
				g := newPhaseGraph(t, phase)
				if len(g.terms) != want[phase.Name] {
					t.Fatalf("%s: %d terms, want %d", phase.Name, len(g.terms), want[phase.Name])
				}
				grads := numtest.Run(t, g.ExprGraph, phase.Grads...)
				for i := range grads {
					grads[i] = slices.Clone(grads[i]) // the graph's next run writes there
				}
				for i, n := range phase.Trained {
					trained[n.Name()]++
					g.check(t, n.Name(), grads[i])
				}
			}
			for _, param := range p.Params {
				times := 1
				if strings.HasPrefix(param.Name, "encoder.") {
					times = 2
				}
				if param.Role == program.Trained && trained[param.Name] != times {
					t.Errorf("%s is trained in %d phases, want %d", param.Name, trained[param.Name], times)
				}
			}
		})
	}
}

// check holds one tensor's gradient to all terms, and to no fewer.
func (g phaseGraph) check(t *testing.T, param string, grad []float64) {
	t.Helper()
	const tolerance = 1e-6
	at, terms := g.differences(t, param)
	total := func(without int) []float64 {
		sum := make([]float64, len(at))
		for k, term := range terms {
			for i, v := range term {
				if k != without {
					sum[i] += v
				}
			}
		}
		return sum
	}
	got := make([]float64, len(at))
	for i, k := range at {
		got[i] = grad[k]
	}
	what := fmt.Sprintf("%s: gradient of %s", g.Name, param)
	if strings.HasSuffix(param, ".2.bias") && !strings.HasPrefix(param, discriminator) {
		for i, v := range got { // a batch norm behind it takes its mean away
			if math.Abs(v) > 1e-12 || math.Abs(total(-1)[i]) > 1e-8 {
				t.Errorf("%s: %v, by differences %v; want 0", what, v, total(-1)[i])
			}
		}
		return
	}
	numtest.Close(t, what, got, total(-1), tolerance)
	for k := range terms {
		if numtest.Diff(got, total(k), tolerance) == nil {
			t.Errorf("%s is the same without its term %d", what, k+1)
		}
	}
}

// What each phase normalises by moves the running statistics, as in PyTorch.
func TestRunningStatisticsOfPhases(t *testing.T) {
	p, err := adversarial(t, nil).Program()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"encoder.3.running_mean", "encoder.3.running_var", "decoder.3.running_mean", "decoder.3.running_var"},
		{"encoder.3.running_mean", "encoder.3.running_var"},
		{"encoder.3.running_mean", "encoder.3.running_var"},
	}
	for i, phase := range p.Phases {
		var names []string
		for _, w := range phase.Writes {
			names = append(names, w.Param.Name())
		}
		if !slices.Equal(names, want[i]) {
			t.Errorf("%s writes %v, want %v", phase.Name, names, want[i])
		}
	}
	if got, want := p.LossNames(), []string{"loss", discriminator, generator}; !slices.Equal(got, want) {
		t.Errorf("losses %v, want %v", got, want)
	}
}

func TestAdversarialIsRefused(t *testing.T) {
	for _, c := range []struct {
		want string
		bend func(s *Spec)
	}{
		{`unknown prior "cauchy"; want normal or mixture:K`, func(s *Spec) { s.Prior = "cauchy" }},
		{"want mixture:K of 2 to 100", func(s *Spec) { s.Prior, s.Latent = "mixture:1", 2 }},
		{"want mixture:K of 2 to 100", func(s *Spec) { s.Prior, s.Latent = "mixture:ten", 2 }},
		{"its Gaussians lie on a circle: want latent 2, or prior normal", func(s *Spec) { s.Prior = "mixture:10" }},
		{"prior normal beside likelihood bernoulli", func(s *Spec) { s.Loss, s.Likelihood = "", Bernoulli }},
		{"beta, kl warmup or free bits without a likelihood", func(s *Spec) { s.Beta = 1 }},
		{"shapes the code already", func(s *Spec) { s.Sparse = "l1:0.1" }},
		{"shapes the code already", func(s *Spec) { s.CodeL2 = 0.1 }},
		{"want no activate_code", func(s *Spec) { s.ActivateCode = true }},
		{"one hidden layer", func(s *Spec) { s.Hidden = []int{5} }},
		{"width 0 in discriminator", func(s *Spec) { s.Discriminator = []int{5, 0} }},
		{"a discriminator without a prior", func(s *Spec) { s.Prior = "" }},
		{"beta1 0.5 with sgd; it is adam's", func(s *Spec) { s.Optimizer = "sgd" }},
		{"beta1 1; want a number in [0, 1)", func(s *Spec) { s.Beta1 = 1 }},
		{"want a name, and behind a colon a number", func(s *Spec) { s.Activation = "leakyrelu:-1" }},
		{"want a name, and behind a colon a number", func(s *Spec) { s.Activation = "relu:1" }},
	} {
		if err := adversarial(t, c.bend).Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// Any preset becomes adversarial by a prior.
func TestAnyPresetWithPrior(t *testing.T) {
	for _, preset := range []string{"fc12", "fc3", "conv"} {
		p, err := regular(t, preset, func(s *Spec) { s.Prior = NormalPrior }).Program()
		if err != nil {
			t.Errorf("%s: %v", preset, err)
			continue
		}
		if len(p.Phases) != 3 {
			t.Errorf("%s has %d phases", preset, len(p.Phases))
		}
	}
}

// Draws have the moments of the prior, and a row the same values however many
// are drawn.
func TestDrawPrior(t *testing.T) {
	for name, bend := range map[string]func(s *Spec){
		"normal":      nil,
		"two":         func(s *Spec) { s.Prior, s.Latent = "mixture:2", 2 },
		"ten":         func(s *Spec) { s.Prior, s.Latent = "mixture:10", 2 },
		"variational": func(s *Spec) { *s = regular(t, "vae", func(*Spec) {}) },
	} {
		t.Run(name, func(t *testing.T) {
			s := adversarial(t, bend)
			const n = 20_000
			all, some := make([]float32, n*s.Latent), make([]float32, 5*s.Latent)
			if err := s.DrawPrior(all, 3); err != nil {
				t.Fatal(err)
			}
			if err := s.DrawPrior(some, 3); err != nil || !slices.Equal(some, all[:len(some)]) {
				t.Errorf("five draws %v, the first of many %v (%v)", some, all[:len(some)], err)
			}
			for d, want := range s.PriorDeviation() {
				sum, squares := 0.0, 0.0
				for i := range n {
					v := float64(all[i*s.Latent+d])
					sum, squares = sum+v, squares+v*v
				}
				mean := sum / n
				if deviation := math.Sqrt(squares/n - mean*mean); math.Abs(mean) > 0.05*want || math.Abs(deviation/want-1) > 0.03 {
					t.Errorf("dimension %d: mean %v, deviation %v; want 0, %v", d, mean, deviation, want)
				}
			}
		})
	}
	if err := regular(t, "fc12", func(*Spec) {}).DrawPrior(make([]float32, 12), 1); err == nil || !strings.Contains(err.Error(), "no prior") {
		t.Errorf("error %v", err)
	}
	if err := adversarial(t, nil).DrawPrior(make([]float32, 4), 1); err == nil || !strings.Contains(err.Error(), "codes of 3") {
		t.Errorf("error %v", err)
	}
}
