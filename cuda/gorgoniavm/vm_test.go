//go:build !cpu

package gorgoniavm_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/cuda/driver"
	"aegis/cuda/gorgoniavm"
	"aegis/cuda/internal/gpu"
	"aegis/cuda/internal/gputest"
	"aegis/cuda/internal/ptxsim"
	"aegis/internal/numtest"
)

// leaf makes a leaf with random values in (low, low+1).
func leaf(g *G.ExprGraph, name string, low float32, shape ...int) *G.Node {
	r := rand.New(rand.NewPCG(uint64(len(name)), uint64(name[0])))
	data := make([]float32, tensor.Shape(shape).TotalSize())
	for i := range data {
		data[i] = low + r.Float32()
	}
	return G.NewTensor(g, tensor.Float32, len(shape), G.WithName(name), G.WithShape(shape...),
		G.WithValue(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))))
}

func must(n *G.Node, err error) *G.Node { return G.Must(n, err) }

// squares makes a loss of anything.
func squares(n *G.Node) *G.Node {
	if n.IsScalar() {
		return must(G.Square(n))
	}
	return must(G.Mean(must(G.Square(n))))
}

// graphs are one of each thing that a VM can run: each returns a scalar and
// the leaves that it is differentiated by.
func graphs() map[string]func(g *G.ExprGraph) (*G.Node, G.Nodes) {
	list := map[string]func(g *G.ExprGraph) (*G.Node, G.Nodes){
		"products": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x, w, v := leaf(g, "x", -0.5, 5, 7), leaf(g, "weights", -0.5, 7, 3), leaf(g, "vec", -0.5, 3)
			xw := must(G.Mul(x, w))
			return must(G.Add(squares(xw), squares(must(G.Mul(xw, v))))), G.Nodes{x, w, v}
		},
		"a transposed product": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x, w := leaf(g, "x", -0.5, 5, 7), leaf(g, "weights", -0.5, 3, 7)
			return squares(must(G.Mul(x, must(G.Transpose(w, 1, 0))))), G.Nodes{x, w}
		},
		"inner and outer": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			a, b := leaf(g, "a", -0.5, 6), leaf(g, "bb", -0.5, 6)
			return must(G.Add(must(G.Mul(a, b)), squares(must(G.OuterProd(a, b))))), G.Nodes{a, b}
		},
		"batched product": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			a, b := leaf(g, "a", -0.5, 3, 4, 5), leaf(g, "bb", -0.5, 3, 5, 2)
			return squares(must(G.BatchedMatMul(a, b))), G.Nodes{a, b}
		},
		"batched product, both transposed": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			a, b := leaf(g, "a", -0.5, 3, 5, 4), leaf(g, "bb", -0.5, 3, 2, 5)
			return squares(must(G.BatchedMatMul(a, b, true, true))), nil
		},
		"a convolutional classifier": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x, w, b := leaf(g, "x", -0.5, 3, 2, 8, 8), leaf(g, "weights", -0.5, 5, 2, 3, 3), leaf(g, "bias", -0.5, 1, 5, 1, 1)
			dense := leaf(g, "dense", -0.5, 5*4*4, 6)
			h := must(G.Conv2d(x, w, tensor.Shape{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1}))
			h = must(G.Rectify(must(G.BroadcastAdd(h, b, nil, []byte{0, 2, 3}))))
			h = must(G.MaxPool2D(h, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2}))
			logits := must(G.Mul(must(G.Reshape(h, tensor.Shape{3, 5 * 4 * 4})), dense))
			targets := leaf(g, "target", 0, 3, 6)
			loss := must(G.Neg(must(G.Mean(must(G.HadamardProd(targets, must(G.LogSoftMax(logits))))))))
			return loss, G.Nodes{w, b, dense}
		},
		"powers and comparisons": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x, y := leaf(g, "x", 0.5, 4, 3), leaf(g, "yy", 0.5, 4, 3)
			p := must(G.Pow(x, G.NewConstant(float32(3))))
			return squares(must(G.HadamardProd(p, must(G.Gt(x, y, true))))), nil
		},
		"arithmetic": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			a, b := leaf(g, "a", 0.5, 4, 5), leaf(g, "bb", 1, 4, 5)
			s := must(G.HadamardProd(must(G.Add(a, b)), must(G.Sub(a, b))))
			return squares(must(G.HadamardDiv(s, b))), G.Nodes{a, b}
		},
		"constants": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			a := leaf(g, "a", 0.5, 4, 5)
			s := must(G.Sub(G.NewConstant(float32(2)), must(G.HadamardProd(a, G.NewConstant(float32(3))))))
			return squares(s), G.Nodes{a}
		},
		"broadcast": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x, b := leaf(g, "x", -0.5, 4, 5), leaf(g, "bias", -0.5, 1, 5)
			return squares(must(G.BroadcastAdd(x, b, nil, []byte{0}))), G.Nodes{x, b}
		},
		"sums": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x := leaf(g, "x", -0.5, 4, 5, 3)
			return must(G.Add(squares(must(G.Sum(x, 1))), squares(must(G.Mean(x, 0))))), G.Nodes{x}
		},
		"max": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x := leaf(g, "x", -0.5, 4, 5)
			return squares(must(G.Max(x, 1))), G.Nodes{x}
		},
		"reshape and transpose": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x, y := leaf(g, "x", -0.5, 4, 6, 2), leaf(g, "yy", -0.5, 2, 4, 6)
			t := must(G.Transpose(x, 2, 0, 1))
			p := must(G.HadamardProd(t, y))
			return squares(must(G.Reshape(p, tensor.Shape{8, 6}))), G.Nodes{x, y}
		},
		"slice": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x := leaf(g, "x", -0.5, 6, 5)
			rows := must(G.Slice(x, G.S(1, 4)))
			return must(G.Add(squares(rows), squares(must(G.Slice(x, nil, G.S(2)))))), G.Nodes{x}
		},
		"concat": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x, y := leaf(g, "x", -0.5, 3, 2), leaf(g, "yy", -0.5, 3, 4)
			return squares(must(G.Concat(1, x, y))), G.Nodes{x, y}
		},
		"convolution": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x, w := leaf(g, "x", -0.5, 2, 3, 7, 6), leaf(g, "weights", -0.5, 4, 3, 3, 3)
			c := must(G.Conv2d(x, w, tensor.Shape{3, 3}, []int{1, 1}, []int{2, 1}, []int{1, 1}))
			return squares(must(G.Rectify(c))), G.Nodes{x, w}
		},
		"max pool": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x := leaf(g, "x", -0.5, 2, 3, 6, 8)
			return squares(must(G.MaxPool2D(x, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2}))), G.Nodes{x}
		},
		"overlapping max pool": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x := leaf(g, "x", 0.5, 1, 2, 5, 6)
			return squares(must(G.MaxPool2D(x, tensor.Shape{3, 3}, []int{1, 1}, []int{1, 2}))), G.Nodes{x}
		},
		"softmax": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x := leaf(g, "x", -0.5, 4, 5)
			return squares(must(G.SoftMax(x))), G.Nodes{x}
		},
		"log softmax": func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x := leaf(g, "x", -0.5, 4, 5)
			return squares(must(G.LogSoftMax(x))), G.Nodes{x}
		},
	}
	for name, f := range map[string]func(*G.Node) (*G.Node, error){
		"exp": G.Exp, "log": G.Log, "sqrt": G.Sqrt, "square": G.Square, "cube": G.Cube, "tanh": G.Tanh, "sigmoid": G.Sigmoid,
		"rectify": G.Rectify, "neg": G.Neg, "abs": G.Abs, "sin": G.Sin, "cos": G.Cos, "inverse": G.Inverse,
		"log1p": G.Log1p, "expm1": G.Expm1, "softplus": G.Softplus, "log2": G.Log2, "invsqrt": G.InverseSqrt,
	} {
		list[name] = func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x := leaf(g, "x", 0.25, 3, 4)
			return squares(must(f(x))), G.Nodes{x}
		}
	}
	return list
}

