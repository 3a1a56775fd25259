//go:build !cpu

package gorgoniavm_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/cuda/gorgoniavm"
	"aegis/cuda/internal/gputest"
	"aegis/cuda/internal/ptxsim"
)

// What the tape machine has another way, or at random, is held to its formula here.

// TestIndices: values at indices along each axis, and an index that is none.
func TestIndices(t *testing.T) {
	shape, index := []int{4, 3, 5}, []int{2, 0, 2, 1}
	for axis := range shape {
		g := G.NewGraph()
		x := gl(g, "x", shape...)
		at := G.NewVector(g, tensor.Int, G.WithName("index"), G.WithShape(len(index)), G.WithValue(tensor.New(tensor.WithBacking(slices.Clone(index)))))
		y := must(G.ByIndices(x, at, axis))
		vm := newVM(t, g)
		run(t, vm)
		values, out := gtWide(x.Value()), slices.Clone(shape)
		out[axis] = len(index)
		var want []float64
		for i := range out[0] {
			for j := range out[1] {
				for k := range out[2] {
					from := [3]int{i, j, k}
					from[axis] = index[from[axis]]
					want = append(want, values[(from[0]*shape[1]+from[1])*shape[2]+from[2]])
				}
			}
		}
		equal(t, fmt.Sprint("axis ", axis), gtWide(y.Value()), want)
		at.Value().Data().([]int)[1] = shape[axis]
		if err := vm.RunAll(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf(`node "index": index 1 is %d; want 0 to %d`, shape[axis], shape[axis]-1)) {
			t.Errorf("an index beyond the axis: %v", err)
		}
	}
}

// TestDropout: what is left is divided by the share that stays, in value and gradient;
// another draw in each run, the same under the same seed, and nothing out of training.
func TestDropout(t *testing.T) {
	g := G.NewGraph()
	x := glIn(g, 1, 2, "x", 50, 40)
	y := must(G.Dropout(x, 0.25))
	cost := must(G.Sum(must(G.HadamardProd(y, gl(g, "weights", 50, 40)))))
	grads(t, cost, x)
	vm := newVM(t, g, y)
	values, weights := gtWide(x.Value()), gtWide(g.ByName("weights")[0].Value())
	look := func() []float64 {
		run(t, vm)
		kept, got, slopes := 0, gtWide(y.Value()), grad(t, x)
		for i, v := range got {
			want := 0.0
			if v != 0 {
				kept++
				want = values[i] / 0.75
			}
			if math.Abs(v-want) > 1e-5 || math.Abs(slopes[i]-want/values[i]*weights[i]) > 1e-5 {
				t.Fatalf("value %d of %v becomes %v with gradient %v, of weight %v", i, values[i], v, slopes[i], weights[i])
			}
		}
		if share := float64(kept) / float64(len(got)); math.Abs(share-0.75) > 0.04 {
			t.Errorf("%v of all values stay; want 0.75", share)
		}
		gtZero(G.Nodes{x})
		return got
	}
	first, second := look(), look()
	if slices.Equal(first, second) {
		t.Error("two runs drop the same values")
	}
	if err := vm.Seed(1); err != nil {
		t.Fatal(err)
	}
	if again := look(); !slices.Equal(again, first) {
		t.Error("the same seed drops other values")
	}
	if err := vm.Seed(2); err != nil {
		t.Fatal(err)
	}
	if other := look(); slices.Equal(other, first) {
		t.Error("another seed drops the same values")
	}
	if err := vm.With(G.EvalMode()); err != nil {
		t.Fatal(err)
	}
	run(t, vm)
	equal(t, "out of training", gtWide(y.Value()), values)
	equal(t, "its gradient", grad(t, x), weights)
}

