//go:build !cpu

package cuda

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/cuda/driver"
	"aegis/cuda/kernels"
	"aegis/model/program"
)

// lowering turns a graph's nodes into operations. It runs twice: first to
// learn how much memory that takes, then with the memory's address. Nothing
// else in this package knows Gorgonia's ops, whose types it does not export.
type lowering struct {
	graph  *G.ExprGraph
	base   driver.DevicePtr
	floats int // taken so far
	at     map[*G.Node]driver.DevicePtr
	list   []operation
	consts []constant
	leaves []*G.Node
}

// constant is what is written to the device once.
type constant struct {
	ptr    driver.DevicePtr
	floats []float32
	block  []byte // instead of floats: a step block
}

// take takes memory for some values, aligned to 256 bytes.
func (l *lowering) take(floats int) driver.DevicePtr {
	at := l.base + driver.DevicePtr(4*l.floats)
	l.floats += (floats + alignment - 1) / alignment * alignment
	return at
}

// node lowers one node; those that it reads come before it.
func (l *lowering) node(n *G.Node) error {
	op := n.Op()
	if op == nil {
		if n.Dtype() != tensor.Float32 {
			return fmt.Errorf("its values are %v; want float32", n.Dtype())
		}
		l.at[n] = l.take(program.Size(n.Shape()))
		l.leaves = append(l.leaves, n)
		return nil
	}
	var in []*G.Node
	for it := l.graph.From(n.ID()); it.Next(); {
		in = append(in, it.Node().(*G.Node))
	}
	name := opName(op)
	if readInto(n) != nil {
		return nil // see VM.finish
	}
	if c, ok := op.(interface{ Value() G.Value }); ok && len(in) == 0 {
		return l.constant(n, c.Value())
	}
	if n.Dtype() != tensor.Float32 {
		return fmt.Errorf("its values are %v; want float32", n.Dtype())
	}
	if name == "gorgonia.reshapeOp" {
		l.at[n] = l.at[in[0]]
		return nil
	}
	if name == "gorgonia.sizeOp" {
		return l.sizeOf(n, in[0])
	}
	lower, ok := map[string]func(*G.Node, []*G.Node) error{
		"gorgonia.elemUnaryOp": l.unary, "gorgonia.elemBinOp": l.binary, "gorgonia.linAlgBinOp": l.product,
		"gorgonia.sumOp": l.fold, "gorgonia.maxOp": l.fold, "gorgonia.repeatOp": l.repeat, "gorgonia.transposeOp": l.transpose,
		"gorgonia.sliceOp": l.slice, "gorgonia.sliceIncrOp": l.slice, "gorgonia.concatOp": l.concat,
		"gorgonia.im2colOp": l.im2col, "gorgonia.col2imOp": l.im2col,
		"gorgonia.maxPoolOp": l.maxPool, "gorgonia.maxPoolDiffOp": l.maxPool,
		"gorgonia.softmaxOp": l.softmax, "gorgonia.softmaxDiffOp": l.softmaxGrad,
	}[name]
	if !ok {
		return fmt.Errorf("no kernel for op %s %v", name, op)
	}
	l.at[n] = l.take(program.Size(n.Shape()))
	return lower(n, in)
}

// field reads a number or numbers in an unexported field of an op.
func field(op G.Op, name string) reflect.Value {
	v := reflect.Indirect(reflect.ValueOf(op))
	return v.FieldByName(name)
}

func fieldInt(op G.Op, name string) int { return int(field(op, name).Int()) }

func fieldInts(op G.Op, name string) []int {
	v := field(op, name)
	list := make([]int, v.Len())
	for i := range list {
		list[i] = int(v.Index(i).Int())
	}
	return list
}

// readInto is where a gorgonia.Read puts its value; nil for other nodes.
func readInto(n *G.Node) *G.Value {
	if n.Op() == nil || opName(n.Op()) != "gorgonia.readOp" {
		return nil
	}
	return (*G.Value)(field(n.Op(), "into").UnsafePointer())
}

// opName is an op's type, whether or not it is a pointer.
func opName(op G.Op) string { return strings.TrimPrefix(fmt.Sprintf("%T", op), "*") }

func (l *lowering) do(o operation) { l.list = append(l.list, o) }

// flat is all values of a node as one axis.
func (l *lowering) flat(n *G.Node) (view, []int) {
	shape := []int{program.Size(n.Shape())}
	return whole(l.at[n], shape), shape
}

func (l *lowering) constant(n *G.Node, v G.Value) error {
	data, err := floatsOf(v)
	if err != nil {
		return err
	}
	l.at[n] = l.take(len(data))
	l.consts = append(l.consts, constant{ptr: l.at[n], floats: data})
	return nil
}

