//go:build !cpu

package gorgoniavm

import (
	"errors"
	"fmt"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/cuda/driver"
	"aegis/cuda/internal/gpu"
)

// lowering turns a graph's nodes into gpu.Operations. It runs twice: first to
// learn how much memory that takes, then with the memory's address. Nothing
// else in this package knows Gorgonia's ops, whose types it does not export.
type lowering struct {
	order  *order
	base   driver.DevicePtr
	seed   *uint64
	floats int // taken so far
	at     map[*G.Node]driver.DevicePtr
	list   []gpu.Operation
	consts []constant
	leaves []*G.Node
	givens []given
	stats  []stats
	// changed say that what a node was lowered by is another thing now: a slice, or
	// whether it trains.
	changed []func() bool

	masks   map[uintptr]driver.DevicePtr // of dropout, by its op
	moments map[momentKey]moments
}

// given is values that the host gives before each run.
type given struct {
	ptr    driver.DevicePtr
	floats []float32
	fill   func(run uint32, floats []float32) error
}

// constant is what is written to the device once.
type constant struct {
	ptr    driver.DevicePtr
	floats []float32
	block  []uint32 // instead of floats: a step block
}

// take takes memory for some values, aligned to 256 bytes.
func (l *lowering) take(floats int) driver.DevicePtr {
	at := l.base + driver.DevicePtr(4*l.floats)
	l.floats += gpu.Align(floats)
	return at
}

// safely lowers one node. What Gorgonia says by a panic, as of a node without a type,
// is an error.
func (l *lowering) safely(n *G.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("op %s: %v", opName(n.Op()), r)
		}
	}()
	return l.node(n)
}

// node lowers one node; those that it reads come before it.
func (l *lowering) node(n *G.Node) error {
	op := n.Op()
	if op == nil {
		if n.Dtype() == tensor.Int && l.indices(n) {
			return nil // see byIndices
		}
		if n.Dtype() != tensor.Float32 {
			return fmt.Errorf("its values are %v; want float32", n.Dtype())
		}
		l.at[n] = l.take(size(n.Shape()))
		l.leaves = append(l.leaves, n)
		return nil
	}
	in, name := []*G.Node(l.order.children[n]), opName(op)
	if name == "gorgonia.letOp" {
		return errors.New("no kernel for op gorgonia.letOp, which gorgonia.Set adds; give a leaf its value by gorgonia.Let")
	}
	if isRead(n) {
		return nil // see VM.finish
	}
	if c, ok := op.(interface{ Value() G.Value }); ok && len(in) == 0 {
		return l.constant(n, c.Value())
	}
	if truths := n.Dtype() == tensor.Bool && name == "gorgonia.elemBinOp"; n.Dtype() != tensor.Float32 && !truths {
		return fmt.Errorf("its values are %v; want float32", n.Dtype())
	}
	if name == "gorgonia.reshapeOp" {
		l.at[n] = l.at[in[0]]
		return nil
	}
	if name == "gorgonia.sizeOp" {
		return l.sizeOf(n, in[0])
	}
	lower, ok := l.ops()[name]
	if !ok {
		return fmt.Errorf("no kernel for op %s %v", name, op)
	}
	l.at[n] = l.take(size(n.Shape()))
	return lower(n, in)
}

// ops are the ops that have memory of their own, and what lowers them.
func (l *lowering) ops() map[string]func(n *G.Node, in []*G.Node) error {
	return map[string]func(*G.Node, []*G.Node) error{
		"gorgonia.elemUnaryOp": l.unary, "gorgonia.elemBinOp": l.binary, "gorgonia.linAlgBinOp": l.product,
		"gorgonia.sumOp": l.sum, "gorgonia.maxOp": l.max, "gorgonia.repeatOp": l.repeat, "gorgonia.transposeOp": l.transpose,
		"gorgonia.sliceOp": l.slice, "gorgonia.sliceIncrOp": l.slice, "gorgonia.concatOp": l.concat,
		"gorgonia.im2colOp": l.im2col, "gorgonia.col2imOp": l.im2col,
		"gorgonia.maxPoolOp": l.maxPool, "gorgonia.maxPoolDiffOp": l.maxPool,
		"gorgonia.softmaxOp": l.softmax, "gorgonia.softmaxDiffOp": l.softmaxGrad,
		"gorgonia.dropoutOp": l.dropout, "gorgonia.dropoutDiffOp": l.dropout, "gorgonia.randomOp": l.random,
		"gorgonia.BatchNormOp": l.batchNorm, "gorgonia.batchnormDiffOp": l.batchNormGrad,
		"gorgonia.byIndicesOp": l.byIndices, "gorgonia.byIndicesOpDiffOp": l.byIndices,
		"gorgonia.globalAveragePoolOp": l.globalAverage, "gorgonia.avgPoolOp": l.average, "gorgonia.avgPoolDiffOp": l.averageGrad,
		"gorgonia.upsampleOp": l.upsample, "gorgonia.upsampleDiffOp": l.upsampleGrad,
	}
}

// isRead says whether a node is a gorgonia.Read.
func isRead(n *G.Node) bool { return n.Op() != nil && opName(n.Op()) == "gorgonia.readOp" }

// opName is an op's type, whether or not it is a pointer.
func opName(op G.Op) string { return strings.TrimPrefix(fmt.Sprintf("%T", op), "*") }

func (l *lowering) do(o gpu.Operation) { l.list = append(l.list, o) }

// scalar is a number in memory.
func (l *lowering) scalar(v float32) driver.DevicePtr {
	ptr := l.take(1)
	l.consts = append(l.consts, constant{ptr: ptr, floats: []float32{v}})
	return ptr
}

// given adds values that the host gives before each run.
func (l *lowering) given(n int, fill func(run uint32, floats []float32) error) driver.DevicePtr {
	ptr := l.take(n)
	l.givens = append(l.givens, given{ptr, make([]float32, n), fill})
	return ptr
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
	size, f := 1, fieldsOf(n.Op())
	if axis := f.int("axis"); axis < x.Shape().Dims() {
		size = x.Shape()[axis]
	}
	l.at[n] = l.take(1)
	l.consts = append(l.consts, constant{ptr: l.at[n], floats: []float32{float32(size)}})
	return f.err
}

// size is the number of values in a shape.
func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
