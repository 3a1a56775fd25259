package vmtest

import (
	"math"
	"slices"
	"strings"
	"testing"

	"aegis/internal/numtest"
	"aegis/internal/train"
	"aegis/model"
	"aegis/model/optim"
	"aegis/model/program"
)

// ClippedNetworks clip gradients by norm, by value and by both, of one phase and
// of three.
func ClippedNetworks() map[string]model.Spec {
	clip := func(norm, value float64) func(s *model.Spec) {
		return func(s *model.Spec) {
			s.ClipNorm, s.ClipValue, s.Optimizer, s.LR = norm, value, optim.SGD, 0.5
		}
	}
	specs := map[string]model.Spec{
		"norm":      network(model.FullyConnected, [3]int{1, 5, 7}, []int{33, 17}, 3, 5, clip(0.01, 0)),
		"value":     network(model.FullyConnected, [3]int{1, 5, 7}, []int{33, 17}, 3, 5, clip(0, 1e-3)),
		"conv both": network(model.Convolutional, [3]int{2, 6, 5}, []int{5, 18}, 4, 5, clip(0.01, 2e-3)),
	}
	for _, name := range []string{"aae", "conv"} {
		spec := AdversarialNetworks()[name]
		spec.ClipNorm = 0.05
		specs[name+" adversarial"] = spec
	}
	return specs
}

// goldenClipped are the networks of scripts/golden_clip.py.
func goldenClipped() map[string]model.Spec {
	fc := func(norm, value float64, bend func(s *model.Spec)) model.Spec {
		s := network(model.FullyConnected, [3]int{1, 5, 7}, []int{17, 9}, 3, 5, nil)
		s.Activation, s.Optimizer, s.LR, s.Momentum = "tanh", optim.SGD, 0.1, 0.5
		s.ClipNorm, s.ClipValue = norm, value
		bend(&s)
		return s
	}
	plain := func(*model.Spec) {}
	norm := func(s *model.Spec) { s.BatchNorm = true }
	conv := func(s *model.Spec) {
		norm(s)
		s.Family, s.Image, s.Hidden = model.Convolutional, [3]int{1, 6, 4}, []int{3, 6}
	}
	vae := func(s *model.Spec) {
		s.Hidden, s.Activation, s.Loss, s.Likelihood, s.Beta, s.LR = []int{19}, "relu", "", model.Bernoulli, 1, 0.01
	}
	adam := func(bend func(s *model.Spec)) func(s *model.Spec) {
		return func(s *model.Spec) {
			bend(s)
			s.Optimizer, s.LR, s.Momentum, s.Beta1 = optim.Adam, 1e-3, 0, 0.5
		}
	}
	aae := func(s *model.Spec) {
		*s = AdversarialNetworks()["aae"]
		s.LR, s.ClipNorm = 0.1, 0.15
	}
	return map[string]model.Spec{
		"always":    fc(0.01, 0, norm),
		"sometimes": fc(0.05, 0, norm),
		"never":     fc(10, 0, norm),
		"adam":      fc(0.036, 0, adam(norm)),
		"value":     fc(0, 0.001, plain),
		"both":      fc(0.0083, 0.001, plain),
		"conv":      fc(0.05, 0, conv),
		"conv adam": fc(0.05, 0, adam(conv)),
		"conv both": fc(0.045, 0.01, conv),
		"vae":       fc(1.2, 0, vae),
		"vae adam":  fc(1.1, 0.1, adam(vae)),
		"aae":       fc(0, 0, aae),
		"aae adam":  fc(0, 0, adam(aae)),
	}
}