// sizeOf is known before anything runs.
func (l *lowering) sizeOf(n, x *G.Node) error {
	size := 1
	if axis := fieldInt(n.Op(), "axis"); axis < x.Shape().Dims() {
		size = x.Shape()[axis]
	}
	l.at[n] = l.take(1)
	l.consts = append(l.consts, constant{ptr: l.at[n], floats: []float32{float32(size)}})
	return nil
}

func (l *lowering) unary(n *G.Node, in []*G.Node) error {
	y, shape := l.flat(n)
	a, _ := l.flat(in[0])
	m := mapping{function: fmt.Sprint(n.Op()), shape: shape, y: y, a: a}
	l.do(m)
	_, err := function(m.function)
	return err
}

// binary is of two tensors of one size, or of a tensor and a scalar.
func (l *lowering) binary(n *G.Node, in []*G.Node) error {
	y, shape := l.flat(n)
	m := mapping{function: strings.Fields(fmt.Sprint(n.Op()))[0], shape: shape, y: y}
	for i, v := range []*view{&m.a, &m.b} {
		switch x := in[i]; program.Size(x.Shape()) {
		case shape[0]:
			*v = whole(l.at[x], shape)
		case 1:
			*v = repeated(l.at[x], shape)
		default:
			return fmt.Errorf("operand %d has shape %v; want %v or a scalar", i, x.Shape(), n.Shape())
		}
	}
	l.do(m)
	_, err := function(m.function)
	return err
}

// fold is a sum or a maximum along axes.
func (l *lowering) fold(n *G.Node, in []*G.Node) error {
	along := fieldInts(n.Op(), "along")
	l.foldAxes(l.at[n], whole(l.at[in[0]], in[0].Shape()), in[0].Shape(), along, strings.HasPrefix(fmt.Sprint(n.Op()), "Max"))
	return nil
}

// foldAxes folds a view along some of its axes.
func (l *lowering) foldAxes(y driver.DevicePtr, x view, shape, along []int, most bool) {
	f := folding{most: most, y: y, a: view{ptr: x.ptr}}
	var inner []int
	for i, d := range shape {
		if slices.Contains(along, i) {
			f.inner = append(f.inner, d)
			inner = append(inner, x.strides[i])
		} else {
			f.outer = append(f.outer, d)
			f.a.strides = append(f.a.strides, x.strides[i])
		}
	}
	f.a.strides = append(f.a.strides, inner...)
	l.do(f)
}

// repeat writes each value along an axis several times.
func (l *lowering) repeat(n *G.Node, in []*G.Node) error {
	from, to := slices.Clone([]int(in[0].Shape())), n.Shape()
	for len(from) < len(to) {
		from = append(from, 1)
	}
	if len(from) > len(to) {
		return fmt.Errorf("cannot repeat %v to %v", from, to)
	}
	strides := rowMajor(from)
	m := mapping{function: "copy", a: view{ptr: l.at[in[0]]}}
	for i, d := range from { // each axis is its values, and how often each of them comes
		if to[i]%d != 0 {
			return fmt.Errorf("cannot repeat %v to %v", in[0].Shape(), to)
		}
		m.shape = append(m.shape, d)
		m.a.strides = append(m.a.strides, strides[i])
		if to[i] != d {
			m.shape = append(m.shape, to[i]/d)
			m.a.strides = append(m.a.strides, 0)
		}
	}
	m.y = whole(l.at[n], m.shape)
	l.do(m)
	return nil
}

func (l *lowering) transpose(n *G.Node, in []*G.Node) error {
	x := whole(l.at[in[0]], in[0].Shape())
	m := mapping{function: "copy", shape: n.Shape(), y: whole(l.at[n], n.Shape()), a: view{ptr: x.ptr}}
	for _, axis := range fieldInts(n.Op(), "pattern") {
		m.a.strides = append(m.a.strides, x.strides[axis])
	}
	l.do(m)
	return nil
}

// slice reads a part along one axis, or writes it into zeros.
func (l *lowering) slice(n *G.Node, in []*G.Node) error {
	op, ok := n.Op().(interface{ IsSlice() tensor.Slice })
	if !ok {
		return fmt.Errorf("op %T says no slice", n.Op())
	}
	shape := slices.Clone([]int(in[0].Shape()))
	v := reflect.ValueOf(n.Op())
	if v.Kind() == reflect.Struct { // sliceIncrOp holds its sliceOp
		v = v.Field(0)
	}
	along := int(v.Elem().FieldByName("along").Int())
	part := whole(l.at[in[0]], shape)
	if len(in) == 2 {
		part.ptr = l.at[n]
	}
	if s := op.IsSlice(); s != nil {
		step := max(1, s.Step())
		start, end := s.Start(), min(s.End(), shape[along])
		if start < 0 || start >= end {
			return fmt.Errorf("slice %d to %d of %v along axis %d", s.Start(), s.End(), in[0].Shape(), along)
		}
		part = part.from(start * part.strides[along])
		shape[along], part.strides[along] = (end-start+step-1)/step, part.strides[along]*step
	}
	if len(in) == 1 {
		l.do(mapping{function: "copy", shape: shape, y: whole(l.at[n], shape), a: part})
		return nil
	}
	y, all := l.flat(n)
	l.do(mapping{function: "fill", shape: all, y: y})
	x := whole(l.at[in[1]], shape)
	if program.Size(in[1].Shape()) == 1 {
		x = repeated(l.at[in[1]], shape)
	}
	l.do(mapping{function: "copy", shape: shape, y: part, a: x})
	return nil
}

