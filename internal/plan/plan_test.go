package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"aegis/internal/plan"
	"aegis/internal/vm/vmtest"
	"aegis/model"
	"aegis/model/op"
	"aegis/model/optim"
	"aegis/model/program"
)

// everyOption returns all combinations of options.
func everyOption() []plan.Options {
	var list []plan.Options
	for bits := range 8 {
		list = append(list, plan.Options{ChannelsLast: bits&1 != 0, Merge: bits&2 != 0, Stages: bits&4 != 0})
	}
	return list
}

func parts() []program.Part {
	return []program.Part{program.Encode, program.Decode, program.Reconstruct, program.Evaluate}
}

// preset returns a preset's program on images of 28×28.
func preset(t *testing.T, name string) *program.Program {
	t.Helper()
	spec, err := model.Preset(name)
	if err != nil {
		t.Fatal(err)
	}
	spec.Image, spec.Rows = [3]int{1, 28, 28}, 1000
	return build(t, spec)
}

func build(t *testing.T, spec model.Spec) *program.Program {
	t.Helper()
	p, err := spec.Program()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func compile(t *testing.T, p *program.Program, opt plan.Options) *plan.Plan {
	t.Helper()
	c, err := plan.Compile(p, opt)
	if err != nil {
		t.Fatalf("%s: %v", opt, err)
	}
	if err := c.Verify(); err != nil {
		t.Fatalf("%s: %v", opt, err)
	}
	return c
}

func compileForward(t *testing.T, p *program.Program, part program.Part, batch int, opt plan.Options) *plan.Plan {
	t.Helper()
	g, err := p.Forward(part, batch)
	if err != nil {
		t.Fatal(err)
	}
	c, err := plan.CompileForward(p, g, opt)
	if err != nil {
		t.Fatalf("%s of %d, %s: %v", part, batch, opt, err)
	}
	if err := c.Verify(); err != nil {
		t.Fatalf("%s of %d, %s: %v", part, batch, opt, err)
	}
	return c
}

// steps writes a phase's instructions without their operands.
func steps(ph plan.Phase) []string {
	var list []string
	for _, in := range slices.Concat(ph.Gradients, ph.Update) {
		text := string(in.Op)
		if in.Activation != op.None {
			text += " " + in.Activation.String()
		}
		if in.Slope != op.None {
			text += " " + in.Slope.String() + "'"
		}
		if in.Update {
			text += " +update"
		}
		list = append(list, fmt.Sprintf("%d %s", in.Stage, text))
	}
	return list
}

// count returns how many instructions of a plan do something.
func count(p *plan.Plan, o plan.Op) int {
	n := 0
	for _, ph := range p.Phases {
		for _, in := range slices.Concat(ph.Gradients, ph.Update) {
			if in.Op == o {
				n++
			}
		}
	}
	return n
}

func TestEveryNetworkCompiles(t *testing.T) {
	for name, spec := range vmtest.Networks() {
		t.Run(name, func(t *testing.T) {
			p := build(t, spec)
			for _, opt := range everyOption() {
				compile(t, p, opt)
				for _, part := range parts() {
					for _, batch := range []int{1, 7} {
						compileForward(t, p, part, batch, opt)
					}
				}
			}
		})
	}
}

// fc12 in its shortest form: no gradient by the images, one loss with its
// gradient and the tanh's, each update behind its gradient.
func TestInstructionsOfFC12(t *testing.T) {
	p := preset(t, "fc12")
	rows := []string{
		"0 load",
		"0 linear relu", "0 linear relu", "0 linear", "0 linear relu", "0 linear relu", "0 linear tanh",
		"0 loss-grad tanh'",
		"0 linear-dx relu'", "0 linear-dx relu'", "0 linear-dx", "0 linear-dx relu'", "0 linear-dx relu'",
	}
	repeat := func(n int, text string) []string { return slices.Repeat([]string{text}, n) }
	for _, c := range []struct {
		name string
		opt  plan.Options
		clip optim.Clip
		want []string
	}{
		{name: "merged", opt: plan.Options{Merge: true}, want: slices.Concat(rows, repeat(6, "1 linear-dw +update"))},
		{name: "apart", want: slices.Concat(rows, repeat(6, "1 linear-dw"), repeat(12, "0 update"))},
		{
			name: "norm clipped", opt: plan.Options{Merge: true}, clip: optim.Clip{Norm: 1, Value: 1},
			want: slices.Concat(rows, repeat(6, "1 linear-dw"), repeat(1, "0 clip-norm"), repeat(12, "1 update")),
		},
		{
			name: "values clipped", opt: plan.Options{Merge: true}, clip: optim.Clip{Value: 1},
			want: slices.Concat(rows, repeat(6, "1 linear-dw"), repeat(12, "0 update")),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.Phases[0].Clip = c.clip
			if got := steps(compile(t, p, c.opt).Phases[0]); !slices.Equal(got, c.want) {
				t.Errorf("instructions\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
	forward := compileForward(t, p, program.Encode, 1, plan.Options{})
	if got, want := steps(forward.Phases[0]), []string{"0 load", "0 linear relu", "0 linear relu", "0 linear"}; !slices.Equal(got, want) {
		t.Errorf("encode: %q, want %q", got, want)
	}
}

// The derivative of GELU needs z, so that it stays apart in training only.
func TestGELUStaysApartInTraining(t *testing.T) {
	p := build(t, vmtest.Networks()["fc gelu"])
	trained := compile(t, p, plan.Options{Merge: true})
	if got := count(trained, plan.Activate); got != 4 {
		t.Errorf("%d activations by themselves, want 4", got)
	}
	if got := count(trained, plan.Slope); got != 0 {
		t.Errorf("%d slopes by themselves, want 0", got)
	}
	if got := count(compileForward(t, p, program.Reconstruct, 3, plan.Options{}), plan.Activate); got != 0 {
		t.Errorf("%d activations by themselves forward, want 0", got)
	}
}

// The first parameters of every plan are the program's, so that a VM can find
// them by number.
func TestParametersComeFirst(t *testing.T) {
	p := preset(t, "conv")
	for _, opt := range everyOption() {
		c := compile(t, p, opt)
		for i, param := range p.Params {
			if b := c.Buffers[i]; b.Name != param.Name || b.Kind != plan.Param {
				t.Errorf("%s: buffer %d is %s %s, want parameter %s", opt, i, b.Kind, b.Name, param.Name)
			}
		}
	}
}

// A VM keeps one copy of the parameters for training and for every part.
func TestForwardPlansShareLayouts(t *testing.T) {
	for _, name := range []string{"fc gelu", "colour", "conv none"} {
		p := build(t, vmtest.Networks()[name])
		for _, opt := range everyOption() {
			layouts := make(map[string]plan.Layout)
			for _, b := range compile(t, p, opt).Buffers {
				if b.Kind == plan.Param {
					layouts[b.Name] = b.Layout
				}
			}
			for _, part := range parts() {
				for _, b := range compileForward(t, p, part, 2, opt).Buffers {
					if b.Kind == plan.Param && b.Layout != layouts[b.Name] {
						t.Errorf("%s, %s, %s: %s is %s, in training %s", name, opt, part, b.Name, b.Layout, layouts[b.Name])
					}
				}
			}
		}
	}
}

// Images lie in memory as their vectors do where one channel is all there is;
// else they are packed.
func TestPackOnlyWhereMemoryDiffers(t *testing.T) {
	for _, c := range []struct {
		name string
		want int
	}{{"conv odd", 0}, {"conv point", 0}, {"colour", 1}, {"conv none", 1}} {
		p := build(t, vmtest.Networks()[c.name])
		for _, opt := range everyOption() {
			want := 0
			if opt.ChannelsLast {
				want = c.want
			}
			if got := count(compileForward(t, p, program.Reconstruct, 3, opt), plan.Pack); got != want {
				t.Errorf("%s, %s: %d packs, want %d", c.name, opt, got, want)
			}
		}
	}
}

// Memory is used again: what lives at one time is less than all there is.
func TestMemoryIsShared(t *testing.T) {
	p := preset(t, "conv")
	for _, c := range []struct {
		name string
		plan *plan.Plan
		most float64 // of the sum of all sizes
	}{
		{name: "training", plan: compile(t, p, plan.Options{Merge: true}), most: 0.97},
		{name: "evaluation", plan: compileForward(t, p, program.Evaluate, 64, plan.Options{}), most: 0.65},
		{name: "stages keep all", plan: compileForward(t, p, program.Evaluate, 64, plan.Options{Stages: true}), most: 1.01},
	} {
		sum := 0
		for _, b := range c.plan.Buffers {
			if b.Offset >= 0 && b.Kind != plan.View {
				sum += b.Size()
			}
		}
		if share := float64(c.plan.Arena) / float64(sum); share > c.most {
			t.Errorf("%s: the arena has %.2f of all buffers' floats, want at most %g", c.name, share, c.most)
		}
	}
}
