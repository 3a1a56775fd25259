// Package op has the fused operations that autoencoders are made of, as
// Gorgonia ops with symbolic derivatives. One file an op: its formula, its
// shape rule, its reference in plain Go for float32 and float64, and its
// gradient as a graph of further ops.
//
// Shapes: B batch, I inputs, O outputs, C channels, H,W height and width,
// kH,kW a kernel, P values in one row. Layouts are PyTorch's: linear weights
// (O,I), convolution (O,C,kH,kW), transposed convolution (C,O,kH,kW), images
// NCHW. Losses take row weights (B), 1 for a row and 0 for padding, so that a
// padded batch has the loss and the gradients of the short one.
package op

import (
	"fmt"
	"hash"
	"hash/fnv"
	"io"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Definition says what an op computes. It is a plain value: all its fields
// are parameters of the op, and a VM recognises the op by its type.
type Definition interface {
	fmt.Stringer

	// shape checks the shapes of the inputs and returns the result's.
	shape(in []tensor.Shape) (tensor.Shape, error)

	// do32 and do64 are the reference.
	do32(c call[float32])
	do64(c call[float64])
}

// differentiable is a definition that has a gradient.
type differentiable interface {
	// grads returns the gradient with respect to each input, nil for an
	// input that has none (a target, weights of rows).
	grads(in G.Nodes, out, grad *G.Node) (G.Nodes, error)

	// wrt says which inputs have a gradient.
	wrt() []bool
}

// float is a type that the reference computes in.
type float interface{ float32 | float64 }

// call is one execution: the inputs with their shapes and the zeroed result.
type call[T float] struct {
	in       [][]T
	shape    []tensor.Shape
	out      []T
	outShape tensor.Shape
}

// Op makes a [Definition] a gorgonia.Op and gorgonia.SDOp.
type Op struct {
	Definition
	in  []int // dimensions of each input, 0 for a scalar
	out int
}

var (
	_ G.Op   = (*Op)(nil)
	_ G.SDOp = (*Op)(nil)
)

// apply adds a node to the graph of in after checking shapes.
func apply(d Definition, in ...*G.Node) (*G.Node, error) {
	o := &Op{Definition: d}
	shapes := make([]tensor.Shape, len(in))
	for i, n := range in {
		if n == nil {
			return nil, fmt.Errorf("op: %s: input %d is nil", d, i)
		}
		if n.Graph() != in[0].Graph() {
			return nil, fmt.Errorf("op: %s: %s and %s are nodes of two graphs", d, in[0].Name(), n.Name())
		}
		shapes[i] = n.Shape()
		o.in = append(o.in, len(shapes[i]))
	}
	out, err := d.shape(shapes)
	if err != nil {
		return nil, err
	}
	o.out = len(out)
	return G.ApplyOp(o, in...)
}

// Arity returns the number of inputs.
func (o *Op) Arity() int { return len(o.in) }

// Type returns the op's type: every tensor holds the same kind of float.
func (o *Op) Type() hm.Type {
	a := hm.TypeVariable('a')
	types := make([]hm.Type, 0, len(o.in)+1)
	for _, dims := range append(append([]int{}, o.in...), o.out) {
		if dims == 0 {
			types = append(types, a)
		} else {
			types = append(types, G.TensorType{Dims: dims, Of: a})
		}
	}
	return hm.NewFnType(types...)
}

// InferShape returns the result's shape.
func (o *Op) InferShape(in ...G.DimSizer) (tensor.Shape, error) {
	shapes, err := G.DimSizersToShapes(in)
	if err != nil {
		return nil, fmt.Errorf("op: %s: %w", o, err)
	}
	return o.shape(shapes)
}

// Do computes the op by its reference.
func (o *Op) Do(in ...G.Value) (G.Value, error) {
	if len(in) != len(o.in) {
		return nil, fmt.Errorf("op: %s: want %d inputs, got %d", o, len(o.in), len(in))
	}
	switch dt := in[0].Dtype(); dt {
	case tensor.Float32:
		return run(o, in, o.do32, func(v float32) G.Value { return G.NewF32(v) })
	case tensor.Float64:
		return run(o, in, o.do64, func(v float64) G.Value { return G.NewF64(v) })
	default:
		return nil, fmt.Errorf("op: %s: want float32 or float64, got %v", o, dt)
	}
}

func run[T float](o *Op, in []G.Value, do func(call[T]), scalar func(T) G.Value) (G.Value, error) {
	c := call[T]{in: make([][]T, len(in)), shape: make([]tensor.Shape, len(in))}
	for i, v := range in {
		c.shape[i] = v.Shape()
		var ok bool
		if c.in[i], ok = Values[T](v); !ok {
			return nil, fmt.Errorf("op: %s: input %d: want %T, got %T", o, i, c.in[0], v.Data())
		}
	}
	var err error
	if c.outShape, err = o.shape(c.shape); err != nil {
		return nil, err
	}
	c.out = make([]T, c.outShape.TotalSize())
	if o.out == 0 {
		c.out = make([]T, 1)
		do(c)
		return scalar(c.out[0]), nil
	}
	do(c)
	return tensor.New(tensor.WithShape(c.outShape...), tensor.WithBacking(c.out)), nil
}

// DiffWRT says which inputs have a gradient.
func (o *Op) DiffWRT(inputs int) []bool {
	if d, ok := o.Definition.(differentiable); ok {
		return d.wrt()
	}
	return make([]bool, inputs)
}

// SymDiff adds the gradients to the graph.
func (o *Op) SymDiff(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
	d, ok := o.Definition.(differentiable)
	if !ok {
		return nil, fmt.Errorf("op: %s has no derivative", o)
	}
	return d.grads(in, out, grad)
}

// DoDiff is what Gorgonia's lisp machine takes a gradient by, and an error: the
// derivatives of these ops are graphs, by gorgonia.Grad.
func (o *Op) DoDiff(G.ExecutionContext, G.Nodes, *G.Node) error {
	return fmt.Errorf("op: %s: no gradient on a lisp machine; take it by gorgonia.Grad, and run the graph on a tape machine or a VM of a GPU", o)
}

// ReturnsPtr says that the result is fresh memory.
func (o *Op) ReturnsPtr() bool { return true }

// CallsExtern says that no foreign code is called.
func (o *Op) CallsExtern() bool { return false }

// OverwritesInput says that no input is overwritten.
func (o *Op) OverwritesInput() int { return -1 }

// WriteHash writes the definition with all its parameters: Gorgonia's common
// subexpressions compare hashes and nothing else.
func (o *Op) WriteHash(h hash.Hash) { _, _ = io.WriteString(h, o.signature()) }

// Hashcode is the FNV-1a hash of the definition.
func (o *Op) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

func (o *Op) signature() string {
	return fmt.Sprintf("%T%#v%v", o.Definition, o.Definition, o.in)
}

// shapeError says what a shape rule wanted.
func shapeError(d Definition, want string, in []tensor.Shape) error {
	got := make([]string, len(in))
	for i, s := range in {
		got[i] = fmt.Sprint(s)
	}
	return fmt.Errorf("op: %s: want %s, got %v", d, want, got)
}