func (l *lowering) concat(n *G.Node, in []*G.Node) error {
	axis := fieldInt(n.Op(), "axis")
	y, done := whole(l.at[n], n.Shape()), 0
	for _, x := range in {
		l.do(mapping{
			function: "copy", shape: x.Shape(), y: y.from(done * y.strides[axis]), a: whole(l.at[x], x.Shape()),
		})
		done += x.Shape()[axis]
	}
	return nil
}

// im2col is the patches of an image, or their gradient by the image.
func (l *lowering) im2col(n *G.Node, in []*G.Node) error {
	op, kernel := n.Op(), "im2col"
	image, patches := in[0].Shape(), n.Shape()
	if opName(op) == "gorgonia.col2imOp" {
		kernel, image, patches = "col2im", patches, image
	}
	sizes := []int{image[1], image[2], image[3], patches[1], patches[2]}
	for _, name := range []string{"h", "w", "padH", "padW", "strideH", "strideW", "dilationH", "dilationW"} {
		sizes = append(sizes, fieldInt(op, name))
	}
	l.do(plain{kernel: kernel, n: program.Size(n.Shape()), ptrs: []driver.DevicePtr{l.at[n], l.at[in[0]]}, sizes: sizes})
	return nil
}

func (l *lowering) maxPool(n *G.Node, in []*G.Node) error {
	op, kernel := n.Op(), "maxpool"
	image, pooled := in[0].Shape(), n.Shape()
	ptrs := []driver.DevicePtr{l.at[n], l.at[in[0]]}
	if len(in) == 3 { // input, output and the gradient by the output
		kernel, pooled = "maxpool_grad", in[1].Shape()
		ptrs = append(ptrs, l.at[in[2]])
	}
	sizes := []int{image[2], image[3], pooled[2], pooled[3]}
	pads := []string{"padNorth", "padWest"}
	if field(op, "explicitPadding").Bool() { // as Gorgonia has it
		pads = []string{"padSouth", "padEast"}
	}
	for _, name := range append(append([]string{"h", "w"}, pads...), "strideH", "strideW") {
		sizes = append(sizes, fieldInt(op, name))
	}
	l.do(plain{kernel: kernel, n: program.Size(n.Shape()), ptrs: ptrs, sizes: sizes})
	return nil
}

// softening is what softmax and its gradient have in common.
type softening struct {
	l     *lowering
	shape []int
	axis  int
	log   bool
}

// newSoftening reads a softmaxOp.
func (l *lowering) newSoftening(op reflect.Value, shape []int) softening {
	s := softening{l: l, shape: shape, axis: int(op.FieldByName("axis").Int()), log: op.FieldByName("isLog").Bool()}
	if s.axis < 0 {
		s.axis = len(shape) - 1
	}
	return s
}

// fold is the sum or the maximum along the axis, repeated along it.
func (s softening) fold(x view, most bool) view {
	small := slices.Clone(s.shape)
	small[s.axis] = 1
	v := whole(s.l.take(program.Size(small)), small)
	v.strides[s.axis] = 0
	s.l.foldAxes(v.ptr, x, s.shape, []int{s.axis}, most)
	return v
}

// of is a function in memory of its own: no kernel may write what it reads.
func (s softening) of(function string, a, b view) view {
	y := whole(s.l.take(program.Size(s.shape)), s.shape)
	s.into(y, function, a, b)
	return y
}

func (s softening) into(y view, function string, a, b view) {
	s.l.do(mapping{function: function, shape: s.shape, y: y, a: a, b: b})
}

// softmax is exp(x − max) over its sum, or the logarithm of that.
func (l *lowering) softmax(n *G.Node, in []*G.Node) error {
	s := l.newSoftening(reflect.ValueOf(n.Op()).Elem(), n.Shape())
	x, y := whole(l.at[in[0]], s.shape), whole(l.at[n], s.shape)
	below := s.of("-", x, s.fold(x, true))
	exp := s.of("exp", below, view{})
	sum := s.fold(exp, false)
	if s.log {
		s.into(y, "-", below, s.of("ln", sum, view{}))
	} else {
		s.into(y, "÷", exp, sum)
	}
	return nil
}