// TestRandom: the moments of random nodes, and their shapes.
func TestRandom(t *testing.T) {
	for name, c := range map[string]struct {
		node           func(g *G.ExprGraph) *G.Node
		mean, variance float64
		size           int
	}{
		"uniform":  {func(g *G.ExprGraph) *G.Node { return G.UniformRandomNode(g, tensor.Float32, -1, 3, 40, 100) }, 1, 16.0 / 12, 4000},
		"gaussian": {func(g *G.ExprGraph) *G.Node { return G.GaussianRandomNode(g, tensor.Float32, 2, 0.5, 4000) }, 2, 0.25, 4000},
		"binomial": {func(g *G.ExprGraph) *G.Node { return G.BinomialRandomNode(g, tensor.Float32, 10, 0.3, 20, 10, 20) }, 3, 2.1, 4000},
		"a scalar": {func(g *G.ExprGraph) *G.Node { return G.UniformRandomNode(g, tensor.Float32, 0, 1) }, math.NaN(), 0, 1},
	} {
		g := G.NewGraph()
		n := c.node(g)
		var v G.Value
		G.Read(n, &v)
		must(G.Square(n))
		vm := newVM(t, g)
		run(t, vm)
		first := gtWide(v)
		run(t, vm)
		if second := gtWide(v); len(first) != c.size || slices.Equal(first, second) || !v.Shape().Eq(n.Shape()) {
			t.Errorf("%s: %d numbers of shape %v, another draw %v", name, len(first), v.Shape(), !slices.Equal(first, second))
		}
		mean, variance := 0.0, 0.0
		for _, x := range first {
			mean += x / float64(len(first))
		}
		for _, x := range first {
			variance += (x - mean) * (x - mean) / float64(len(first))
		}
		if c.mean == c.mean && (math.Abs(mean-c.mean) > 4*math.Sqrt(c.variance/float64(c.size)) || math.Abs(variance/c.variance-1) > 0.1) {
			t.Errorf("%s: mean %v and variance %v; want %v and %v", name, mean, variance, c.mean, c.variance)
		}
	}
}

// TestBatchNormModes: running statistics follow training, and stand for the batch's
// out of it, whatever the order; a second VM goes on with them.
func TestBatchNormModes(t *testing.T) {
	type built struct {
		g   *G.ExprGraph
		x   *G.Node
		y   *G.Node
		op  *G.BatchNormOp
		dx  func() []float64
		run func(vm G.VM)
	}
	build := func() built {
		g := G.NewGraph()
		x := gl(g, "x", 5, 3, 2, 2)
		y, _, _, op, err := G.BatchNorm(x, glIn(g, 1, 1, "scale", 5, 3, 2, 2), glIn(g, 0, 0, "bias", 5, 3, 2, 2), 0.1, 1e-5)
		if err != nil {
			t.Fatal(err)
		}
		grads(t, must(G.Sum(must(G.HadamardProd(y, gl(g, "weights", 5, 3, 2, 2))))), x)
		return built{g, x, y, op, func() []float64 { return grad(t, x) }, func(vm G.VM) { run(t, vm) }}
	}
	ours, theirs := build(), build()
	vm := newVM(t, ours.g, ours.y)
	var v G.Value
	G.Read(theirs.y, &v)
	tape := G.NewTapeMachine(theirs.g, G.BindDualValues(theirs.x))
	same := func(what string) {
		t.Helper()
		mean, variance := ours.op.Stats()
		wantMean, wantVariance := theirs.op.Stats()
		equal(t, what+": running mean", gtWide(mean), gtWide(wantMean))
		equal(t, what+": running variance", gtWide(variance), gtWide(wantVariance))
	}
	for i := range 3 {
		run(t, vm)
		run(t, tape)
		equal(t, fmt.Sprint("training, run ", i), gtWide(ours.y.Value()), gtWide(v))
		equal(t, fmt.Sprint("training, gradient of run ", i), ours.dx(), theirs.dx())
		same(fmt.Sprint("run ", i))
		gtZero(G.Nodes{ours.x})
		gtZero(G.Nodes{theirs.x})
		tape.Reset()
		for k := range ours.x.Value().Data().([]float32) { // another batch
			ours.x.Value().Data().([]float32)[k] *= 1.1
			theirs.x.Value().Data().([]float32)[k] *= 1.1
		}
	}
	if err := ours.op.SetTraining(false); err != nil {
		t.Fatal(err)
	}
	if err := theirs.op.SetTraining(false); err != nil {
		t.Fatal(err)
	}
	run(t, vm)
	run(t, tape)
	equal(t, "out of training", gtWide(ours.y.Value()), gtWide(v))
	same("out of training")
	_, variance := ours.op.Stats()
	spread, weights := gtWide(variance), gtWide(ours.g.ByName("weights")[0].Value())
	var want []float64 // the tape machine divides by √ε for images
	for i, w := range weights {
		want = append(want, w/math.Sqrt(spread[i/4%3]+1e-5))
	}
	equal(t, "gradient out of training", ours.dx(), want)
	before := gtWide(variance)
	second := newVM(t, ours.g, ours.y)
	run(t, second)
	equal(t, "a second VM", gtWide(ours.y.Value()), gtWide(v))
	_, variance = ours.op.Stats()
	equal(t, "running variance of a second VM", gtWide(variance), before)
}