// TestVM compares values and gradients with Gorgonia's tape machine, in the
// first run, which launches kernels one by one, and in later ones.
func TestVM(t *testing.T) { testVM(t, gorgoniavm.Options{Driver: ptxsim.Open(ptxsim.Options{})}) }

func TestGPUVM(t *testing.T) {
	if _, err := gpu.Probe(gpu.Options{}); err != nil {
		t.Skipf("needs a GPU: %v", err)
	}
	gputest.Open(t) // keeps the context from one graph to the next
	testVM(t, gorgoniavm.Options{})
}

func testVM(t *testing.T, opt gorgoniavm.Options) {
	for name, build := range graphs() {
		t.Run(name, func(t *testing.T) {
			g := G.NewGraph()
			loss, wrt := build(g)
			ref := G.NewGraph()
			refLoss, refWrt := build(ref)
			if len(wrt) > 0 {
				for _, c := range []struct {
					loss *G.Node
					wrt  G.Nodes
				}{{loss, wrt}, {refLoss, refWrt}} {
					if _, err := G.Grad(c.loss, c.wrt...); err != nil {
						t.Fatal(err)
					}
				}
			}
			tape := G.NewTapeMachine(ref, G.BindDualValues(refWrt...))
			defer func() { _ = tape.Close() }()
			if err := tape.RunAll(); err != nil {
				t.Fatalf("the tape machine: %v", err)
			}
			vm, err := gorgoniavm.New(g, opt, loss)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = vm.Close() }()
			for run := range 3 {
				if err := vm.RunAll(); err != nil {
					t.Fatal(err)
				}
				compare(t, fmt.Sprintf("run %d: loss", run), loss.Value(), refLoss.Value())
				for i, n := range wrt {
					got, err := n.Grad()
					if err != nil {
						t.Fatal(err)
					}
					want, err := refWrt[i].Grad()
					if err != nil {
						t.Fatal(err)
					}
					compare(t, fmt.Sprintf("run %d: gradient by %s", run, n.Name()), got, want)
				}
				gtZero(wrt)
			}
		})
	}
}

