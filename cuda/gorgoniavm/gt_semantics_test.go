//go:build !cpu

package gorgoniavm_test

import (
	"bytes"
	"fmt"
	"log"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/cuda/driver"
	"aegis/cuda/gorgoniavm"
	"aegis/cuda/internal/gputest"
	"aegis/cuda/internal/ptxsim"
	"aegis/internal/numtest"
)

func dense(shape tensor.Shape, data ...float32) *tensor.Dense {
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))
}

func newVM(t *testing.T, g *G.ExprGraph, more ...*G.Node) *gorgoniavm.VM {
	t.Helper()
	vm, err := gorgoniavm.New(g, gtOpt(), more...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vm.Close() })
	return vm
}

func run(t *testing.T, vm G.VM) {
	t.Helper()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
}

func grads(t *testing.T, cost *G.Node, wrt ...*G.Node) G.Nodes {
	t.Helper()
	ns, err := G.Grad(cost, wrt...)
	if err != nil {
		t.Fatal(err)
	}
	return ns
}

func grad(t *testing.T, n *G.Node) []float64 {
	t.Helper()
	d, err := n.Grad()
	if err != nil {
		t.Fatal(err)
	}
	return append([]float64{}, gtWide(d)...)
}

func equal(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if err := numtest.Diff(got, want, 1e-4); err != nil {
		t.Errorf("%s: %v\n\tgot  %.5g\n\twant %.5g", what, err, got, want)
	}
}

// Fault: Gorgonia's stabilization of log(1−p) removes a node; its graph's
// From and To then answer for the wrong nodes.
func TestGTFaultRemovedNodePanics(t *testing.T) {
	gtTry(t, gtCase{name: "FAULT BinaryXent", source: "repro", runs: 3, build: func(g *G.ExprGraph) gtNet {
		w, y := glIn(g, 0.2, 0.8, "w", 3), glIn(g, 0.2, 0.8, "y", 3)
		return gtNet{cost: must(G.Mean(must(G.BinaryXent(w, y)))), wrt: G.Nodes{w}}
	}})
}

func TestGTFaultRemovedNodeSigmoid(t *testing.T) {
	gtTry(t, gtCase{name: "FAULT BinaryXent of a sigmoid", source: "repro", runs: 3, build: func(g *G.ExprGraph) gtNet {
		w, y := gl(g, "w", 3), glIn(g, 0.2, 0.8, "y", 3)
		return gtNet{cost: must(G.Mean(must(G.BinaryXent(must(G.Sigmoid(w)), y)))), wrt: G.Nodes{w}}
	}})
}

// The same where the node that From answers for has two operands as well: no
// panic, another number.
func TestGTFaultRemovedNodeWrongValue(t *testing.T) {
	gtTry(t, gtCase{name: "FAULT BinaryXent silently wrong", source: "repro", runs: 2, build: func(g *G.ExprGraph) gtNet {
		w, y := glIn(g, 0.2, 0.8, "w", 3), glIn(g, 0.2, 0.8, "y", 3)
		l := must(G.Log1p(must(G.Neg(w))))
		x := must(G.BinaryXent(w, y))
		return gtNet{cost: must(G.Add(must(G.Sum(x)), must(G.Sum(l)))), wrt: G.Nodes{w}, watch: G.Nodes{x, l}}
	}})
}

// Fault: two leaves whose gradient is one node share one tensor; a solver
// zeroes it after the first of them.
func TestGTFaultSharedGradient(t *testing.T) {
	gtTry(t, gtCase{name: "FAULT two biases share a gradient", source: "RNN with two biases", runs: 3, solver: vanilla(0.1), build: func(g *G.ExprGraph) gtNet {
		x, w, bx, bh := gl(g, "x", 4), gl(g, "w", 3, 4), gl(g, "bx", 3), gl(g, "bh", 3)
		z := must(G.Add(must(G.Add(must(G.Mul(w, x)), bx)), bh))
		return gtNet{cost: must(G.Sum(must(G.Square(must(G.Tanh(z)))))), wrt: G.Nodes{w, bx, bh}}
	}})
}

func TestGTFaultSharedGradientAdam(t *testing.T) {
	gtTry(t, gtCase{name: "FAULT residual of two weights, Adam", source: "w1+w2", runs: 3, solver: adam(0.1), build: func(g *G.ExprGraph) gtNet {
		x, a, b := gl(g, "x", 2, 3), gl(g, "wa", 3, 2), gl(g, "wb", 3, 2)
		return gtNet{cost: must(G.Mean(must(G.Square(must(G.Mul(x, must(G.Add(a, b)))))))), wrt: G.Nodes{a, b}}
	}})
}