// TestAveragePool: the mean over a window, zeros around among it, and its gradient by
// differences; Gorgonia's own divides by the image's width.
func TestAveragePool(t *testing.T) {
	for _, c := range []struct{ in, k, pad, stride []int }{
		{[]int{2, 3, 6, 8}, []int{2, 2}, []int{0, 0}, []int{2, 2}},
		{[]int{1, 2, 5, 5}, []int{3, 3}, []int{1, 1}, []int{1, 1}},
		{[]int{2, 1, 7, 7}, []int{3, 2}, []int{0, 0}, []int{2, 3}},
		{[]int{1, 2, 6, 5}, []int{2, 3}, []int{1, 2}, []int{2, 1}},
	} {
		what := fmt.Sprint(c)
		g := G.NewGraph()
		x := gl(g, "x", c.in...)
		y := must(G.AveragePool2D(x, tensor.Shape(c.k), c.pad, c.stride))
		weights := gl(g, "weights", y.Shape()...)
		grads(t, must(G.Sum(must(G.HadamardProd(y, weights)))), x)
		vm := newVM(t, g, y)
		run(t, vm)
		values, ws := gtWide(x.Value()), gtWide(weights.Value())
		want, slopes := make([]float64, y.Shape().TotalSize()), make([]float64, len(values))
		H, W, oH, oW := c.in[2], c.in[3], y.Shape()[2], y.Shape()[3]
		area := float64(c.k[0] * c.k[1])
		for o := range want {
			image, i, j := o/(oH*oW), o/oW%oH, o%oW
			for u := range c.k[0] {
				for v := range c.k[1] {
					if h, w := i*c.stride[0]+u-c.pad[0], j*c.stride[1]+v-c.pad[1]; h >= 0 && h < H && w >= 0 && w < W {
						at := (image*H+h)*W + w
						want[o] += values[at] / area
						slopes[at] += ws[o] / area
					}
				}
			}
		}
		equal(t, what, gtWide(y.Value()), want)
		equal(t, what+": gradient", grad(t, x), slopes)
	}
}

// TestBatchedLaunch: a product of many batches is one launch.
func TestBatchedLaunch(t *testing.T) {
	s := gputest.NewSpy(ptxsim.Open(ptxsim.Options{}))
	g := G.NewGraph()
	must(G.BatchedMatMul(gl(g, "a", 7, 20, 33), gl(g, "b", 7, 33, 18)))
	vm, err := gorgoniavm.New(g, gorgoniavm.Options{Driver: s})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = vm.Close() }()
	run(t, vm)
	if s.Launches != 1 {
		t.Errorf("%d launches; want 1", s.Launches)
	}
}
