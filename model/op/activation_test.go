package op

import (
	"math"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"

	"aegis/internal/numtest"
)

// everyActivation is all of them, with the parameters that presets use.
func everyActivation() []Activation {
	list := []Activation{{Kind: LeakyReLU, Alpha: 0.2}}
	for _, k := range Kinds() {
		a, err := ParseActivation(string(k))
		if err != nil {
			panic(err)
		}
		list = append(list, a)
	}
	return list
}

func TestActivationGradients(t *testing.T) {
	for _, a := range everyActivation() {
		t.Run(a.String(), func(t *testing.T) {
			z := numtest.Random(1, -2, 2, 3, 5)
			numtest.Gradients(t, []numtest.Array{z}, []int{0}, func(in []*G.Node) (*G.Node, error) {
				if a == None {
					return Reshape(in[0], 5, 1)
				}
				return Activate(in[0], a)
			})
		})
	}
}

func TestActivationsLetNaNThrough(t *testing.T) {
	for _, a := range everyActivation() {
		if y := a.Value(math.NaN()); !math.IsNaN(y) {
			t.Errorf("%v(NaN) = %v", a, y)
		}
		if a.Kind == ReLU || a.Kind == LeakyReLU {
			continue // their derivative is a constant on each side
		}
		if a != None && a.Kind != ELU && !math.IsNaN(a.Slope(math.NaN())) {
			t.Errorf("%v'(NaN) = %v", a, a.Slope(math.NaN()))
		}
	}
	if y, d := (Activation{Kind: "swish"}).Value(1), (Activation{Kind: "swish"}).Slope(1); !math.IsNaN(y) || !math.IsNaN(d) {
		t.Errorf("an unknown function gives %v with slope %v, want NaN", y, d)
	}
}

// What no VM knows is refused where the graph is made, by every op that has
// an activation.
func TestUnknownActivation(t *testing.T) {
	swish := Activation{Kind: "swish"}
	one := Window{Stride: [2]int{1, 1}}
	const want = `unknown activation "swish"; want one of identity, relu`
	refused(t, []build{
		{name: "alone", want: want, add: func(node func(...int) *G.Node) (*G.Node, error) { return Activate(node(2, 3), swish) }},
		{name: "gradient", want: want, add: func(node func(...int) *G.Node) (*G.Node, error) {
			return activationGrad(node(2, 3), node(2, 3), swish)
		}},
		{name: "linear", want: want, add: func(node func(...int) *G.Node) (*G.Node, error) {
			return Linear(node(2, 3), node(4, 3), node(4), swish)
		}},
		{name: "conv2d", want: want, add: func(node func(...int) *G.Node) (*G.Node, error) {
			return Conv2d(node(1, 1, 4, 4), node(3, 1, 3, 3), node(3), one, swish)
		}},
		{name: "convtranspose2d", want: want, add: func(node func(...int) *G.Node) (*G.Node, error) {
			return ConvTranspose2d(node(1, 1, 4, 4), node(1, 3, 3, 3), node(3), one, [2]int{}, swish)
		}},
		{name: "negative alpha", want: "alpha -1", add: func(node func(...int) *G.Node) (*G.Node, error) {
			return Activate(node(2, 3), Activation{Kind: LeakyReLU, Alpha: -1})
		}},
		{name: "no kind", want: `unknown activation ""`, add: func(node func(...int) *G.Node) (*G.Node, error) {
			return Linear(node(2, 3), node(4, 3), node(4), Activation{})
		}},
	})
}

func TestParseActivation(t *testing.T) {
	if _, err := ParseActivation("swish"); err == nil || !strings.Contains(err.Error(), `unknown activation "swish"`) {
		t.Errorf("error %v", err)
	}
	if a, err := ParseActivation("leakyrelu:0.2"); err != nil || a != (Activation{LeakyReLU, 0.2}) {
		t.Errorf("got %v, %v", a, err)
	}
	for _, name := range []string{"leakyrelu:", "leakyrelu:x", "leakyrelu:0", "elu:Inf", "relu:1"} {
		if _, err := ParseActivation(name); err == nil || !strings.Contains(err.Error(), "behind a colon a number above 0") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if a, err := ParseActivation("leakyrelu"); err != nil || a.Alpha != 0.01 {
		t.Errorf("leakyrelu = %v, %v", a, err)
	}
}
