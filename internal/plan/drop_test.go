package plan_test

import (
	"testing"

	"aegis/internal/plan"
	"aegis/internal/vm/cpu"
	"aegis/internal/vm/vmtest"
	"aegis/model"
)

// Dropout draws its noise where it multiplies, forward and back, and the slope
// of a ReLU is that of what was dropped; noise that is read otherwise stays.
func TestDrops(t *testing.T) {
	tanh := vmtest.RegularNetworks()["dropout"]
	tanh.Activation = "tanh"
	for _, c := range []struct {
		name                string
		spec                model.Spec
		drops, noises, read int // read: slopes of what was dropped
	}{
		{"relu", vmtest.RegularNetworks()["dropout"], 8, 0, 4},
		{"tanh", tanh, 8, 0, 0},
		{"mask", vmtest.RegularNetworks()["mask"], 0, 1, 0},
		{"salt and pepper", vmtest.RegularNetworks()["salt and pepper"], 2, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := compile(t, build(t, c.spec), cpu.PlanOptions())
			dropped := make(map[int]bool)
			drops, noises, read := 0, 0, 0
			for _, in := range p.Phases[0].Gradients {
				switch in.Op {
				case plan.Drop:
					drops++
					dropped[in.Dst[0]] = true
				case plan.Noise:
					noises++
				case plan.LinearDX:
					if dropped[in.Src[len(in.Src)-1]] {
						read++
					}
				}
			}
			if drops != c.drops || noises != c.noises || read != c.read {
				t.Errorf("%d drops, %d noises, %d slopes of what was dropped; want %d, %d, %d\n%s", drops, noises, read, c.drops, c.noises, c.read, p)
			}
		})
	}
}