func compare(t *testing.T, name string, got, want G.Value) {
	t.Helper()
	if got == nil {
		t.Errorf("%s: no value", name)
		return
	}
	if !got.Shape().Eq(want.Shape()) {
		t.Errorf("%s: shape %v, want %v", name, got.Shape(), want.Shape())
	}
	numtest.Close(t, name, wide(got), wide(want), 1e-5)
}

func wide(v G.Value) []float64 {
	if f, ok := v.Data().(float32); ok {
		return []float64{float64(f)}
	}
	var list []float64
	for _, f := range v.Data().([]float32) {
		list = append(list, float64(f))
	}
	return list
}

// TestVMSolver trains a small network with one of Gorgonia's solvers on both
// VMs, and reads the loss by gorgonia.Read.
func TestVMSolver(t *testing.T) {
	train := func(open func(g *G.ExprGraph, wrt G.Nodes) G.VM) []float64 {
		g := G.NewGraph()
		x, w, v := leaf(g, "x", -0.5, 6, 5), leaf(g, "weights", -0.5, 5, 4), leaf(g, "vv", -0.5, 4, 5)
		h := must(G.Sigmoid(must(G.Mul(x, w))))
		loss := squares(must(G.Sub(must(G.Mul(h, v)), x)))
		var read G.Value
		G.Read(loss, &read)
		if _, err := G.Grad(loss, w, v); err != nil {
			t.Fatal(err)
		}
		vm := open(g, G.Nodes{w, v})
		defer func() { _ = vm.Close() }()
		solver := G.NewAdamSolver(G.WithLearnRate(0.05))
		var losses []float64
		for range 6 {
			if err := vm.RunAll(); err != nil {
				t.Fatal(err)
			}
			losses = append(losses, wide(read)...)
			if err := solver.Step(G.NodesToValueGrads(G.Nodes{w, v})); err != nil {
				t.Fatal(err)
			}
			vm.Reset()
		}
		return losses
	}
	got := train(func(g *G.ExprGraph, _ G.Nodes) G.VM {
		vm, err := gorgoniavm.New(g, gorgoniavm.Options{Driver: ptxsim.Open(ptxsim.Options{})})
		if err != nil {
			t.Fatal(err)
		}
		return vm
	})
	want := train(func(g *G.ExprGraph, wrt G.Nodes) G.VM { return G.NewTapeMachine(g, G.BindDualValues(wrt...)) })
	numtest.Close(t, "losses", got, want, 1e-5)
	if got[5] >= got[0] {
		t.Errorf("losses %v do not fall", got)
	}
}