// Fault: a scalar whose gradient is Gorgonia's constant 1: a solver sets the
// constant to zero, for the whole process.
func TestGTFaultConstantGradient(t *testing.T) {
	cost := func() (*G.ExprGraph, *G.Node, *G.Node, *G.Node) {
		g := G.NewGraph()
		w, b := gl(g, "w", 3), glIn(g, 1, 1, "b")
		return g, w, b, must(G.Add(must(G.Sum(must(G.Square(w)))), b))
	}
	g, w, b, c := cost()
	grads(t, c, w, b)
	vm := newVM(t, g)
	run(t, vm)
	if err := G.NewVanillaSolver(G.WithLearnRate(0.1)).Step(G.NodesToValueGrads(G.Nodes{w, b})); err != nil {
		t.Fatal(err)
	}
	equal(t, "b after one step", gtWide(b.Value()), []float64{0.9})
	run(t, vm)
	equal(t, "gradient by b in run 2", grad(t, b), []float64{1})
	// another graph, on Gorgonia's own machine
	g2, w2, b2, c2 := cost()
	grads(t, c2, w2, b2)
	tape := G.NewTapeMachine(g2, G.BindDualValues(w2, b2))
	run(t, tape)
	want := gtWide(w2.Value())
	for i := range want {
		want[i] *= 2
	}
	equal(t, "gradient by w of another graph on the tape machine", grad(t, w2), want)
	*gtOne() = 1 // for later tests
}

// Fault: after a tape machine with BindDualValues, or a lisp machine, Grad
// returns the old gradient.
func TestGTFaultGradientAfterTape(t *testing.T) {
	g := G.NewGraph()
	w := gl(g, "w", 3)
	c := must(G.Sum(must(G.Square(w))))
	grads(t, c, w)
	tape := G.NewTapeMachine(g, G.BindDualValues(w))
	run(t, tape)
	vm := newVM(t, g)
	for i := range 3 {
		w.Value().Data().([]float32)[i] = float32(i + 1)
	}
	run(t, vm)
	equal(t, "gradient by w", grad(t, w), []float64{2, 4, 6})
}

// WithGrad binds a dual value too.
func TestGTFaultWithGrad(t *testing.T) {
	g := G.NewGraph()
	w := G.NewVector(g, tensor.Float32, G.WithName("w"), G.WithShape(3), G.WithValue(dense(tensor.Shape{3}, 1, 2, 3)), G.WithGrad(dense(tensor.Shape{3}, 0, 0, 0)))
	c := must(G.Sum(must(G.Square(w))))
	grads(t, c, w)
	vm := newVM(t, g)
	run(t, vm)
	equal(t, "gradient by w", grad(t, w), []float64{2, 4, 6})
}

// Difference: the tape machine adds gradients up until a solver zeroes them.
func TestGTDifferenceAccumulation(t *testing.T) {
	g := G.NewGraph()
	w := G.NewVector(g, tensor.Float32, G.WithName("w"), G.WithShape(2), G.WithValue(dense(tensor.Shape{2}, 1, 2)))
	grads(t, must(G.Sum(must(G.Square(w)))), w)
	vm := newVM(t, g)
	run(t, vm)
	run(t, vm)
	t.Logf("cuda after two runs without a solver: %v; the tape machine with BindDualValues: [4 8]", grad(t, w))
	g2 := G.NewGraph()
	w2 := G.NewVector(g2, tensor.Float32, G.WithName("w"), G.WithShape(2), G.WithValue(dense(tensor.Shape{2}, 1, 2)))
	grads(t, must(G.Sum(must(G.Square(w2)))), w2)
	tape := G.NewTapeMachine(g2, G.BindDualValues(w2))
	run(t, tape)
	tape.Reset()
	run(t, tape)
	equal(t, "accumulated", grad(t, w), grad(t, w2))
}

// Fault: inference on a subgraph once gradients have been taken.
func TestGTFaultSubgraphAfterGrad(t *testing.T) {
	g := G.NewGraph()
	x, w := gl(g, "x", 2, 3), gl(g, "w", 3, 2)
	pred := must(G.Sigmoid(must(G.Mul(x, w))))
	cost := must(G.Mean(must(G.Square(pred))))
	grads(t, cost, w)
	sub := g.SubgraphRoots(pred)
	tape := G.NewTapeMachine(sub)
	run(t, tape)
	want := gtWide(pred.Value())
	vm, err := gorgoniavm.New(sub, gtOpt(), pred)
	if err != nil {
		t.Fatalf("NewVM of g.SubgraphRoots(pred): %v", err)
	}
	run(t, vm)
	equal(t, "prediction", gtWide(pred.Value()), want)
}

