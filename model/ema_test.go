package model

import (
	"math"
	"slices"
	"strings"
	"testing"

	"aegis/model/program"
)

// Early decays are short: a tenth of the first parameters is left after the first
// step.
func TestDecayOfAverages(t *testing.T) {
	p, err := regular(t, "fc12", func(s *Spec) { s.EMA = 0.9 }).Program()
	if err != nil {
		t.Fatal(err)
	}
	for step, want := range map[int64]float64{0: 0.1, 1: 2. / 11, 79: 80. / 89, 80: 0.9, 81: 0.9, 1e6: 0.9} {
		shadow := p.Params[len(p.Params)-1]
		if got := p.ShadowDecay(shadow, p.StepScalars(nil, step, 1)); shadow.Role != program.Shadow || got != float32(want) {
			t.Errorf("decay of %s in step %d is %v, want %v", shadow.Name, step, got, want)
		}
	}
}

// What forward parts read of trained tensors are averages, of all others the
// tensors themselves; a network that is used has none.
func TestAverages(t *testing.T) {
	for preset, bend := range map[string]func(s *Spec){
		"fc12": func(s *Spec) { s.BatchNorm = true },
		"conv": func(*Spec) {},
		"vae":  func(s *Spec) { s.Likelihood = GaussianLearned },
		"aae":  func(*Spec) {},
	} {
		t.Run(preset, func(t *testing.T) {
			spec := regular(t, preset, func(s *Spec) {
				s.EMA = 0.99
				bend(s)
			})
			p, err := spec.Program()
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Validate(); err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, param := range p.Params {
				if param.Role == program.Trained && !strings.HasPrefix(param.Name, "discriminator.") {
					want = append(want, AverageName(param.Name))
				}
			}
			var got, read []string
			for _, param := range p.Params {
				if param.Role == program.Shadow {
					got = append(got, param.Name)
				}
			}
			g, err := p.Build(program.Evaluate, 3)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range g.Params {
				if i := slices.IndexFunc(p.Params, func(p program.Param) bool { return p.Name == n.Name() }); p.Params[i].Role == program.Trained {
					t.Errorf("evaluation reads %s, which is trained", n.Name())
				} else if p.Params[i].Role == program.Shadow {
					read = append(read, n.Name())
				}
			}
			slices.Sort(read)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) || !slices.Equal(read, want) {
				t.Errorf("averages %v, of which evaluation reads %v; want %v", got, read, want)
			}
			plain := spec
			plain.EMA = 0
			used, err := spec.Forward()
			if err != nil {
				t.Fatal(err)
			}
			without, err := plain.Forward()
			if err != nil {
				t.Fatal(err)
			}
			if len(used.Params) != len(without.Params) || len(p.Params) != len(used.Params)+len(want) {
				t.Errorf("%d tensors of use, %d without averages, %d of training", len(used.Params), len(without.Params), len(p.Params))
			}
		})
	}
}

func TestEMAIsRefused(t *testing.T) {
	for _, decay := range []float64{-0.1, 1, 2, math.NaN(), math.Inf(1)} {
		s := regular(t, "fc12", func(s *Spec) { s.EMA = decay })
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "want a decay between 0 and 1") {
			t.Errorf("ema %v: error %v", decay, err)
		}
	}
}
