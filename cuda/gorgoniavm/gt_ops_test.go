//go:build !cpu

package gorgoniavm_test

import (
	"fmt"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// mixed is Σ n·weights, so that each value of n counts differently.
func gtMixed(n *G.Node) *G.Node {
	if n.IsScalar() {
		return must(G.Square(n))
	}
	return must(G.Sum(must(G.HadamardProd(n, gl(n.Graph(), "mix_of_"+fmt.Sprint(n.Shape()), n.Shape()...)))))
}

func gtOp(name string, f func(g *G.ExprGraph) (*G.Node, G.Nodes)) gtCase {
	return gtCase{name: name, source: "op", build: func(g *G.ExprGraph) gtNet {
		n, wrt := f(g)
		return gtNet{cost: gtMixed(n), wrt: wrt, watch: G.Nodes{n}}
	}}
}

func gtFwd(name string, f func(g *G.ExprGraph) *G.Node) gtCase {
	return gtCase{name: name, source: "op", noGrad: true, build: func(g *G.ExprGraph) gtNet { return gtNet{watch: G.Nodes{f(g)}} }}
}

func wanting(c gtCase, want string) gtCase { c.want = want; return c }
func sourced(c gtCase, s string) gtCase    { c.source = s; return c }

func gtOpCases() []gtCase {
	var list []gtCase
	add := func(c gtCase) { list = append(list, c) }
	one := func(name string, lo, hi float64, f func(*G.Node) (*G.Node, error), shape ...int) {
		add(gtOp(fmt.Sprintf("%s %v", name, shape), func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x := glIn(g, lo, hi, "x", shape...)
			return must(f(x)), G.Nodes{x}
		}))
	}
	unary := map[string]func(*G.Node) (*G.Node, error){
		"Abs": G.Abs, "Sign": G.Sign, "Ceil": G.Ceil, "Floor": G.Floor, "Neg": G.Neg, "Square": G.Square, "Cube": G.Cube, "Exp": G.Exp, "Tanh": G.Tanh,
		"Sigmoid": G.Sigmoid, "Softplus": G.Softplus, "Expm1": G.Expm1, "Sin": G.Sin, "Cos": G.Cos, "Mish": G.Mish, "Rectify": G.Rectify,
		"LeakyRelu": func(n *G.Node) (*G.Node, error) { return G.LeakyRelu(n, 0.1) },
	}
	for name, f := range unary {
		for _, s := range [][]int{{3, 4}, {5}, {2, 1}, {1, 3}, {1, 1}, {1}, {2, 3, 2, 2}, {}} {
			if (name == "Sign" || name == "Ceil" || name == "Floor") || len(s) == 0 && name == "Mish" {
				add(gtFwd(fmt.Sprint(name, " ", s), func(g *G.ExprGraph) *G.Node { return must(f(glIn(g, -2, 2, "x", s...))) }))
				continue
			}
			one(name, -2, 2, f, s...)
		}
	}
	for name, f := range map[string]func(*G.Node) (*G.Node, error){
		"Sqrt": G.Sqrt, "Log": G.Log, "Log2": G.Log2, "Inverse": G.Inverse, "InverseSqrt": G.InverseSqrt, "Log1p": G.Log1p,
	} {
		for _, s := range [][]int{{3, 4}, {1, 1}, {}} {
			one(name, 0.2, 2, f, s...)
		}
	}
	// two operands
	type two = func(a, b *G.Node) (*G.Node, error)
	for name, f := range map[string]two{"Add": G.Add, "Sub": G.Sub, "HadamardProd": G.HadamardProd, "HadamardDiv": G.HadamardDiv, "Pow": G.Pow} {
		for _, s := range [][2][]int{{{3, 4}, {3, 4}}, {{3, 4}, {}}, {{}, {3, 4}}, {{}, {}}, {{5}, {5}}, {{1, 1}, {1, 1}}, {{2, 3, 2}, {}}} {
			c := gtOp(fmt.Sprintf("%s %v %v", name, s[0], s[1]), func(g *G.ExprGraph) (*G.Node, G.Nodes) {
				a, b := glIn(g, 0.3, 1.5, "a", s[0]...), glIn(g, 0.3, 1.5, "b", s[1]...)
				wrt := G.Nodes{a, b}
				return must(f(a, b)), wrt
			})
			if name == "Pow" { // its gradient is Gorgonia's own problem
				inner := c.build
				c.build = func(g *G.ExprGraph) gtNet { n := inner(g); n.wrt = nil; return n }
				c.noGrad = true
			}
			add(c)
		}
	}
	for _, p := range []float64{2, 3, 0.5, -1, 1, 0} {
		add(gtOp(fmt.Sprintf("Pow x^%v", p), func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x := glIn(g, 0.3, 1.5, "x", 3, 4)
			return must(G.Pow(x, c32(p))), G.Nodes{x}
		}))
	}
	for name, f := range map[string]func(a, b *G.Node, same bool) (*G.Node, error){"Gt": G.Gt, "Lt": G.Lt, "Gte": G.Gte, "Lte": G.Lte, "Eq": G.Eq, "Ne": G.Ne} {
		for _, s := range [][]int{{3, 4}, {}} {
			add(gtFwd(fmt.Sprint(name, " same ", s), func(g *G.ExprGraph) *G.Node {
				return must(f(gl(g, "a", 3, 4), gl(g, "b", s...), true))
			}))
		}
		add(gtFwd(name+" bool", func(g *G.ExprGraph) *G.Node { return must(f(gl(g, "a", 3, 4), gl(g, "b", 3, 4), false)) }))
	}
	add(gtOp("a mask as Where: a·(a>b)+b·(a<=b)", func(g *G.ExprGraph) (*G.Node, G.Nodes) {
		a, b := gl(g, "a", 3, 4), gl(g, "b", 3, 4)
		return must(G.Add(must(G.HadamardProd(a, must(G.Gt(a, b, true)))), must(G.HadamardProd(b, must(G.Lte(a, b, true)))))), G.Nodes{a, b}
	}))
	add(gtOp("the same node twice: x·x, x+x, x−x", func(g *G.ExprGraph) (*G.Node, G.Nodes) {
		x := gl(g, "x", 3, 3)
		return must(G.Add(must(G.Mul(x, x)), must(G.Sub(must(G.HadamardProd(x, x)), must(G.Add(x, x)))))), G.Nodes{x}
	}))
	// products
	prod := func(name string, a, b []int, f two) {
		add(gtOp(fmt.Sprintf("%s %v %v", name, a, b), func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x, y := gl(g, "a", a...), gl(g, "b", b...)
			return must(f(x, y)), G.Nodes{x, y}
		}))
	}
	for _, s := range [][2][]int{{{3, 4}, {4, 5}}, {{3, 4}, {4, 1}}, {{1, 4}, {4, 3}}, {{1, 4}, {4, 1}}, {{3, 1}, {1, 5}}, {{1, 1}, {1, 1}}, {{3, 4}, {4}}, {{3}, {3, 4}}, {{5}, {5}}, {{1}, {1}}, {{}, {3, 4}}, {{3, 4}, {}}, {{70, 33}, {33, 65}}} {
		prod("Mul", s[0], s[1], G.Mul)
	}
	prod("Mul of a transpose", []int{4, 3}, []int{4, 5}, func(a, b *G.Node) (*G.Node, error) { return G.Mul(must(G.Transpose(a)), b) })
	prod("Mul by a transpose", []int{3, 4}, []int{5, 4}, func(a, b *G.Node) (*G.Node, error) { return G.Mul(a, must(G.Transpose(b))) })
	prod("OuterProd", []int{4}, []int{4}, G.OuterProd)
	add(gtFwd("OuterProd [3] [4], forward (its gradient is wrong in Gorgonia)", func(g *G.ExprGraph) *G.Node {
		return must(G.OuterProd(gl(g, "a", 3), gl(g, "b", 4)))
	}))
	for _, s := range [][2][]int{{{2, 3, 4}, {2, 4, 5}}, {{1, 3, 4}, {1, 4, 5}}, {{2, 1, 4}, {2, 4, 1}}, {{3, 1, 1}, {3, 1, 6}}, {{2, 2, 3, 4}, {2, 2, 4, 5}}} {
		prod("BatchedMatMul", s[0], s[1], func(a, b *G.Node) (*G.Node, error) { return G.BatchedMatMul(a, b) })
	}
	prod("BatchedMatMul aT", []int{2, 4, 3}, []int{2, 4, 5}, func(a, b *G.Node) (*G.Node, error) { return G.BatchedMatMul(a, b, true) })
	prod("BatchedMatMul bT", []int{2, 3, 4}, []int{2, 5, 4}, func(a, b *G.Node) (*G.Node, error) { return G.BatchedMatMul(a, b, false, true) })
	prod("BatchedMatMul aT bT", []int{2, 4, 3}, []int{2, 5, 4}, func(a, b *G.Node) (*G.Node, error) { return G.BatchedMatMul(a, b, true, true) })
	// reductions
	for name, f := range map[string]func(*G.Node, ...int) (*G.Node, error){"Sum": G.Sum, "Mean": G.Mean, "Max": G.Max} {
		for _, c := range []struct{ s, along []int }{
			{[]int{3, 4}, nil},
			{[]int{3, 4}, []int{0}},
			{[]int{3, 4}, []int{1}},
			{[]int{3, 4}, []int{0, 1}},
			{[]int{3, 4}, []int{1, 0}},
			{[]int{5}, []int{0}},
			{[]int{5}, nil},
			{[]int{2, 3, 4}, []int{0}},
			{[]int{2, 3, 4}, []int{1}},
			{[]int{2, 3, 4}, []int{2}},
			{[]int{2, 3, 4}, []int{0, 2}},
			{[]int{2, 3, 4}, []int{1, 2}},
			{[]int{2, 3, 2, 2}, []int{2, 3}},
			{[]int{2, 3, 2, 2}, []int{0, 2, 3}},
			{[]int{1, 4}, []int{0}},
			{[]int{1, 4}, []int{1}},
			{[]int{4, 1}, []int{1}},
			{[]int{1, 1}, nil},
			{[]int{700}, nil},
			{[]int{2, 1, 4}, []int{2}},
		} {
			add(gtOp(fmt.Sprint(name, " ", c.s, " along ", c.along), func(g *G.ExprGraph) (*G.Node, G.Nodes) {
				x := gl(g, "x", c.s...)
				return must(f(x, c.along...)), G.Nodes{x}
			}))
		}
	}
	for _, p := range []int{1, 2, 3} {
		for _, axis := range []int{0, 1} {
			add(gtOp(fmt.Sprintf("Norm axis %d p %d", axis, p), func(g *G.ExprGraph) (*G.Node, G.Nodes) {
				x := glIn(g, 0.2, 1, "x", 3, 4)
				return must(G.Norm(x, axis, p)), G.Nodes{x}
			}))
		}
	}
	for _, left := range []bool{true, false} {
		add(gtOp(fmt.Sprint("KeepDims left ", left), func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x := gl(g, "x", 3, 4)
			return must(G.KeepDims(x, left, func(n *G.Node) (*G.Node, error) { return G.Sum(n, 1) })), G.Nodes{x}
		}))
	}
	// softmax
	for _, f := range []struct {
		name string
		f    func(*G.Node, ...int) (*G.Node, error)
	}{{"SoftMax", G.SoftMax}, {"LogSoftMax", G.LogSoftMax}} {
		for _, c := range []struct{ s, axes []int }{{[]int{3, 4}, nil}, {[]int{3, 4}, []int{1}}, {[]int{3, 4}, []int{0}}, {[]int{5}, nil}, {[]int{5}, []int{0}}, {[]int{4, 1}, nil}, {[]int{1, 4}, nil}, {[]int{1, 4}, []int{0}}, {[]int{4, 1}, []int{0}}, {[]int{4, 1}, []int{1}}, {[]int{2, 3, 4}, nil}, {[]int{2, 3, 4}, []int{1}}, {[]int{2, 3, 4}, []int{0}}, {[]int{2, 3, 4}, []int{2}}} {
			soft := gtOp(fmt.Sprint(f.name, " ", c.s, " axes ", c.axes), func(g *G.ExprGraph) (*G.Node, G.Nodes) {
				x := glIn(g, -2, 2, "x", c.s...)
				return must(f.f(x, c.axes...)), G.Nodes{x}
			})
			soft.tapeWrong = c.axes == nil && len(c.s) == 2 && c.s[1] == 1 // the gradient of a column is along the other axis
			add(soft)
		}
	}
	// shapes
	for _, c := range []struct{ s, p []int }{{[]int{3, 4}, nil}, {[]int{2, 3, 4}, []int{2, 0, 1}}, {[]int{2, 3, 4}, nil}, {[]int{2, 3, 4}, []int{0, 2, 1}}, {[]int{2, 3, 4, 5}, []int{0, 3, 1, 2}}, {[]int{2, 3, 4, 5}, []int{3, 1, 2, 0}}, {[]int{1, 4}, nil}, {[]int{2, 2, 2, 2, 3}, []int{4, 3, 2, 1, 0}}} {
		add(gtOp(fmt.Sprint("Transpose ", c.s, " by ", c.p), func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x := gl(g, "x", c.s...)
			return must(G.Transpose(x, c.p...)), G.Nodes{x}
		}))
	}
	for _, c := range []struct{ s, to []int }{{[]int{3, 4}, []int{2, 6}}, {[]int{3, 4}, []int{12}}, {[]int{3, 4}, []int{-1, 2}}, {[]int{6}, []int{1, 6}}, {[]int{2, 3, 4}, []int{6, 4}}, {[]int{}, []int{1, 1}}, {[]int{1, 1}, []int{1}}} {
		add(gtOp(fmt.Sprint("Reshape ", c.s, " to ", c.to), func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x := gl(g, "x", c.s...)
			return must(G.Reshape(x, append(tensor.Shape{}, c.to...))), G.Nodes{x}
		}))
	}
	add(gtOp("Ravel of a transpose", func(g *G.ExprGraph) (*G.Node, G.Nodes) {
		x := gl(g, "x", 3, 4)
		return must(G.Ravel(must(G.Transpose(x)))), G.Nodes{x}
	}))
	slices := []struct {
		name string
		s    []int
		by   []tensor.Slice
	}{
		{"rows", []int{5, 4}, []tensor.Slice{G.S(1, 3)}},
		{"one row", []int{5, 4}, []tensor.Slice{G.S(2)}},
		{"columns", []int{5, 4}, []tensor.Slice{nil, G.S(1, 3)}},
		{"one column", []int{5, 4}, []tensor.Slice{nil, G.S(2)}},
		{"both", []int{5, 4}, []tensor.Slice{G.S(1, 4), G.S(0, 2)}},
		{"one value", []int{5, 4}, []tensor.Slice{G.S(1), G.S(2)}},
		{"of a vector", []int{6}, []tensor.Slice{G.S(1, 4)}},
		{"one of a vector", []int{6}, []tensor.Slice{G.S(3)}},
		{"three axes", []int{3, 4, 5}, []tensor.Slice{G.S(1), nil, G.S(1, 3)}},
		{"middle axis", []int{3, 4, 5}, []tensor.Slice{nil, G.S(2)}},
		{"step 2 of a vector", []int{7}, []tensor.Slice{G.S(0, 7, 2)}},
		{"step 2 of rows", []int{6, 3}, []tensor.Slice{G.S(0, 6, 2)}},
		{"step 3 from 1", []int{9}, []tensor.Slice{G.S(1, 9, 3)}},
		{"nil", []int{3, 4}, []tensor.Slice{nil}},
		{"all", []int{3, 4}, []tensor.Slice{G.S(0, 3)}},
		{"step over columns", []int{3, 6}, []tensor.Slice{nil, G.S(0, 6, 2)}},
		{"row of (1,4)", []int{1, 4}, []tensor.Slice{G.S(0)}},
	}
	for _, c := range slices {
		add(gtOp("Slice "+c.name, func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x := gl(g, "x", c.s...)
			n, err := G.Slice(x, c.by...)
			return must(n, err), G.Nodes{x}
		}))
	}
	for _, c := range []struct {
		axis int
		s    [][]int
	}{{0, [][]int{{2, 3}, {4, 3}}}, {1, [][]int{{2, 3}, {2, 1}, {2, 4}}}, {0, [][]int{{3}, {2}}}, {2, [][]int{{2, 2, 3}, {2, 2, 1}}}, {1, [][]int{{2, 3, 2, 2}, {2, 1, 2, 2}}}, {0, [][]int{{1, 3}, {1, 3}}}, {0, [][]int{{3, 2}}}} {
		add(gtOp(fmt.Sprint("Concat axis ", c.axis, " of ", c.s), func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			var ns G.Nodes
			for i, s := range c.s {
				ns = append(ns, gl(g, fmt.Sprint("x", i), s...))
			}
			return must(G.Concat(c.axis, ns...)), ns
		}))
	}
	add(gtOp("Concat of one node twice", func(g *G.ExprGraph) (*G.Node, G.Nodes) {
		x := gl(g, "x", 2, 3)
		return must(G.Concat(1, x, x)), G.Nodes{x}
	}))
	add(gtOp("Unconcat", func(g *G.ExprGraph) (*G.Node, G.Nodes) {
		x := gl(g, "x", 4, 6)
		ns, err := G.Unconcat(x, 1, 3)
		if err != nil {
			panic(err)
		}
		return must(G.HadamardProd(ns[0], must(G.Add(ns[1], ns[2])))), G.Nodes{x}
	}))
	// broadcasts
	for _, c := range []struct {
		a, b []int
		l, r []byte
	}{{[]int{3, 4}, []int{1, 4}, nil, []byte{0}}, {[]int{3, 4}, []int{4}, nil, []byte{0}}, {[]int{3, 4}, []int{3}, nil, []byte{1}}, {[]int{3, 4}, []int{3, 1}, nil, []byte{1}}, {[]int{1, 4}, []int{3, 4}, []byte{0}, nil}, {[]int{2, 3, 4}, []int{1, 3, 1}, nil, []byte{0, 2}}, {[]int{2, 3, 2, 2}, []int{1, 3, 1, 1}, nil, []byte{0, 2, 3}}, {[]int{3, 1}, []int{1, 4}, []byte{1}, []byte{0}}} {
		for name, f := range map[string]func(a, b *G.Node, l, r []byte) (*G.Node, error){"Add": G.BroadcastAdd, "Sub": G.BroadcastSub, "Prod": G.BroadcastHadamardProd, "Div": G.BroadcastHadamardDiv} {
			add(gtOp(fmt.Sprint("Broadcast", name, " ", c.a, c.b, c.l, c.r), func(g *G.ExprGraph) (*G.Node, G.Nodes) {
				a, b := glIn(g, 0.3, 1, "a", c.a...), glIn(g, 0.3, 1, "b", c.b...)
				return must(f(a, b, c.l, c.r)), G.Nodes{a, b}
			}))
		}
	}
	add(gtOp("Auto(BroadcastAdd)", func(g *G.ExprGraph) (*G.Node, G.Nodes) {
		a, b := gl(g, "a", 3, 4), gl(g, "b", 1, 4)
		return must(G.Auto(G.BroadcastAdd, a, b)), G.Nodes{a, b}
	}))
	// images
	for _, c := range []struct {
		in, w             []int
		pad, stride, dila []int
	}{
		{[]int{2, 3, 6, 7}, []int{4, 3, 3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1}},
		{[]int{2, 1, 7, 7}, []int{2, 1, 3, 3}, []int{0, 0}, []int{2, 2}, []int{1, 1}},
		{[]int{1, 2, 7, 6}, []int{3, 2, 1, 3}, []int{0, 1}, []int{1, 2}, []int{1, 1}},
		{[]int{2, 2, 8, 8}, []int{3, 2, 3, 3}, []int{2, 2}, []int{1, 1}, []int{2, 2}},
		{[]int{2, 2, 5, 5}, []int{3, 2, 5, 5}, []int{2, 2}, []int{1, 1}, []int{1, 1}},
		{[]int{1, 3, 4, 4}, []int{2, 3, 1, 1}, []int{0, 0}, []int{1, 1}, []int{1, 1}},
		{[]int{2, 2, 9, 9}, []int{2, 2, 3, 3}, []int{1, 1}, []int{3, 3}, []int{1, 1}},
	} {
		add(gtOp(fmt.Sprint("Conv2d ", c.in, c.w, " pad ", c.pad, " stride ", c.stride, " dilation ", c.dila), func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x, w := gl(g, "x", c.in...), gl(g, "w", c.w...)
			return must(G.Conv2d(x, w, tensor.Shape{c.w[2], c.w[3]}, c.pad, c.stride, c.dila)), G.Nodes{x, w}
		}))
	}
	add(gtOp("Conv1d", func(g *G.ExprGraph) (*G.Node, G.Nodes) {
		x, w := gl(g, "x", 2, 3, 1, 9), gl(g, "w", 4, 3, 1, 3)
		return must(G.Conv1d(x, w, 3, 1, 1, 1)), G.Nodes{x, w}
	}))
	add(gtOp("Im2Col", func(g *G.ExprGraph) (*G.Node, G.Nodes) {
		x := gl(g, "x", 1, 2, 5, 5)
		return must(G.Im2Col(x, tensor.Shape{3, 3}, tensor.Shape{1, 1}, tensor.Shape{1, 1}, tensor.Shape{1, 1})), G.Nodes{x}
	}))
	for _, c := range []struct{ in, k, pad, stride []int }{{[]int{2, 3, 6, 8}, []int{2, 2}, []int{0, 0}, []int{2, 2}}, {[]int{1, 2, 5, 5}, []int{3, 3}, []int{1, 1}, []int{1, 1}}, {[]int{1, 2, 5, 5}, []int{3, 3}, []int{2, 2}, []int{1, 1}}, {[]int{2, 1, 7, 7}, []int{3, 3}, []int{0, 0}, []int{2, 2}}, {[]int{1, 2, 5, 5}, []int{2, 2}, []int{0, 1, 0, 1}, []int{1, 1}}, {[]int{1, 2, 6, 5}, []int{2, 3}, []int{1, 0, 1, 2}, []int{2, 1}}, {[]int{1, 1, 1, 8}, []int{1, 2}, []int{0, 0}, []int{1, 2}}} {
		add(gtOp(fmt.Sprint("MaxPool2D ", c.in, " kernel ", c.k, " pad ", c.pad, " stride ", c.stride), func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x := gl(g, "x", c.in...)
			return must(G.MaxPool2D(x, tensor.Shape(c.k), c.pad, c.stride)), G.Nodes{x}
		}))
	}
	// what has no kernel
	x4 := func(g *G.ExprGraph) *G.Node { return gl(g, "x", 2, 3, 4, 4) }
	for _, shape := range [][]int{{4, 3, 2, 3}, {6, 5}} {
		add(gtOp(fmt.Sprint("BatchNorm ", shape), func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x := gl(g, "x", shape...)
			n, gamma, beta, _, err := G.BatchNorm(x, gl(g, "scale", shape...), gl(g, "bias", shape...), 0.1, 1e-5)
			return must(n, err), G.Nodes{x, gamma, beta}
		}))
	}
	add(gtOp("GlobalAveragePool2D", func(g *G.ExprGraph) (*G.Node, G.Nodes) {
		return must(G.GlobalAveragePool2D(x4(g))), nil
	}))
	for _, by := range []int{1, 2, 3} {
		add(gtOp(fmt.Sprint("Upsample2D ", by), func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x := x4(g)
			return must(G.Upsample2D(x, by)), G.Nodes{x}
		}))
	}
	for _, axis := range []int{0, 1, 2} {
		by := gtOp(fmt.Sprint("ByIndices axis ", axis), func(g *G.ExprGraph) (*G.Node, G.Nodes) {
			x := gl(g, "x", 4, 3, 5)
			index := G.NewVector(g, tensor.Int, G.WithName("index"), G.WithShape(4), G.WithValue(tensor.New(tensor.WithBacking([]int{2, 0, 2, 1}))))
			return must(G.ByIndices(x, index, axis)), G.Nodes{x}
		})
		by.tapeWrong = axis == 1 // of three; see TestIndices
		add(by)
	}
	add(wanting(gtFwd("GroupNorm", func(g *G.ExprGraph) *G.Node {
		return must(G.GroupNorm(gl(g, "x", 2, 4, 3, 3), gl(g, "s", 1, 4, 1, 1), gl(g, "b", 1, 4, 1, 1), 2, 4, 1e-5))
	}), "GroupNormOp"))
	add(gtFwd("Dropout of 0", func(g *G.ExprGraph) *G.Node { return must(G.Dropout(gl(g, "x", 3, 4), 0)) }))
	add(wanting(gtFwd("At", func(g *G.ExprGraph) *G.Node { return must(G.At(gl(g, "x", 3, 4), 1, 2)) }), "atOp"))
	add(wanting(gtFwd("MaxBetween", func(g *G.ExprGraph) *G.Node { return must(G.MaxBetween(gl(g, "x", 3, 4), gl(g, "y", 3, 4))) }), "maxBetween"))
	add(wanting(gtFwd("MinBetween", func(g *G.ExprGraph) *G.Node { return must(G.MinBetween(gl(g, "x", 3, 4), gl(g, "y", 3, 4))) }), "minBetween"))
	add(wanting(gtFwd("DiagFlat", func(g *G.ExprGraph) *G.Node { return must(G.DiagFlat(gl(g, "x", 3))) }), "diagFlatOp"))
	add(wanting(gtFwd("ConvType", func(g *G.ExprGraph) *G.Node { return must(G.ConvType(gl(g, "x", 3), tensor.Float32, tensor.Float64)) }), "float64"))
	add(wanting(gtFwd("CTCLoss", func(g *G.ExprGraph) *G.Node {
		in := func(name string, v []int, s ...int) *G.Node {
			return G.NewTensor(g, tensor.Int, len(s), G.WithName(name), G.WithShape(s...), G.WithValue(tensor.New(tensor.WithShape(s...), tensor.WithBacking(v))))
		}
		return must(G.CTCLoss(gl(g, "x", 4, 1, 3), in("t", []int{1, 2}, 1, 2), in("il", []int{4}, 1), in("tl", []int{2}, 1), G.ReductionMean))
	}), "int"))
	// issues
	add(sourced(gtOp("Mul (2,2)(2,1), sum", func(g *G.ExprGraph) (*G.Node, G.Nodes) {
		x, y := gl(g, "x", 2, 2), gl(g, "y", 2, 1)
		return must(G.Sum(must(G.Mul(x, y)))), G.Nodes{x, y}
	}), "gorgonia #217"))
	add(sourced(gtOp("Mul (1,2)(2,2), sum", func(g *G.ExprGraph) (*G.Node, G.Nodes) {
		x, y := gl(g, "x", 1, 2), gl(g, "y", 2, 2)
		return must(G.Sum(must(G.Mul(x, y)))), G.Nodes{x, y}
	}), "gorgonia #217"))
	add(gtCase{name: "constant vector, repeated runs", source: "gorgonia #182", runs: 4, build: func(g *G.ExprGraph) gtNet {
		x, b := gl(g, "x", 3), gl(g, "b")
		a := G.NewConstant(tensor.New(tensor.WithBacking([]float32{2, 2, 2}), tensor.WithShape(3)))
		return gtNet{cost: must(G.Mul(must(G.Mul(x, a)), b)), wrt: G.Nodes{x}}
	}})
	add(gtCase{name: "the last node is Neg", source: "gorgonia #363", runs: 2, build: func(g *G.ExprGraph) gtNet {
		x, y := gl(g, "x"), gl(g, "y")
		return gtNet{cost: must(G.Neg(must(G.Add(x, y)))), wrt: G.Nodes{x, y}}
	}})
	add(sourced(gtOp("a matrix in two products of two directions", func(g *G.ExprGraph) (*G.Node, G.Nodes) {
		m, a, b := gl(g, "m", 1, 3, 4), gl(g, "a", 1, 4, 1), gl(g, "b", 1, 1, 3)
		p, q := must(G.BatchedMatMul(m, a)), must(G.BatchedMatMul(b, m))
		return must(G.Add(must(G.Sum(p)), must(G.Sum(must(G.Square(q)))))), G.Nodes{m, a, b}
	}), "gorgonia #404"))
	add(sourced(gtOp("vector repeated: a (2) over a (2,3)", func(g *G.ExprGraph) (*G.Node, G.Nodes) {
		a, b := gl(g, "a", 2, 3), gl(g, "b", 3)
		return must(G.BroadcastHadamardProd(a, b, nil, []byte{0})), G.Nodes{a, b}
	}), "gorgonia #432"))
	add(sourced(gtFwd("two values of one register: a², a²+b", func(g *G.ExprGraph) *G.Node {
		a, b := gl(g, "a", 2, 2), gl(g, "b", 2, 2)
		return must(G.Add(must(G.Square(a)), b))
	}), "gorgonia #576"))
	add(sourced(gtOp("Concat (2,2,2)(2,1,2)", func(g *G.ExprGraph) (*G.Node, G.Nodes) {
		x, y := gl(g, "x", 2, 2, 2), gl(g, "y", 2, 1, 2)
		return must(G.Concat(1, x, y)), G.Nodes{x, y}
	}), "gorgonia #341, #218"))
	return list
}

func TestGTOps(t *testing.T) { gtAll(t, gtOpCases()) }