// A subgraph's root has parents in the whole graph: its value does not come.
func TestGTFaultSubgraphRoot(t *testing.T) {
	g := G.NewGraph()
	x, w := gl(g, "x", 2, 3), gl(g, "w", 3, 2)
	pred := must(G.Sigmoid(must(G.Mul(x, w))))
	_ = must(G.Mean(must(G.Square(pred))))
	sub := g.SubgraphRoots(pred)
	vm := newVM(t, sub)
	run(t, vm)
	if pred.Value() == nil {
		t.Errorf("the root of g.SubgraphRoots(pred) has no value after RunAll; the tape machine gives it one")
	}
}

// A Read of a subgraph.
func TestGTSubgraphRead(t *testing.T) {
	g := G.NewGraph()
	x, w := gl(g, "x", 2, 3), gl(g, "w", 3, 2)
	pred := must(G.Sigmoid(must(G.Mul(x, w))))
	var v G.Value
	read := G.Read(pred, &v)
	_ = must(G.Mean(must(G.Square(pred))))
	vm := newVM(t, g.SubgraphRoots(pred, read))
	run(t, vm)
	if v == nil {
		t.Error("no value read")
	}
}

// Fault: the slice of a node replaced by UnsafeLet, as the seq2seq of
// Hands-On Deep Learning with Go does between runs.
func TestGTFaultUnsafeLetSlice(t *testing.T) {
	g := G.NewGraph()
	e := gl(g, "embedding", 5, 3)
	row := must(G.Slice(e, G.S(0)))
	cost := must(G.Sum(must(G.Square(row))))
	grads(t, cost, e)
	var v G.Value
	G.Read(row, &v)
	vm := newVM(t, g)
	run(t, vm)
	if err := G.UnsafeLet(row, G.S(3)); err != nil {
		t.Fatal(err)
	}
	run(t, vm)
	data := gtWide(e.Value())
	equal(t, "row 3 after UnsafeLet(row, S(3))", gtWide(v), data[9:12])
}

// Fault: a slice with a step that does not divide.
func TestGTFaultSliceStep(t *testing.T) {
	g := G.NewGraph()
	x := G.NewMatrix(g, tensor.Float32, G.WithName("x"), G.WithShape(2, 7), G.WithValue(dense(tensor.Shape{2, 7}, 0, 1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 14, 15, 16)))
	s := must(G.Slice(x, nil, G.S(0, 7, 2))) // Gorgonia: shape (2,3)
	vm := newVM(t, g)
	run(t, vm)
	equal(t, fmt.Sprint("x[:, 0:7:2] of shape ", s.Shape()), gtWide(s.Value()), []float64{0, 2, 4, 10, 12, 14})
}

// and what it writes behind its memory.
func TestGTFaultSliceStepOverflow(t *testing.T) {
	g := G.NewGraph()
	x := glIn(g, 5, 6, "x", 40, 7)
	s := must(G.Slice(x, nil, G.S(0, 7, 2))) // 120 values of 128; 160 are written
	y := glIn(g, 1, 2, "y", 40, 3)
	out := must(G.HadamardProd(s, y))
	vm := newVM(t, g, y)
	err := vm.RunAll()
	if err != nil {
		t.Fatal(err)
	}
	xs, ys := gtWide(x.Value()), gtWide(y.Value())
	var want []float64
	for i := range 40 {
		for j := range 3 {
			want = append(want, xs[7*i+2*j]*ys[3*i+j])
		}
	}
	equal(t, "x[:, 0:7:2]·y", gtWide(out.Value()), want)
}

// Fault: softmax of a column vector.
func TestGTFaultSoftmaxColumn(t *testing.T) {
	g := G.NewGraph()
	x := G.NewMatrix(g, tensor.Float32, G.WithName("x"), G.WithShape(3, 1), G.WithValue(dense(tensor.Shape{3, 1}, 0, 1, 2)))
	s := must(G.SoftMax(x))
	vm := newVM(t, g)
	run(t, vm)
	equal(t, "softmax of (3,1)", gtWide(s.Value()), []float64{0.0900306, 0.2447285, 0.6652410})
}

