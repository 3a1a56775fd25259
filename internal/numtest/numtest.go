// Package numtest is for tests: tolerances, gradient checks, golden files.
package numtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Array is a tensor in a test.
type Array struct {
	Shape []int     `json:"shape"`
	Data  []float64 `json:"data"`
}

// Random returns numbers between lo and hi, the same ones for the same seed.
func Random(seed uint64, lo, hi float64, shape ...int) Array {
	r := rand.New(rand.NewPCG(seed, 0))
	a := Array{Shape: shape, Data: make([]float64, tensor.Shape(shape).TotalSize())}
	for i := range a.Data {
		a.Data[i] = lo + (hi-lo)*r.Float64()
	}
	return a
}

// Node adds the array to a graph as an input of float32 or float64.
func (a Array) Node(g *G.ExprGraph, dt tensor.Dtype, name string) *G.Node {
	var backing any = append([]float64{}, a.Data...)
	if dt == tensor.Float32 {
		narrow := make([]float32, len(a.Data))
		for i, v := range a.Data {
			narrow[i] = float32(v)
		}
		backing = narrow
	}
	value := tensor.New(tensor.WithShape(a.Shape...), tensor.WithBacking(backing))
	return G.NewTensor(g, dt, len(a.Shape), G.WithName(name), G.WithShape(a.Shape...), G.WithValue(value))
}

// Run executes the graph on Gorgonia's tape machine and returns what the
// nodes are.
func Run(t testing.TB, g *G.ExprGraph, nodes ...*G.Node) [][]float64 {
	t.Helper()
	values := make([]G.Value, len(nodes))
	for i, n := range nodes {
		G.Read(n, &values[i])
	}
	vm := G.NewTapeMachine(g)
	defer func() { _ = vm.Close() }()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	out := make([][]float64, len(values))
	for i, v := range values {
		out[i] = Floats(t, v)
	}
	return out
}

// Floats returns a value's numbers.
func Floats(t testing.TB, v G.Value) []float64 {
	t.Helper()
	switch data := v.Data().(type) {
	case []float64:
		return data
	case []float32:
		wide := make([]float64, len(data))
		for i, x := range data {
			wide[i] = float64(x)
		}
		return wide
	case float64:
		return []float64{data}
	case float32:
		return []float64{float64(data)}
	default:
		t.Fatalf("value of %T; want floats", data)
		return nil
	}
}

// Close reports the largest difference where |got−want| > tol·(scale+|want|),
// scale being the largest size in want. NaN equals only NaN.
func Close(t testing.TB, what string, got, want []float64, tol float64) {
	t.Helper()
	if err := Diff(got, want, tol); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// Diff is the error that [Close] reports.
func Diff(got, want []float64, tol float64) error {
	if len(got) != len(want) {
		return fmt.Errorf("got %d values, want %d", len(got), len(want))
	}
	scale := 0.0
	for _, w := range want {
		if a := math.Abs(w); !math.IsInf(a, 0) {
			scale = math.Max(scale, a)
		}
	}
	worst, at := 0.0, -1
	for i, w := range want {
		if got[i] == w || math.IsNaN(got[i]) && math.IsNaN(w) {
			continue
		}
		d := math.Abs(got[i]-w) / (scale + math.Abs(w))
		if math.IsNaN(d) {
			d = math.Inf(1)
		}
		if d > tol && d > worst {
			worst, at = d, i
		}
	}
	if at >= 0 {
		return fmt.Errorf("value %d is %v, want %v: relative difference %.2g, tolerance %.2g", at, got[at], want[at], worst, tol)
	}
	return nil
}

// Build makes a graph's result from its inputs.
type Build func(in []*G.Node) (*G.Node, error)

// Gradients holds symbolic gradients by the inputs named in wrt to central
// differences in float64, of the sum of the result times fixed random numbers.
func Gradients(t testing.TB, inputs []Array, wrt []int, build Build) {
	t.Helper()
	const step, tolerance = 1e-5, 1e-7
	grads := func(in []Array, diff bool) (float64, [][]float64) {
		t.Helper()
		g := G.NewGraph()
		nodes := make([]*G.Node, len(in))
		for i, a := range in {
			nodes[i] = a.Node(g, tensor.Float64, fmt.Sprintf("in%d", i))
		}
		cost := mixed(t, g, nodes, build)
		if !diff {
			return Run(t, g, cost)[0][0], nil
		}
		var by G.Nodes
		for _, i := range wrt {
			by = append(by, nodes[i])
		}
		outs, err := G.Grad(cost, by...)
		if err != nil {
			t.Fatal(err)
		}
		return 0, Run(t, g, outs...)
	}
	_, symbolic := grads(inputs, true)
	for k, i := range wrt {
		numeric := make([]float64, len(inputs[i].Data))
		for j, v := range inputs[i].Data {
			inputs[i].Data[j] = v + step
			up, _ := grads(inputs, false)
			inputs[i].Data[j] = v - step
			down, _ := grads(inputs, false)
			inputs[i].Data[j] = v
			numeric[j] = (up - down) / (2 * step)
		}
		Close(t, fmt.Sprintf("gradient by input %d", i), symbolic[k], numeric, tolerance)
	}
}

// mixed is a scalar that every value of the result has a part in.
func mixed(t testing.TB, g *G.ExprGraph, nodes []*G.Node, build Build) *G.Node {
	t.Helper()
	out, err := build(nodes)
	if err != nil {
		t.Fatal(err)
	}
	if out.IsScalar() {
		return out
	}
	weights := Random(99, 0.5, 1.5, out.Shape()...).Node(g, tensor.Float64, "mix")
	product, err := G.HadamardProd(out, weights)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := G.Sum(product)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
