package op

import (
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// strided are tensors (3,2) of 0 to 5 that lie in memory in other orders.
func strided(t *testing.T) map[string]*tensor.Dense {
	t.Helper()
	must := func(v tensor.View, err error) *tensor.Dense {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v.(*tensor.Dense)
	}
	turned := tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float32{0, 2, 4, 1, 3, 5}))
	if err := turned.T(); err != nil {
		t.Fatal(err)
	}
	rows := tensor.New(tensor.WithShape(5, 2), tensor.WithBacking([]float32{9, 9, 0, 1, 2, 3, 4, 5, 9, 9}))
	columns := tensor.New(tensor.WithShape(3, 4), tensor.WithBacking([]float32{9, 0, 1, 9, 9, 2, 3, 9, 9, 4, 5, 9}))
	return map[string]*tensor.Dense{
		"row-major":    tensor.New(tensor.WithShape(3, 2), tensor.WithBacking([]float32{0, 1, 2, 3, 4, 5})),
		"transposed":   turned,
		"column-major": tensor.New(tensor.AsFortran([]float32{0, 2, 4, 1, 3, 5}), tensor.WithShape(3, 2)),
		"some rows":    must(rows.Slice(G.S(1, 4))),
		"some columns": must(columns.Slice(nil, G.S(1, 3))),
	}
}

// TestValues reads tensors by their strides, and so does the reference of an op.
func TestValues(t *testing.T) {
	want := []float32{0, 1, 2, 3, 4, 5}
	for name, v := range strided(t) {
		got, ok := Values[float32](v)
		if !ok || !slices.Equal(got, want) {
			t.Errorf("%s: %v", name, got)
		}
		if _, ok := Values[float64](v); ok {
			t.Errorf("%s: float32 is taken for float64", name)
		}
		g := G.NewGraph()
		x := G.NewMatrix(g, tensor.Float32, G.WithShape(3, 2), G.WithName("x"), G.WithValue(v))
		y, err := Activate(x, Activation{Kind: LeakyReLU, Alpha: 1})
		if err != nil {
			t.Fatal(err)
		}
		out, err := y.Op().Do(x.Value())
		if err != nil {
			t.Fatal(err)
		}
		if got := out.Data().([]float32); !slices.Equal(got, want) {
			t.Errorf("%s: the reference makes %v of it", name, got)
		}
	}
	one := G.NewF32(7)
	if got, ok := Values[float32](one); !ok || len(got) != 1 || got[0] != 7 {
		t.Errorf("a scalar: %v", got)
	}
}

// TestLispMachine: a gradient there is an error, and never zeros.
func TestLispMachine(t *testing.T) {
	g := G.NewGraph()
	x := G.NewVector(g, tensor.Float32, G.WithShape(3), G.WithName("x"), G.WithValue(tensor.New(tensor.WithBacking([]float32{1, 2, 3}))))
	y, err := Activate(x, Activation{Kind: Tanh})
	if err != nil {
		t.Fatal(err)
	}
	G.Must(G.Sum(y))
	m := G.NewLispMachine(g)
	defer func() { _ = m.Close() }()
	if err := m.RunAll(); err == nil || !strings.Contains(err.Error(), "no gradient on a lisp machine") {
		t.Errorf("error %v", err)
	}
}