// TestVMErrors names what is wrong with a graph.
func TestVMErrors(t *testing.T) {
	s := gputest.NewSpy(ptxsim.Open(ptxsim.Options{}))
	opt := gorgoniavm.Options{Driver: s}
	g := G.NewGraph()
	x := leaf(g, "x", 0, 2, 3)
	must(G.At(leaf(g, "image", 0, 2, 2), 1, 1))
	if _, err := gorgoniavm.New(g, opt); err == nil || !strings.Contains(err.Error(), "no kernel for op gorgonia.atOp") {
		t.Errorf("error %v, want one about atOp", err)
	}
	g = G.NewGraph()
	must(G.Exp(G.NewMatrix(g, tensor.Float64, G.WithShape(2, 3), G.WithName("wide"))))
	if _, err := gorgoniavm.New(g, opt); err == nil || !strings.Contains(err.Error(), `node "wide": its values are float64; want float32`) {
		t.Errorf("error %v, want one about float64", err)
	}
	g = G.NewGraph()
	must(G.Exp(leaf(g, "y", 0, 4)))
	if _, err := gorgoniavm.New(g, opt, x); err == nil || !strings.Contains(err.Error(), `node "x" is not in the graph`) {
		t.Errorf("error %v, want one about a foreign node", err)
	}
	g = G.NewGraph()
	must(G.Exp(G.NewMatrix(g, tensor.Float32, G.WithShape(2, 3), G.WithName("empty"))))
	vm, err := gorgoniavm.New(g, opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := vm.RunAll(); err == nil || !strings.Contains(err.Error(), `node "empty" has no value`) {
		t.Errorf("error %v, want one about a missing value", err)
	}
	if err := errors.Join(vm.Close(), vm.Close()); err != nil {
		t.Error(err)
	}
	if err := vm.RunAll(); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("error %v after Close", err)
	}
	small := gorgoniavm.Options{Driver: ptxsim.Open(ptxsim.Options{Memory: 1 << 10})}
	g = G.NewGraph()
	must(G.Exp(leaf(g, "large", 0, 1000)))
	if _, err := gorgoniavm.New(g, small); !errors.Is(err, driver.OutOfMemory) || !strings.Contains(err.Error(), "the graph needs") {
		t.Errorf("error %v, want one about memory", err)
	}
	s.CheckFreed(t)
}

// TestVMNoMemoryForGraph finds no memory for the graph: the error says so,
// nothing is left of it, and the next run works.
func TestVMNoMemoryForGraph(t *testing.T) {
	s := gputest.NewSpy(ptxsim.Open(ptxsim.Options{}))
	g := G.NewGraph()
	y := must(G.Square(leaf(g, "x", 0, 2, 3)))
	vm, err := gorgoniavm.New(g, gorgoniavm.Options{Driver: s})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = vm.Close() }()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	want := wide(y.Value())
	s.NoMemory = 1
	err = vm.RunAll()
	if !errors.Is(err, driver.OutOfMemory) || !strings.Contains(err.Error(), "want a CUDA graph of 1 launches there") {
		t.Errorf("error %v, want one of too little memory for a graph", err)
	}
	if s.Held["graph"] != 0 || s.Held["executable graph"] != 0 {
		t.Errorf("left: %v", s.Held)
	}
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	numtest.Close(t, "squares", wide(y.Value()), want, 0)
	if len(s.Replays) != 1 {
		t.Errorf("%d graphs launched, want 1", len(s.Replays))
	}
}