// cost.Value() after RunAll, as examples/iris prints it.
func TestGTCostValue(t *testing.T) {
	for name, f := range map[string]func(*G.Node) *G.Node{
		"mean of squares": func(n *G.Node) *G.Node { return must(G.Mean(must(G.Square(n)))) },
		"exp":             func(n *G.Node) *G.Node { return must(G.Exp(must(G.Sum(n)))) },
		"sqrt":            func(n *G.Node) *G.Node { return must(G.Sqrt(must(G.Sum(must(G.Square(n)))))) },
		"neg mean":        func(n *G.Node) *G.Node { return must(G.Neg(must(G.Mean(n)))) },
		"sum":             func(n *G.Node) *G.Node { return must(G.Sum(must(G.Square(n)))) },
	} {
		g := G.NewGraph()
		w := gl(g, "w", 3)
		cost := f(w)
		grads(t, cost, w)
		vm := newVM(t, g)
		run(t, vm)
		if cost.Value() == nil {
			t.Errorf("%s: cost.Value() is nil after RunAll; the tape machine has it", name)
		}
	}
}

func TestGTIntermediateValue(t *testing.T) {
	g := G.NewGraph()
	x, w := gl(g, "x", 2, 3), gl(g, "w", 3, 2)
	pred := must(G.Sigmoid(must(G.Mul(x, w))))
	grads(t, must(G.Mean(must(G.Square(pred)))), w)
	vm := newVM(t, g)
	run(t, vm)
	t.Logf("pred.Value() without naming it to NewVM: %v (documented)", pred.Value())
}

func TestGTErrors(t *testing.T) {
	try := func(name, want string, f func(g *G.ExprGraph) error) {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if p := recover(); p != nil {
					gtNote(name, "semantics", fmt.Sprint("PANIC ", p))
					t.Errorf("panic: %v", p)
				}
			}()
			g := G.NewGraph()
			err := f(g)
			if err == nil {
				vm, e := gorgoniavm.New(g, gtOpt())
				if err = e; e == nil {
					err = vm.RunAll()
					_ = vm.Close()
				}
			}
			gtNote(name, "semantics", fmt.Sprint(err))
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v; want %q", err, want)
			}
		})
	}
	try("float64 graph", "want float32", func(g *G.ExprGraph) error {
		w := G.NewVector(g, tensor.Float64, G.WithName("w"), G.WithShape(3), G.WithInit(G.Ones()))
		_, err := G.Grad(must(G.Sum(must(G.Square(w)))), w)
		return err
	})
	try("float64 scalar let into a float32 node", "float64", func(g *G.ExprGraph) error {
		b := G.NewScalar(g, tensor.Float32, G.WithName("b"))
		must(G.Square(b))
		return G.Let(b, 0.5)
	})
	try("int one-hot input", "want values of float32, got []int", func(g *G.ExprGraph) error {
		must(G.Sum(G.OneHotVector(2, 5, tensor.Int).CloneTo(g)))
		return nil
	})
	try("int leaf", "its values are int; want float32", func(g *G.ExprGraph) error {
		must(G.Square(gl(g, "w", 2)))
		G.NewVector(g, tensor.Int, G.WithName("labels"), G.WithShape(3), G.WithValue(tensor.New(tensor.WithBacking([]int{1, 2, 3}))))
		return nil
	})
	try("a leaf without a value", `node "empty" has no value`, func(g *G.ExprGraph) error {
		must(G.Square(G.NewVector(g, tensor.Float32, G.WithName("empty"), G.WithShape(3))))
		return nil
	})
	try("a leaf that nothing reads, without a value", "has no value", func(g *G.ExprGraph) error {
		must(G.Square(gl(g, "w", 2)))
		G.NewVector(g, tensor.Float32, G.WithName("unused"), G.WithShape(3))
		return nil
	})
	try("FAULT Set (letOp)", "letOp", func(g *G.ExprGraph) error {
		a, b := gl(g, "a", 2), gl(g, "b", 2)
		G.Set(a, must(G.Square(b)))
		return nil
	})
	try("model/op's own kind of op: Iop", "Iop", func(g *G.ExprGraph) error {
		_, err := G.ApplyOp(G.Iop{}, gl(g, "w", 2))
		return err
	})
	try("a tensor of seven axes", "at most 6 axes", func(g *G.ExprGraph) error {
		x := gl(g, "x", 2, 1, 2, 1, 2, 1, 2)
		must(G.Transpose(x, 6, 5, 4, 3, 2, 1, 0))
		return nil
	})
	try("smaller batch by Let", "", func(g *G.ExprGraph) error {
		x, w := gl(g, "x", 4, 3), gl(g, "w", 3, 2)
		must(G.Mul(x, w))
		return G.Let(x, dense(tensor.Shape{2, 3}, 1, 2, 3, 4, 5, 6))
	})
}