// softmaxGrad is y·(g − Σ g·y), or of the logarithm g − exp(y)·Σ g.
func (l *lowering) softmaxGrad(n *G.Node, in []*G.Node) error {
	s := l.newSoftening(reflect.ValueOf(n.Op()).Elem().Field(0).Elem(), n.Shape())
	y, g, dx := whole(l.at[in[1]], s.shape), whole(l.at[in[2]], s.shape), whole(l.at[n], s.shape)
	if s.log {
		s.into(dx, "-", g, s.of("⊙", s.of("exp", y, view{}), s.fold(g, false)))
	} else {
		s.into(dx, "⊙", s.of("-", g, s.fold(s.of("⊙", g, y), false)), y)
	}
	return nil
}

// matrix is an operand of a product: rows × cols, read as its transpose where
// the op says so.
type matrix struct {
	ptr        driver.DevicePtr
	rows, cols int
	transposed bool
}

// product is any of Gorgonia's products.
func (l *lowering) product(n *G.Node, in []*G.Node) error {
	text := fmt.Sprint(n.Op())
	kind := strings.Fields(text)[1]
	transA, transB := field(n.Op(), "transA").Bool(), field(n.Op(), "transB").Bool()
	a, b := in[0].Shape(), in[1].Shape()
	pa, pb, y := l.at[in[0]], l.at[in[1]], l.at[n]
	size := program.Size
	switch {
	case kind == "⋅":
		return l.multiply(y, matrix{ptr: pa, rows: 1, cols: size(a)}, matrix{ptr: pb, rows: size(b), cols: 1})
	case kind == "⊗":
		return l.multiply(y, matrix{ptr: pa, rows: size(a), cols: 1}, matrix{ptr: pb, rows: 1, cols: size(b)})
	case kind == "×" && strings.HasSuffix(text, "b"): // a vector
		return l.multiply(y, matrix{pa, a[0], a[1], transA}, matrix{ptr: pb, rows: size(b), cols: 1})
	case kind == "×" && len(a) == 2 && len(b) == 2:
		return l.multiply(y, matrix{pa, a[0], a[1], transA}, matrix{pb, b[0], b[1], transB})
	case kind == "×××" && len(a) == len(b) && len(a) > 2:
		d := len(a)
		one := [3]int{a[d-2] * a[d-1], b[d-2] * b[d-1], n.Shape()[d-2] * n.Shape()[d-1]}
		for i := range size(a[:d-2]) {
			at := func(p driver.DevicePtr, k int) driver.DevicePtr { return p + driver.DevicePtr(4*i*one[k]) }
			err := l.multiply(at(y, 2), matrix{at(pa, 0), a[d-2], a[d-1], transA}, matrix{at(pb, 1), b[d-2], b[d-1], transB})
			if err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("no kernel for %s of %v and %v", text, a, b)
}

// multiply is y = A·B by the three products of package kernels.
func (l *lowering) multiply(y driver.DevicePtr, a, b matrix) error {
	if a.transposed && b.transposed { // (B·A)ᵀ
		t := l.take(a.cols * b.rows)
		if err := l.multiply(t, matrix{b.ptr, b.rows, b.cols, false}, matrix{a.ptr, a.rows, a.cols, false}); err != nil {
			return err
		}
		shape := []int{a.cols, b.rows}
		l.do(mapping{function: "copy", shape: shape, y: whole(y, shape), a: view{ptr: t, strides: []int{1, a.cols}}})
		return nil
	}
	rows := a.rows
	step := l.take(kernels.StepSize / 4)
	block := kernels.StepBlock(uint32(rows), 0, uint32(rows), 0)
	l.consts = append(l.consts, constant{ptr: step, block: slices.Clone(words(&block))})
	batch := kernels.Batch{Rows: rows, Step: step}
	inner := a.cols
	if a.transposed {
		inner = a.rows
	}
	other := b.rows
	if b.transposed {
		other = b.cols
	}
	if inner != other {
		return fmt.Errorf("a product over %d and %d values", inner, other)
	}
	switch {
	case a.transposed:
		p := kernels.LinearDW{
			Batch: batch, In: b.cols, Out: a.cols, DZ: a.ptr, X: b.ptr,
			W: kernels.Target{Grad: y}, B: kernels.Target{Grad: l.take(a.cols)},
		}
		p.Scratch = l.take(p.ScratchFloats())
		l.do(p)
	case b.transposed:
		l.do(kernels.Linear{Batch: batch, In: a.cols, Out: b.rows, X: a.ptr, W: b.ptr, Y: y})
	default:
		l.do(kernels.LinearDX{Batch: batch, In: b.cols, Out: a.cols, DZ: a.ptr, W: b.ptr, DX: y})
	}
	return nil
}
