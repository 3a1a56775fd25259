package plan_test

import (
	"strings"
	"testing"

	"aegis/internal/plan"
	"aegis/internal/vm/cpu"
	"aegis/internal/vm/vmtest"
	"aegis/model"
)

// An average follows at once behind the last update of what it follows: of an
// adversarial network's encoder that is the generator's, of its decoder the first
// phase's.
func TestFollowsAtOnce(t *testing.T) {
	spec := vmtest.AdversarialNetworks()["aae"]
	spec.EMA = 0.99
	p := compile(t, build(t, spec), cpu.PlanOptions())
	followed := 0
	for _, in := range p.Phases[len(p.Phases)-1].Update {
		if in.Op != plan.Follow {
			continue
		}
		followed++
		name, want := p.Buffers[in.Src[0]].Name, 0
		if strings.HasPrefix(name, "encoder.") {
			want = 2
		}
		if phase, ok := p.FollowsAtOnce(in); !ok || phase != want {
			t.Errorf("%s follows at once in phase %d: %v; want %d", name, phase, ok, want)
		}
		if by := p.Buffers[in.Src[1]]; !in.Scaled || in.Factor != 1 || by.Kind != plan.Scalar {
			t.Errorf("%s follows by %v × %s; want the step's number alone", name, in.Factor, by.Kind)
		}
	}
	if want := 2 * 2 * (3 + 1); followed != want { // three layers and a norm in each half
		t.Errorf("%d tensors are followed, want %d", followed, want)
	}
}

// Where a graph that is trained reads a shadow, it has to stay as it is until the
// step is over; and a tensor that no phase trains has no update to stand behind.
func TestShadowsThatWait(t *testing.T) {
	for name, spoil := range map[string]func(p *plan.Plan, follow plan.Instr){
		"a graph reads it": func(p *plan.Plan, follow plan.Instr) { p.Phases[0].Gradients[1].Src[1] = follow.Dst[0] },
		"nothing is updated": func(p *plan.Plan, _ plan.Instr) {
			for i := range p.Phases[0].Gradients {
				p.Phases[0].Gradients[i].Update = false
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			spec := vmtest.Networks()["odd widths"]
			spec.EMA = 0.99
			p := compile(t, build(t, spec), cpu.PlanOptions())
			follow := p.Phases[0].Update[0]
			if _, ok := p.FollowsAtOnce(follow); !ok {
				t.Fatal("it has to wait already")
			}
			if spoil(p, follow); p.Buffers[follow.Dst[0]].Name != model.AverageName("encoder.0.weight") {
				t.Fatalf("the first one to follow is %s", p.Buffers[follow.Dst[0]].Name)
			}
			if _, ok := p.FollowsAtOnce(follow); ok {
				t.Error("it follows at once")
			}
		})
	}
}