// Let with a value in other memory.
func TestGTLet(t *testing.T) {
	g := G.NewGraph()
	x := G.NewMatrix(g, tensor.Float32, G.WithName("x"), G.WithShape(3, 2))
	y := must(G.Add(x, c32(0)))
	vm := newVM(t, g)
	all := dense(tensor.Shape{6, 2}, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	part, err := all.Slice(G.S(2, 5))
	if err != nil {
		t.Fatal(err)
	}
	if err := G.Let(x, part); err != nil {
		t.Fatal(err)
	}
	run(t, vm)
	equal(t, "rows of a larger tensor", gtWide(y.Value()), []float64{4, 5, 6, 7, 8, 9})
	wide := dense(tensor.Shape{3, 4}, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	cols, err := wide.Slice(nil, G.S(1, 3))
	if err != nil {
		t.Fatal(err)
	}
	if err := G.Let(x, cols); err != nil {
		t.Fatal(err)
	}
	run(t, vm)
	equal(t, "columns of a wider tensor", gtWide(y.Value()), []float64{1, 2, 5, 6, 9, 10})
	tr := dense(tensor.Shape{2, 3}, 0, 1, 2, 3, 4, 5)
	if err := tr.T(); err != nil {
		t.Fatal(err)
	}
	if err := G.Let(x, tr); err != nil {
		t.Fatal(err)
	}
	run(t, vm)
	equal(t, "a tensor after T()", gtWide(y.Value()), []float64{0, 3, 1, 4, 2, 5})
	if err := tr.Transpose(); err != nil {
		t.Fatal(err)
	}
	run(t, vm)
	equal(t, "a tensor after Transpose()", gtWide(y.Value()), []float64{0, 3, 1, 4, 2, 5})
	col := tensor.New(tensor.WithShape(3, 2), tensor.AsFortran([]float32{0, 1, 2, 3, 4, 5}))
	if err := G.Let(x, col); err != nil {
		t.Fatal(err)
	}
	t.Logf("column-major: %v", vm.RunAll())
	x.Value().Data().([]float32)[0] = 7
	_ = G.Let(x, dense(tensor.Shape{3, 2}, 1, 2, 3, 4, 5, 6))
	run(t, vm)
	x.Value().Data().([]float32)[0] = 7 // written in place, as the DQN of the book does
	run(t, vm)
	equal(t, "written in place", gtWide(y.Value()), []float64{7, 2, 3, 4, 5, 6})
}

// Values of scalar shape.
func TestGTScalarShapes(t *testing.T) {
	for _, s := range [][]int{{}, {1}, {1, 1}} {
		gtTry(t, gtCase{name: fmt.Sprint("leaf of shape ", s, " in all kinds of arithmetic"), source: "semantics", runs: 2, solver: vanilla(0.1), build: func(g *G.ExprGraph) gtNet {
			a, b := gl(g, "a", s...), gl(g, "b", s...)
			n := must(G.Tanh(must(G.Add(must(G.HadamardProd(a, b)), must(G.Sub(a, b))))))
			if !n.IsScalar() {
				n = must(G.Sum(n))
			}
			return gtNet{cost: must(G.Square(n)), wrt: G.Nodes{a, b}}
		}})
	}
}

// Two VMs of one graph, and of a shared driver, by turns and at once.
func TestGTTwoVMs(t *testing.T) {
	driver := ptxsim.Open(ptxsim.Options{})
	g := G.NewGraph()
	w := G.NewVector(g, tensor.Float32, G.WithName("w"), G.WithShape(2), G.WithValue(dense(tensor.Shape{2}, 1, 2)))
	cost := must(G.Sum(must(G.Square(w))))
	grads(t, cost, w)
	a, err := gorgoniavm.New(g, gorgoniavm.Options{Driver: driver})
	if err != nil {
		t.Fatal(err)
	}
	b, err := gorgoniavm.New(g, gorgoniavm.Options{Driver: driver})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		vm := []*gorgoniavm.VM{a, b}[i%2]
		w.Value().Data().([]float32)[0] = float32(i)
		run(t, vm)
		equal(t, fmt.Sprint("gradient of turn ", i), grad(t, w), []float64{float64(2 * i), 4})
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	run(t, b)
	_ = b.Close()
	var wg sync.WaitGroup
	for k := range 6 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			g := G.NewGraph()
			x, w := gl(g, fmt.Sprint("x", k), 5, 4), gl(g, "w", 4, 3)
			cost := must(G.Mean(must(G.Square(must(G.Tanh(must(G.Mul(x, w))))))))
			if _, err := G.Grad(cost, w); err != nil {
				t.Error(err)
				return
			}
			vm, err := gorgoniavm.New(g, gorgoniavm.Options{Driver: driver})
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = vm.Close() }()
			solver := G.NewAdamSolver()
			for range 5 {
				if err := vm.RunAll(); err != nil {
					t.Error(err)
					return
				}
				if err := solver.Step(G.NodesToValueGrads(G.Nodes{w})); err != nil {
					t.Error(err)
				}
				vm.Reset()
			}
		}()
	}
	wg.Wait()
}

