package plan_test

import (
	"testing"

	"aegis/internal/plan"
	"aegis/model"
)

// TestPhasesShare: what a later phase would compute once more of parameters that
// did not change stays from the earlier one, and nothing else.
func TestPhasesShare(t *testing.T) {
	for _, prior := range []string{model.NormalPrior, "mixture:7"} {
		spec, err := model.Preset("aae")
		if err != nil {
			t.Fatal(err)
		}
		spec.Image, spec.Prior, spec.Latent = [3]int{1, 4, 4}, prior, 2
		spec.Corrupt, spec.Dropout = "mask:0.25", 0.5
		p, err := spec.Program()
		if err != nil {
			t.Fatal(err)
		}
		for _, opt := range []plan.Options{{}, {ChannelsLast: true, Merge: true, Stages: true}, {Merge: true, Exchange: true}} {
			compiled, err := plan.Compile(p, opt)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []map[plan.Op]int{
				{plan.Load: 1, plan.Linear: 6, plan.Moments: 2, plan.Track: 4}, // encoder, decoder
				{plan.Load: 0, plan.Linear: 9, plan.Moments: 1, plan.Track: 2}, // encoder, and the discriminator twice
				{plan.Load: 0, plan.Linear: 3, plan.Moments: 0, plan.Track: 2}, // discriminator
			} {
				got := make(map[plan.Op]int)
				for _, in := range compiled.Phases[i].Gradients {
					got[in.Op]++
				}
				for op, n := range want {
					if got[op] != n {
						t.Errorf("%s, %v, phase %s: %d × %s, want %d", prior, opt, compiled.Phases[i].Name, got[op], op, n)
					}
				}
				if i > 0 && got[plan.Noise] != map[bool]int{true: 1, false: 2}[prior == model.NormalPrior]*(2-i) {
					t.Errorf("%s, %v, phase %s: %d × noise", prior, opt, compiled.Phases[i].Name, got[plan.Noise])
				}
			}
		}
	}
}