// Clipped holds a VM to PyTorch's clipping of gradients: all losses over fifty
// steps and all tensors after them. Names say how often the norm is clipped; where
// they do not, it is in some steps.
func Clipped(t *testing.T, open Open) {
	t.Run("many values", func(t *testing.T) { clippedMany(t, open) })
	t.Run("no number", func(t *testing.T) { clippedNaN(t, open) })
	want := readGolden(t, "clip")
	for name, spec := range goldenClipped() {
		t.Run(name, func(t *testing.T) {
			checkClippedSteps(t, name, spec, widen(want[name+"/norms"].Data))
			const rows = 40
			spec.Batch = 16
			pixels := make([]byte, rows*spec.Image[0]*spec.Image[1]*spec.Image[2])
			for i := range pixels {
				pixels[i] = byte(37 * i)
			}
			p, m := machine(t, open, spec, pixels)
			const epochs, perEpoch = 16, 3
			var losses []float64
			for epoch := range int64(epochs) {
				losses = append(losses, steps(t, p, m, epoch*perEpoch, train.Rows(rows))...)
			}
			losses = append(losses, steps(t, p, m, epochs*perEpoch, train.Rows(2*p.Batch))...)
			numtest.Close(t, "losses", losses, widen(want[name+"/losses"].Data), LossTolerance)
			after := state(t, m)
			compared := 0
			for _, param := range p.Params {
				if tensor, ok := want[name+"/"+param.Name]; ok {
					numtest.Close(t, param.Name, widen(after.Tensors[param.Name].Data), widen(tensor.Data), LossTolerance)
					compared++
				}
			}
			if want := len(p.Params); compared != want && !(spec.Optimizer == optim.Adam && spec.BatchNorm) {
				t.Errorf("%d tensors of PyTorch; want all %d", compared, want)
			}
		})
	}
}

// clippedMany holds the norm of more values than a VM adds up at once to the
// tape machine's.
func clippedMany(t *testing.T, open Open) {
	spec := network(model.FullyConnected, [3]int{1, 20, 33}, nil, 29, 4, func(s *model.Spec) {
		s.ClipNorm, s.Optimizer, s.LR = 1e-3, optim.SGD, 1<<16
	})
	pixels := make([]byte, 4*20*33)
	for i := range pixels {
		pixels[i] = byte(37 * i)
	}
	p, m := machine(t, open, spec, pixels)
	_, ref := machine(t, reference, spec, pixels)
	before := state(t, m)
	steps(t, p, m, 0, train.Rows(p.Batch))
	steps(t, p, ref, 0, train.Rows(p.Batch))
	got, want := state(t, m), state(t, ref)
	for _, param := range p.Params {
		moved := func(after *program.State) []float64 {
			by := widen(after.Tensors[param.Name].Data)
			for i, v := range before.Tensors[param.Name].Data {
				by[i] -= float64(v)
			}
			return by
		}
		numtest.Close(t, "step of "+param.Name, moved(got), moved(want), GradientTolerance)
	}
}

// clippedNaN wants a gradient that is no number to spread to all parameters of
// its phase by the norm, so that a broken run says so: of one bias that is none,
// one output's weights have such a gradient without clipping.
func clippedNaN(t *testing.T, open Open) {
	spec := ClippedNetworks()["norm"]
	spec.Hidden = nil
	p, m := machine(t, open, spec, make([]byte, 5*5*7))
	s := state(t, m)
	s.Tensors["decoder.0.bias"].Data[3] = float32(math.NaN())
	if err := m.SetState(s); err != nil {
		t.Fatal(err)
	}
	steps(t, p, m, 0, train.Rows(5))
	for name, tensor := range state(t, m).Tensors {
		for i, v := range tensor.Data {
			if v == v {
				t.Fatalf("%s: value %d is %v after a gradient that is no number", name, i, v)
			}
		}
	}
}

// checkClippedSteps wants the norms of a file to be beyond the bound in as many
// steps as its name says.
func checkClippedSteps(t *testing.T, name string, spec model.Spec, norms []float64) {
	t.Helper()
	beyond := 0
	for _, norm := range norms {
		if spec.ClipNorm > 0 && norm > spec.ClipNorm {
			beyond++
		}
	}
	want := beyond > 0 && beyond < len(norms)
	switch {
	case strings.Contains(name, "always"):
		want = beyond == len(norms)
	case slices.Contains([]string{"never", "value"}, name):
		want = beyond == 0
	}
	if len(norms)%50 != 0 || len(norms) == 0 || !want {
		t.Errorf("%d of %d norms of PyTorch are beyond %v", beyond, len(norms), spec.ClipNorm)
	}
}
