package plan_test

import (
	"slices"
	"strings"
	"testing"

	"aegis/internal/plan"
	"aegis/internal/vm/vmtest"
	"aegis/model/op"
)

// find returns the number of the first buffer of a name.
func find(t *testing.T, p *plan.Plan, name string) int {
	t.Helper()
	i := slices.IndexFunc(p.Buffers, func(b plan.Buffer) bool { return b.Name == name })
	if i < 0 {
		t.Fatalf("no buffer %s in\n%s", name, p)
	}
	return i
}

// first returns the first instruction of an op.
func first(t *testing.T, p *plan.Plan, o plan.Op) *plan.Instr {
	t.Helper()
	for _, section := range [][]plan.Instr{p.Phases[0].Gradients, p.Phases[0].Update} {
		for i := range section {
			if section[i].Op == o {
				return &section[i]
			}
		}
	}
	t.Fatalf("no %s in\n%s", o, p)
	return nil
}

// Each plan is broken in one place, and Verify names it.
func TestVerifyFindsMistakes(t *testing.T) {
	apart := plan.Options{}
	merged := plan.Options{ChannelsLast: true, Merge: true, Stages: true}
	copied := plan.Options{ChannelsLast: true}
	networks := vmtest.Networks()
	networks["norm"] = vmtest.ClippedNetworks()["norm"]
	for _, c := range []struct {
		name    string
		network string
		opt     plan.Options
		spoil   func(t *testing.T, p *plan.Plan)
		want    string
	}{
		{
			name: "unknown op", network: "fc relu", opt: apart, want: "instr 1 dream: no such instruction",
			spoil: func(_ *testing.T, p *plan.Plan) { p.Phases[0].Gradients[1].Op = "dream" },
		},
		{
			name: "left over", network: "fc relu", opt: apart, want: "instr 1 reshape: is left over from the graph",
			spoil: func(_ *testing.T, p *plan.Plan) { p.Phases[0].Gradients[1].Op = "reshape" },
		},
		{
			name: "update among gradients", network: "fc relu", opt: apart, want: "update: is among the gradients",
			spoil: func(_ *testing.T, p *plan.Plan) {
				ph := &p.Phases[0]
				ph.Gradients = append(ph.Gradients, ph.Update[0])
			},
		},
		{
			name: "gradient among updates", network: "fc relu", opt: apart, want: "linear: is among the updates",
			spoil: func(_ *testing.T, p *plan.Plan) {
				ph := &p.Phases[0]
				ph.Update = append(ph.Update, ph.Gradients[1])
			},
		},
		{
			name: "source missing", network: "fc relu", opt: apart, want: "instr 1 linear: want 3 sources, got 2",
			spoil: func(_ *testing.T, p *plan.Plan) {
				in := &p.Phases[0].Gradients[1]
				in.Src = in.Src[:2]
			},
		},
		{
			name: "slot missing", network: "fc relu", opt: merged, want: "linear-dw: want 6 sources, got 5",
			spoil: func(t *testing.T, p *plan.Plan) {
				in := first(t, p, plan.LinearDW)
				in.Src = in.Src[:len(in.Src)-1]
			},
		},
		{
			name: "slope without y", network: "fc relu", opt: apart, want: "linear-dx: want 3 sources, got 2",
			spoil: func(t *testing.T, p *plan.Plan) {
				in := first(t, p, plan.LinearDX)
				in.Src = in.Src[:2]
			},
		},
		{
			name: "slope where none is", network: "fc relu", opt: apart, want: "linear: cannot have a slope",
			spoil: func(t *testing.T, p *plan.Plan) { first(t, p, plan.Linear).Slope = op.Activation{Kind: op.ReLU} },
		},
		{
			name: "activation where none is", network: "fc relu", opt: apart, want: "load: cannot have an activation",
			spoil: func(t *testing.T, p *plan.Plan) {
				first(t, p, plan.Load).Activation = op.Activation{Kind: op.ReLU}
			},
		},
		{
			name: "update where none is", network: "fc relu", opt: apart, want: "linear: cannot have an update",
			spoil: func(t *testing.T, p *plan.Plan) { first(t, p, plan.Linear).Update = true },
		},
		{
			name: "unknown activation", network: "fc relu", opt: apart, want: `linear: op: unknown activation "swish"`,
			spoil: func(t *testing.T, p *plan.Plan) { first(t, p, plan.Linear).Activation.Kind = "swish" },
		},
		{
			name: "unknown slope", network: "fc relu", opt: apart, want: `linear-dx: op: unknown activation "swish"`,
			spoil: func(t *testing.T, p *plan.Plan) { first(t, p, plan.LinearDX).Slope.Kind = "swish" },
		},
		{
			name: "unknown loss", network: "fc relu", opt: apart, want: `loss-grad: op: unknown loss "hinge"`,
			spoil: func(t *testing.T, p *plan.Plan) { first(t, p, plan.LossGrad).Loss.Kind = "hinge" },
		},
		{
			name: "slope of the identity", network: "fc relu", opt: apart, want: "slope: has no slope",
			spoil: func(t *testing.T, p *plan.Plan) { first(t, p, plan.Linear).Op = plan.Slope },
		},
		{
			name: "result missing", network: "fc relu", opt: apart, want: "linear-dw: want 2 results, got 1",
			spoil: func(t *testing.T, p *plan.Plan) {
				in := first(t, p, plan.LinearDW)
				in.Dst = in.Dst[:1]
			},
		},
		{
			name: "no such buffer", network: "fc relu", opt: apart, want: "linear: no buffer #999",
			spoil: func(t *testing.T, p *plan.Plan) { first(t, p, plan.Linear).Src[0] = 999 },
		},
		{
			name: "shape", network: "fc relu", opt: apart, want: "instr 2 linear: want inputs (B,I), outputs (B,O), weights (O,I), bias (O): [[7 5]] ← [[7 36] [5 19] [5]]",
			spoil: func(t *testing.T, p *plan.Plan) { p.Phases[0].Gradients[2].Src[0] = find(t, p, "x") },
		},
		{
			name: "rows", network: "fc relu", opt: apart, want: "want 7 rows in",
			spoil: func(t *testing.T, p *plan.Plan) { p.Buffers[find(t, p, "x")].Shape = []int{6, 36} },
		},
		{
			name: "y of a slope", network: "fc relu", opt: apart, want: "linear-dx: want the slope's y in the result's shape",
			spoil: func(t *testing.T, p *plan.Plan) {
				in := first(t, p, plan.LinearDX)
				in.Src[2] = in.Src[0]
			},
		},
		{
			name: "window", network: "conv relu", opt: apart, want: "does not take the image to its windows",
			spoil: func(t *testing.T, p *plan.Plan) { first(t, p, plan.Conv2d).Window.Stride = [2]int{1, 2} },
		},
		{
			name: "no stride", network: "conv relu", opt: apart, want: "want a stride of at least 1",
			spoil: func(t *testing.T, p *plan.Plan) { first(t, p, plan.ConvTranspose2d).Window.Stride = [2]int{0, 2} },
		},
		{
			name: "bias of a convolution", network: "conv relu", opt: apart, want: "want a bias for each channel",
			spoil: func(t *testing.T, p *plan.Plan) { p.Buffers[find(t, p, "encoder.0.bias")].Shape = []int{7} },
		},
		{
			name: "loss and its value", network: "fc relu", opt: apart, want: "want a scalar ← pred (B,…), target (B,…)",
			spoil: func(t *testing.T, p *plan.Plan) { p.Buffers[find(t, p, "loss")].Shape = []int{1} },
		},
		{
			name: "read before it is written", network: "fc relu", opt: apart, want: "instr 1 linear: reads #",
			spoil: func(_ *testing.T, p *plan.Plan) {
				code := p.Phases[0].Gradients
				code[1], code[2] = code[2], code[1]
			},
		},
		{
			name: "written twice", network: "fc relu", opt: apart, want: "instr 2 linear: writes #",
			spoil: func(_ *testing.T, p *plan.Plan) {
				ph := &p.Phases[0]
				ph.Gradients = slices.Insert(ph.Gradients, 2, ph.Gradients[1])
			},
		},
		{
			name: "parameter written", network: "fc relu", opt: apart, want: "only updates may",
			spoil: func(t *testing.T, p *plan.Plan) { first(t, p, plan.LinearDW).Dst[0] = 0 },
		},
		{
			name: "output that nothing writes", network: "fc relu", opt: apart, want: "output loss: nothing writes #",
			spoil: func(_ *testing.T, p *plan.Plan) {
				p.Buffers = append(p.Buffers, plan.Buffer{Name: "new", Kind: plan.Result, Layout: plan.RowMajor, Of: -1})
				p.Phases[0].Outputs[0].Buffer = len(p.Buffers) - 1
			},
		},
		{
			name: "weights read after their update", network: "fc relu", opt: merged, want: "linear-dx: reads #",
			spoil: func(t *testing.T, p *plan.Plan) {
				late := *first(t, p, plan.LinearDX)
				p.Buffers = append(p.Buffers, p.Buffers[late.Dst[0]])
				late.Dst, late.Stage = []int{len(p.Buffers) - 1}, 2
				p.Phases[0].Gradients = append(p.Phases[0].Gradients, late)
			},
		},
		{
			name: "copy not refreshed", network: "conv relu", opt: merged, want: "convtranspose2d-dw: refreshes the copies [] of what it updates; want [",
			spoil: func(_ *testing.T, p *plan.Plan) {
				in := &p.Phases[0].Gradients[len(p.Phases[0].Gradients)-1]
				in.Dst = in.Dst[:2]
			},
		},
		{
			name: "copy not refreshed by an update", network: "conv relu", opt: copied, want: "update: refreshes the copies [] of what it updates; want [",
			spoil: func(_ *testing.T, p *plan.Plan) {
				for i := range p.Phases[0].Update {
					in := &p.Phases[0].Update[i]
					in.Dst = in.Dst[:1]
				}
			},
		},
		{
			name: "updated twice", network: "fc relu", opt: apart, want: "a second time",
			spoil: func(_ *testing.T, p *plan.Plan) {
				p.Phases[0].Update = append(p.Phases[0].Update, p.Phases[0].Update[0])
			},
		},
		{
			name: "another's slot", network: "fc relu", opt: apart, want: "which is no slot of it",
			spoil: func(_ *testing.T, p *plan.Plan) { p.Phases[0].Update[1].Src[1] = p.Phases[0].Update[5].Src[1] },
		},
		{
			name: "norm among gradients", network: "norm", opt: apart, want: "clip-norm: is among the gradients",
			spoil: func(_ *testing.T, p *plan.Plan) {
				ph := &p.Phases[0]
				ph.Gradients, ph.Update = append(ph.Gradients, ph.Update[0]), ph.Update[1:]
			},
		},
		{
			name: "norm of nothing", network: "norm", opt: apart, want: "clip-norm: want 1 sources, got 0",
			spoil: func(t *testing.T, p *plan.Plan) { first(t, p, plan.ClipNorm).Src = nil },
		},
		{
			name: "norm without a bound", network: "norm", opt: apart, want: "clip-norm: clips a second time, or without a bound",
			spoil: func(_ *testing.T, p *plan.Plan) { p.Phases[0].Clip.Norm = 0 },
		},
		{
			name: "a gradient that is not in the norm", network: "norm", opt: apart, want: "want that of the gradients that are applied",
			spoil: func(t *testing.T, p *plan.Plan) {
				in := first(t, p, plan.ClipNorm)
				in.Src = in.Src[1:]
			},
		},
		{
			name: "an update that is not clipped", network: "norm", opt: apart, want: "update: is scaled: false; want it",
			spoil: func(t *testing.T, p *plan.Plan) {
				in := first(t, p, plan.Update)
				in.Src, in.Scaled = slices.Delete(in.Src, 1, 2), false
			},
		},
		{
			name: "an update that is scaled by a loss", network: "norm", opt: apart, want: "want what clips the norm of the phase",
			spoil: func(t *testing.T, p *plan.Plan) { first(t, p, plan.Update).Src[1] = find(t, p, "loss") },
		},
		{
			name: "a merged update that is to be clipped", network: "fc relu", opt: merged, want: "applies a gradient that is to be clipped",
			spoil: func(_ *testing.T, p *plan.Plan) { p.Phases[0].Clip.Value = 1 },
		},
		{
			name: "factor read within its stage", network: "norm", opt: apart, want: "in the stage that completes it",
			spoil: func(_ *testing.T, p *plan.Plan) {
				for i := range p.Phases[0].Update {
					p.Phases[0].Update[i].Stage = 0
				}
			},
		},
		{
			name: "stage of both kinds", network: "fc relu", opt: apart, want: "linear-dw: stage 0 mixes rows and sums",
			spoil: func(_ *testing.T, p *plan.Plan) {
				for i := range p.Phases[0].Gradients {
					p.Phases[0].Gradients[i].Stage = 0
				}
			},
		},
		{
			name: "stages out of order", network: "fc relu", opt: apart, want: "is in stage 3 after stage 1",
			spoil: func(_ *testing.T, p *plan.Plan) { p.Phases[0].Gradients[len(p.Phases[0].Gradients)-1].Stage = 3 },
		},
		{
			name: "weights as in the graph", network: "conv relu", opt: merged, want: "row-major",
			spoil: func(t *testing.T, p *plan.Plan) {
				p.Buffers[find(t, p, "encoder.0.weight")].Layout = plan.RowMajor
			},
		},
		{
			name: "scatters by the parameter itself", network: "conv relu", opt: merged, want: "convtranspose2d: weights #",
			spoil: func(_ *testing.T, p *plan.Plan) {
				list := p.Phases[0].Gradients
				in := &list[slices.IndexFunc(list, p.Scatters)]
				in.Src[1] = p.Buffers[in.Src[1]].Of
			},
		},
		{
			name: "gradient of another product", network: "conv relu", opt: copied, want: "is a weight of convtranspose2d",
			spoil: func(t *testing.T, p *plan.Plan) {
				in := first(t, p, plan.ConvTranspose2dDW)
				ph := &p.Phases[0]
				ph.Update = slices.DeleteFunc(ph.Update, func(u plan.Instr) bool { return u.Src[0] == in.Dst[1] })
				in.Op, in.Src = plan.Conv2dDW, []int{in.Src[1], in.Src[0]}
				p.Buffers[in.Dst[1]].Shape = p.Buffers[in.Src[0]].Shape[1:2]
				p.Buffers[in.Dst[1]].Kind = plan.Temp
			},
		},
		{
			name: "channels last unasked", network: "conv relu", opt: apart, want: "is nhwc; want row-major",
			spoil: func(t *testing.T, p *plan.Plan) { p.Buffers[find(t, p, "x")].Layout = plan.NHWC },
		},
		{
			name: "gradient in another layout", network: "fc relu", opt: copied, want: "as its parameter",
			spoil: func(t *testing.T, p *plan.Plan) {
				p.Buffers[find(t, p, "encoder.0.weight.grad")].Layout = plan.RowMajor
			},
		},
		{
			name: "shared memory", network: "fc relu", opt: apart, want: "instr 2 linear: #",
			spoil: func(t *testing.T, p *plan.Plan) {
				p.Buffers[find(t, p, "encoder.2")].Offset = p.Buffers[find(t, p, "encoder.0")].Offset
			},
		},
		{
			name: "two results in one place", network: "fc relu", opt: apart, want: "linear-dw: #",
			spoil: func(t *testing.T, p *plan.Plan) {
				in := first(t, p, plan.LinearDW)
				p.Buffers[in.Dst[1]].Offset = p.Buffers[in.Dst[0]].Offset
			},
		},
		{
			name: "sum read within its stage", network: "fc relu", opt: apart, want: "in the stage that completes it",
			spoil: func(_ *testing.T, p *plan.Plan) {
				code := p.Phases[0].Gradients
				last := code[len(code)-1]
				p.Buffers = append(p.Buffers, p.Buffers[last.Dst[0]])
				sum := plan.Instr{
					Op: plan.AddSums, Dst: []int{len(p.Buffers) - 1}, Src: []int{last.Dst[0], last.Dst[0]},
					Activation: op.None, Slope: op.None, Stage: last.Stage,
				}
				p.Phases[0].Gradients = append(code, sum)
			},
		},
		{
			name: "memory freed within a stage", network: "fc relu", opt: plan.Options{Merge: true}, want: "shares memory with",
			spoil: func(_ *testing.T, p *plan.Plan) { p.Options.Stages = true },
		},
		{
			name: "outside the arena", network: "fc relu", opt: apart, want: "in an arena of",
			spoil: func(_ *testing.T, p *plan.Plan) { p.Arena -= 16 },
		},
		{
			name: "not aligned", network: "fc relu", opt: apart, want: "want a multiple of 16",
			spoil: func(t *testing.T, p *plan.Plan) { p.Buffers[find(t, p, "x")].Offset++ },
		},
		{
			name: "parameter in the arena", network: "fc relu", opt: apart, want: "a VM keeps it",
			spoil: func(_ *testing.T, p *plan.Plan) { p.Buffers[0].Offset = 0 },
		},
		{
			name: "loss written over", network: "fc relu", opt: apart, want: "want its own for results",
			spoil: func(t *testing.T, p *plan.Plan) { p.Buffers[find(t, p, "loss")].Offset = 0 },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := compile(t, build(t, networks[c.network]), c.opt)
			c.spoil(t, p)
			if err := p.Verify(); err == nil || !strings.HasPrefix(err.Error(), "plan: odd: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