// One VM from several goroutines: an error, and never a wrong number.
func TestGTOneVMManyGoroutines(t *testing.T) {
	g := G.NewGraph()
	y := must(G.Square(gl(g, "x", 8)))
	vm := newVM(t, g)
	run(t, vm)
	want := gtWide(y.Value())
	var wg sync.WaitGroup
	var ran, refused atomic.Int64
	for range 4 {
		wg.Go(func() {
			for range 20 {
				switch err := vm.RunAll(); {
				case err == nil:
					ran.Add(1)
				case strings.Contains(err.Error(), "runs already"):
					refused.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if ran.Load() == 0 || ran.Load()+refused.Load() != 80 {
		t.Errorf("%d runs, %d refused", ran.Load(), refused.Load())
	}
	equal(t, "squares", gtWide(y.Value()), want)
}

// A run that begins within another is an error, and so are options and seeds.
func TestGTRunWithinRun(t *testing.T) {
	s := gputest.NewSpy(ptxsim.Open(ptxsim.Options{}))
	g := G.NewGraph()
	must(G.Square(gl(g, "x", 8)))
	vm, err := gorgoniavm.New(g, gorgoniavm.Options{Driver: s})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = vm.Close() }()
	var within []error
	s.OnLaunch = func(int, []driver.Arg) {
		within = append(within, vm.RunAll(), vm.Seed(2), vm.With(G.WithNaNWatch()))
	}
	run(t, vm)
	if len(within) != 3 {
		t.Fatalf("%d errors; want 3", len(within))
	}
	for _, err := range within {
		if err == nil || !strings.Contains(err.Error(), "runs already") {
			t.Errorf("within a run: %v", err)
		}
	}
}

// A graph that grows after NewVM.
func TestGTGraphChanged(t *testing.T) {
	g := G.NewGraph()
	w := gl(g, "w", 3)
	a := must(G.Square(w))
	vm := newVM(t, g)
	b := must(G.Exp(a))
	run(t, vm)
	if a.Value() == nil || b.Value() != nil {
		t.Errorf("a %v b %v; want the first alone", a.Value(), b.Value())
	}
	cost := must(G.Sum(b))
	grads(t, cost, w) // after the VM was made: it does not know of gradients
	run(t, vm)
	d, err := w.Grad()
	t.Logf("Grad taken after NewVM: gradient %v, error %v", d, err)
	vm2 := newVM(t, g)
	run(t, vm2)
	if _, err := w.Grad(); err != nil {
		t.Error(err)
	}
	run(t, vm) // the first still runs
}

func TestGTReads(t *testing.T) {
	g := G.NewGraph()
	w := G.NewVector(g, tensor.Float32, G.WithName("w"), G.WithShape(2), G.WithValue(dense(tensor.Shape{2}, 1, 2)))
	sq := must(G.Square(w))
	var leafVal, sqVal, again G.Value
	G.Read(w, &leafVal)
	G.Read(sq, &sqVal)
	G.Read(sq, &again)
	vm := newVM(t, g)
	run(t, vm)
	first := sqVal
	equal(t, "two reads of one node", gtWide(sqVal), gtWide(again))
	w.Value().Data().([]float32)[0] = 5
	equal(t, "a Read of a leaf after the leaf was written", gtWide(leafVal), []float64{1, 2})
	run(t, vm)
	t.Logf("the value read in run 1, after run 2: %v (the tape machine's changes likewise)", first)
	equal(t, "read", gtWide(sqVal), []float64{25, 4})
}

// The options of Gorgonia's tape machine: those that this VM has, and errors.
func TestGTOptions(t *testing.T) {
	var buf bytes.Buffer
	for name, c := range map[string]struct {
		opt  G.VMOpt
		want string
	}{
		"BindDualValues": {G.BindDualValues(), ""}, "WithNaNWatch": {G.WithNaNWatch(), ""}, "WithInfWatch": {G.WithInfWatch(), ""}, "EvalMode": {G.EvalMode(), ""},
		"WithLogger": {G.WithLogger(log.New(&buf, "", 0)), "does not have it"}, "WithWatchlist": {G.WithWatchlist(), "does not have it"}, "TraceExec": {G.TraceExec(), "does not have it"},
		"WithValueFmt": {G.WithValueFmt("%g"), "does not have it"}, "WithEngine": {G.WithEngine(tensor.StdEng{}), "does not have it"},
		"ExecuteFwdOnly": {G.ExecuteFwdOnly(), "none of the tape machine"}, "nil": {nil, "it is nil"},
	} {
		g := G.NewGraph()
		must(G.Square(gl(g, "w", 2)))
		vm := newVM(t, g)
		err := vm.With(c.opt)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
		run(t, vm)
	}
}

// Watches for NaN and infinity find the first node that has one.
func TestGTWatches(t *testing.T) {
	for name, c := range map[string]struct {
		opt  G.VMOpt
		from []float32
		want string
	}{
		"NaN":              {G.WithNaNWatch(), []float32{1, -1}, `value 1 is NaN`},
		"infinity":         {G.WithInfWatch(), []float32{0, 1}, `value 0 is -Inf`},
		"neither":          {G.WithNaNWatch(), []float32{2, 1}, ""},
		"NaN, unwatched":   {G.WithInfWatch(), []float32{1, -1}, ""},
		"of a leaf itself": {G.WithNaNWatch(), []float32{1, float32(math.NaN())}, `node "x", value 1 is NaN`},
	} {
		g := G.NewGraph()
		x := G.NewVector(g, tensor.Float32, G.WithName("x"), G.WithShape(2), G.WithValue(dense(tensor.Shape{2}, c.from...)))
		must(G.Exp(must(G.Log(x)))) // the infinity is in between
		vm := newVM(t, g)
		if err := vm.With(c.opt); err != nil {
			t.Fatal(err)
		}
		err := vm.RunAll()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
}

// NaN and infinity come through and nothing watches for them.
func TestGTNaN(t *testing.T) {
	g := G.NewGraph()
	x := G.NewVector(g, tensor.Float32, G.WithName("x"), G.WithShape(4), G.WithValue(dense(tensor.Shape{4}, -1, 0, 1, 2)))
	l := must(G.Log(x))
	d := must(G.HadamardDiv(c32(1), x))
	vm := newVM(t, g)
	run(t, vm)
	g2 := G.NewGraph()
	x2 := G.NewVector(g2, tensor.Float32, G.WithName("x"), G.WithShape(4), G.WithValue(dense(tensor.Shape{4}, -1, 0, 1, 2)))
	var l2, d2 G.Value
	G.Read(must(G.Log(x2)), &l2)
	G.Read(must(G.HadamardDiv(c32(1), x2)), &d2)
	tape := G.NewTapeMachine(g2)
	err := tape.RunAll()
	t.Logf("cuda log %v 1/x %v; tape log %v 1/x %v %v", l.Value(), d.Value(), l2, d2, err)
}

// BatchNorm's two extra outputs, grad twice, a cost that does not depend on a weight.
func TestGTGradTwice(t *testing.T) {
	g := G.NewGraph()
	w := gl(g, "w", 3)
	cost := must(G.Sum(must(G.Square(w))))
	grads(t, cost, w)
	_, err := G.Grad(cost, w) // as mattn/gorgonia-iris
	t.Logf("second Grad: %v", err)
	vm := newVM(t, g)
	run(t, vm)
	want := gtWide(w.Value())
	for i := range want {
		want[i] *= 2
	}
	equal(t, "gradient", grad(t, w), want)
}

// What the device has of a leaf is not sent again.
func TestGTLeavesStay(t *testing.T) {
	s := gputest.NewSpy(ptxsim.Open(ptxsim.Options{}))
	g := G.NewGraph()
	x, w := gl(g, "x", 2, 3), gl(g, "w", 3, 2)
	y := must(G.Mul(x, w))
	vm, err := gorgoniavm.New(g, gorgoniavm.Options{Driver: s})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = vm.Close() }()
	run(t, vm)
	first := s.Uploads
	run(t, vm)
	if s.Uploads != first {
		t.Errorf("%d transfers to the device in a run without changes", s.Uploads-first)
	}
	w.Value().Data().([]float32)[5] += 1 // in place
	run(t, vm)
	if s.Uploads != first+1 {
		t.Errorf("%d transfers to the device after one leaf was changed; want 1", s.Uploads-first)
	}
	xs, ws := gtWide(x.Value()), gtWide(w.Value())
	equal(t, "product", gtWide(y.Value())[3:], []float64{xs[3]*ws[1] + xs[4]*ws[3] + xs[5]*ws[5]})
}

// Closing, resetting and running out of order.
func TestGTLifecycle(t *testing.T) {
	g := G.NewGraph()
	w := gl(g, "w", 3)
	must(G.Square(w))
	vm := newVM(t, g)
	vm.Reset()
	vm.Reset()
	run(t, vm)
	run(t, vm) // no Reset between: the tape machine would not run again
	vm.Reset()
	run(t, vm)
	// an error of one run does not end the VM
	bad := w.Value()
	_ = G.UnsafeLet(w, dense(tensor.Shape{3}, 1, 2, 3))
	run(t, vm)
	_ = bad
}

// A Read of a gradient, looked at after the solver's step.
func TestGTFaultReadAliased(t *testing.T) {
	try := func(open func(g *G.ExprGraph, wrt G.Nodes) (G.VM, error)) []float64 {
		g := G.NewGraph()
		w := G.NewVector(g, tensor.Float32, G.WithName("w"), G.WithShape(2), G.WithValue(dense(tensor.Shape{2}, 1, 2)))
		ds := grads(t, must(G.Sum(must(G.Square(w)))), w)
		var dw G.Value
		G.Read(ds[0], &dw)
		vm, err := open(g, G.Nodes{w})
		if err != nil {
			t.Fatal(err)
		}
		run(t, vm)
		if err := G.NewVanillaSolver().Step(G.NodesToValueGrads(G.Nodes{w})); err != nil {
			t.Fatal(err)
		}
		return gtWide(dw)
	}
	equal(t, "gradient read, after the solver's step", try(gtCUDA), try(gtTape))
}

// Scalars by WithInit, and a cloned graph.
func TestGTInitAndClone(t *testing.T) {
	g := G.NewGraph()
	b := G.NewScalar(g, tensor.Float32, G.WithName("b"), G.WithValue(float32(1)))
	w := G.NewVector(g, tensor.Float32, G.WithName("w"), G.WithShape(3), G.WithInit(G.Ones()))
	cost := must(G.Sum(must(G.Square(must(G.Add(w, b))))))
	grads(t, cost, w, b)
	vm := newVM(t, g)
	run(t, vm)
	equal(t, "gradient by w", grad(t, w), []float64{4, 4, 4})
	equal(t, "gradient by b", grad(t, b), []float64{12})
	for range 2 {
		if err := G.NewVanillaSolver(G.WithLearnRate(0.1)).Step(G.NodesToValueGrads(G.Nodes{w, b})); err != nil {
			t.Fatal(err)
		}
		run(t, vm)
	}
	g2 := g.Clone().(*G.ExprGraph)
	vm2, err := gorgoniavm.New(g2, gtOpt())
	if err != nil {
		gtNote("NewVM of g.Clone()", "semantics", err.Error())
		t.Fatalf("NewVM of g.Clone(): %v", err)
	}
	run(t, vm2)
	gtNote("NewVM of g.Clone()", "semantics", "works")
}

// What the tape machine gets wrong and the CUDA VM right.
func TestGTRightWhereTapeIsWrong(t *testing.T) {
	g := G.NewGraph()
	x := gl(g, "x", 2, 3, 4, 5)
	s := must(G.Sum(x, 2, 3)) // the tape machine: other numbers
	big := G.NewMatrix(g, tensor.Float32, G.WithName("big"), G.WithShape(2, 3), G.WithValue(dense(tensor.Shape{2, 3}, 1000, 999, -1000, -1000, -1001, -1002)))
	soft := must(G.SoftMax(big)) // the tape machine: NaN in the second row
	vm := newVM(t, g)
	run(t, vm)
	want := make([]float64, 6)
	for i, v := range gtWide(x.Value()) {
		want[i/20] += v
	}
	equal(t, "sum along 2 and 3", gtWide(s.Value()), want)
	equal(t, "softmax", gtWide(soft.Value()), []float64{0.7310586, 0.2689414, 0, 0.6652409, 0.2447285, 0.0900306})
}

// BinaryXent by its formula.
func TestGTFaultBinaryXentFormula(t *testing.T) {
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("NewVM panics: %v", p)
		}
	}()
	g := G.NewGraph()
	p := G.NewVector(g, tensor.Float32, G.WithName("p"), G.WithShape(2), G.WithValue(dense(tensor.Shape{2}, 0.5, 0.25)))
	y := G.NewVector(g, tensor.Float32, G.WithName("y"), G.WithShape(2), G.WithValue(dense(tensor.Shape{2}, 1, 0)))
	x := must(G.BinaryXent(p, y))
	vm := newVM(t, g, x)
	run(t, vm)
	equal(t, "-y·log p - (1-y)·log(1-p)", gtWide(x.Value()), []float64{0.6931472, 0.2876821})
}
