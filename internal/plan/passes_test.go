package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"aegis/model/op"
	"aegis/model/optim"
)

// small is a plan of one phase over vectors of the batch's length.
func small(code []Instr, update []Instr, outputs ...int) *Plan {
	p := &Plan{Name: "small", Batch: 2, Phases: []Phase{{
		Name: "train", Gradients: code, Update: update, Optimizer: optim.Default(optim.SGD, 1),
	}}}
	for _, out := range outputs {
		p.Phases[0].Outputs = append(p.Phases[0].Outputs, Output{Name: "out", Buffer: out})
	}
	return p
}

func (p *Plan) grow(kind Kind, shape ...int) int {
	return p.add(Buffer{Kind: kind, Shape: shape, Of: -1})
}

func activate(dst, src int, k op.Kind) Instr {
	in := newInstr(Activate, []int{dst}, []int{src})
	in.Activation = op.Activation{Kind: k}
	return in
}

// Gorgonia merges equal nodes by a 32-bit hash as it builds a graph; here
// instructions are compared as a whole, down to their attributes.
func TestCommonSubexpressions(t *testing.T) {
	p := small([]Instr{
		newInstr(Load, []int{0}, nil),
		activate(1, 0, op.Tanh),
		activate(2, 0, op.Tanh), // the same
		activate(3, 0, op.ReLU), // another function
		newInstr(Add, []int{4}, []int{1, 2}),
		newInstr(Add, []int{5}, []int{2, 1}), // the same once 2 is 1
		newInstr(Add, []int{6}, []int{4, 3}),
		newInstr(Add, []int{7}, []int{5, 3}), // the same once 5 is 4
		activate(8, 0, op.ELU),               // for nobody
	}, nil, 6, 7)
	for range 9 {
		p.grow(Temp, 2, 3)
	}
	if err := p.shareCommon(); err != nil {
		t.Fatal(err)
	}
	want := []Instr{
		newInstr(Load, []int{0}, nil), activate(1, 0, op.Tanh), activate(3, 0, op.ReLU),
		newInstr(Add, []int{4}, []int{1, 1}), newInstr(Add, []int{6}, []int{4, 3}),
	}
	ph := p.Phases[0]
	if len(ph.Gradients) != len(want) {
		t.Fatalf("%d instructions, want %d: %v", len(ph.Gradients), len(want), ph.Gradients)
	}
	for i, in := range ph.Gradients {
		if p.signature(in) != p.signature(want[i]) || in.Dst[0] != want[i].Dst[0] {
			t.Errorf("instruction %d is %v, want %v", i, in, want[i])
		}
	}
	if ph.Outputs[0].Buffer != 6 || ph.Outputs[1].Buffer != 6 {
		t.Errorf("outputs %v, want buffer 6 twice", ph.Outputs)
	}
}

// Equal operands do not make the gradients of two images one: with a stride
// of 2 an image of 3 and one of 4 have the same windows.
func TestResultsShapesTellInstructionsApart(t *testing.T) {
	p := &Plan{}
	a, b := newInstr(Conv2dDX, []int{p.grow(Temp, 1, 1, 3, 3)}, []int{0, 1}), newInstr(Conv2dDX, []int{p.grow(Temp, 1, 1, 4, 4)}, []int{0, 1})
	if p.signature(a) == p.signature(b) {
		t.Errorf("both are %s", p.signature(a))
	}
}

// An activation stays apart where its input has another reader.
func TestActivationWithAnotherReader(t *testing.T) {
	for _, other := range []bool{false, true} {
		outputs := []int{4}
		if other {
			outputs = append(outputs, 3)
		}
		p := small([]Instr{
			newInstr(Load, []int{0}, nil), newInstr(Linear, []int{3}, []int{0, 1, 2}), activate(4, 3, op.GELU),
		}, nil, outputs...)
		p.grow(Input, 2, 3)
		p.grow(Param, 4, 3)
		p.grow(Param, 4)
		p.grow(Temp, 2, 4)
		p.grow(Temp, 2, 4)
		if err := p.fuse(); err != nil {
			t.Fatal(err)
		}
		if got, want := len(p.Phases[0].Gradients) == 3, other; got != want {
			t.Errorf("another reader %v: activation apart %v", other, got)
		}
	}
}

func TestBiasGradientAlone(t *testing.T) {
	p := small([]Instr{newInstr(Load, []int{0}, nil), newInstr(biasGrad, []int{1}, []int{0})},
		[]Instr{newInstr(Update, []int{2}, []int{1})})
	p.grow(Input, 2, 3)
	p.grow(Temp, 3)
	p.grow(Param, 3)
	if err := p.fuse(); err == nil || !strings.Contains(err.Error(), "train both") {
		t.Errorf("error %v, want one about the weights", err)
	}
}

func TestOrderRefusesCircles(t *testing.T) {
	p := small([]Instr{newInstr(Add, []int{0}, []int{0, 0})}, nil, 0)
	p.grow(Temp, 2, 3)
	if err := p.order(); err == nil || !strings.Contains(err.Error(), "waits for itself") {
		t.Errorf("error %v", err)
	}
}

// An update waits for whoever still reads the old weights, though its own
// operands are ready: here for a product whose bias is a sum.
func TestUpdateWaitsForReaders(t *testing.T) {
	late := newInstr(LinearDW, []int{1, 2}, []int{3, 0})
	late.Update = true
	p := small([]Instr{
		newInstr(Load, []int{0}, nil),
		newInstr(Linear, []int{3}, []int{0, 1, 2}),
		late,
		newInstr(Loss, []int{4}, []int{3, 3}),
		newInstr(AddSums, []int{5}, []int{4, 4}),
		newInstr(Linear, []int{6}, []int{0, 1, 5}),
	}, nil, 6)
	p.grow(Input, 2, 1)
	p.grow(Param, 1, 1)
	p.grow(Param, 1)
	p.grow(Temp, 2, 1)
	p.grow(Temp, 1)
	p.grow(Temp, 1)
	p.grow(Temp, 2, 1)
	if err := p.order(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, in := range p.Phases[0].Gradients {
		got = append(got, fmt.Sprint(in.Stage, " ", in.Op))
	}
	want := []string{"0 load", "0 linear", "0 loss", "1 add-sums", "2 linear", "3 linear-dw"}
	if !slices.Equal(got, want) {
		t.Errorf("order %q, want %q", got, want)
	}
}

// First fit: a buffer goes into the lowest gap among those that live with it.
func TestGap(t *testing.T) {
	placed := []lifetime{
		{offset: 0, size: 32, from: 0, to: 3}, {offset: 32, size: 16, from: 5, to: 9}, {offset: 64, size: 16, from: 0, to: 9},
	}
	for _, c := range []struct {
		name           string
		size, from, to int
		want           int
	}{
		{name: "in another's place", size: 32, from: 4, to: 4, want: 0},
		{name: "both ends count", size: 32, from: 3, to: 3, want: 32},
		{name: "between", size: 16, from: 3, to: 5, want: 48},
		{name: "behind", size: 48, from: 2, to: 4, want: 80},
	} {
		if got := gap(placed, lifetime{size: c.size, from: c.from, to: c.to}); got != c.want {
			t.Errorf("%s: offset %d, want %d", c.name, got, c.want)
		}
	}
}
