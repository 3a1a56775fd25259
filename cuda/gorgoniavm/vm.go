//go:build !cpu

package gorgoniavm

import (
	"errors"
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/cuda/driver"
	"aegis/cuda/internal/gpu"
)

// fakeBase is an address for plans that are only measured.
const fakeBase driver.DevicePtr = 1 << 20

// VM runs any expression graph of float32 on a GPU; it is a gorgonia.VM. It
// needs no other VM and no cgo: build the graph, take its gradients with
// gorgonia.Grad, and run it here instead of on a tape machine.
//
// RunAll sends the values of all leaves, runs the graph as one CUDA graph, and
// brings back what was asked for: results that no other node reads, the
// gradients of leaves (so that Node.Grad, and with it Gorgonia's solvers,
// work), what gorgonia.Read reads, and the nodes given to New. Their values
// are overwritten by the next RunAll.
type VM struct {
	gpu     *gpu.Context
	calls   []gpu.Call
	graph   *gpu.Graph // of calls, from the second run on
	runs    int
	leaves  []transfer
	results []transfer
	reads   []read
}

// transfer is a node whose value crosses the bus.
type transfer struct {
	node   *G.Node
	ptr    driver.DevicePtr
	floats []float32
	value  G.Value // of a result: a tensor that holds floats; nil for a scalar
}

// read is a gorgonia.Read.
type read struct {
	node *G.Node
	into *G.Value
}

var _ G.VM = (*VM)(nil)

// New prepares a graph. An op without a kernel, or values that are not
// float32, are an error that names the node. Besides the results that VM names
// it brings back the values of some more nodes.
func New(g *G.ExprGraph, opt Options, more ...*G.Node) (*VM, error) {
	order, err := sorted(g)
	if err != nil {
		return nil, err
	}
	measured, err := lower(g, order, fakeBase)
	if err != nil {
		return nil, err
	}
	d, device, err := gpu.Choose(opt)
	if err != nil {
		return nil, err
	}
	vm := &VM{}
	if vm.gpu, err = gpu.Open(d, device); err != nil {
		return nil, err
	}
	err = vm.gpu.Do("a graph", func() error { return vm.prepare(g, order, more, 4*int64(measured.floats)) })
	if err != nil {
		_ = vm.gpu.Close() // err says what happened
		return nil, err
	}
	return vm, nil
}

// sorted returns a graph's nodes, each behind those that it reads.
func sorted(g *G.ExprGraph) ([]*G.Node, error) {
	order, err := G.Sort(g)
	if err != nil {
		return nil, fmt.Errorf("gorgoniavm: graph: %w", err)
	}
	nodes := slices.Clone([]*G.Node(order))
	slices.Reverse(nodes)
	return nodes, nil
}

// lower turns nodes into gpu.Operations on memory at an address.
func lower(g *G.ExprGraph, order []*G.Node, base driver.DevicePtr) (*lowering, error) {
	l := &lowering{graph: g, base: base, at: make(map[*G.Node]driver.DevicePtr)}
	for _, n := range order {
		before := len(l.list)
		err := l.node(n)
		for _, o := range l.list[before:] {
			if err == nil {
				_, err = o.Launches()
			}
		}
		if err != nil {
			return nil, fmt.Errorf("gorgoniavm: node %q: %w", n.Name(), err)
		}
	}
	return l, nil
}

// prepare puts a graph on the device.
func (vm *VM) prepare(g *G.ExprGraph, order, more []*G.Node, bytes int64) error {
	base, err := vm.gpu.Alloc(bytes)
	if err != nil {
		return vm.gpu.OutOfMemory(err, fmt.Sprintf("the graph needs %s, and %s are free; use a smaller batch",
			gpu.FormatBytes(bytes), gpu.FormatBytes(vm.gpu.Available)))
	}
	l, err := lower(g, order, base)
	if err != nil {
		return err
	}
	for _, c := range l.consts {
		if err := gpu.First(gpu.Upload(vm.gpu, c.ptr, c.floats), gpu.Upload(vm.gpu, c.ptr, c.block)); err != nil {
			return err
		}
	}
	for _, n := range l.leaves {
		vm.leaves = append(vm.leaves, transfer{node: n, ptr: l.at[n]})
	}
	if err := vm.want(g, l, order, more); err != nil {
		return err
	}
	vm.calls, err = gpu.NewModules(vm.gpu, ptx).Calls(l.list)
	return err
}

// want lists the results.
func (vm *VM) want(g *G.ExprGraph, l *lowering, order, more []*G.Node) error {
	nodes := slices.Clone(more)
	for _, n := range order {
		switch {
		case isRead(n):
			r, err := readOf(g, n)
			if err != nil {
				return fmt.Errorf("gorgoniavm: node %q: %w", n.Name(), err)
			}
			vm.reads = append(vm.reads, r)
			nodes = append(nodes, r.node)
		case n.Op() != nil && g.To(n.ID()).Len() == 0:
			nodes = append(nodes, n)
		case n.Op() == nil && n.Deriv() != nil:
			nodes = append(nodes, n.Deriv())
		}
	}
	seen := make(map[*G.Node]bool)
	for _, n := range nodes {
		ptr, ok := l.at[n]
		if !ok {
			return fmt.Errorf("gorgoniavm: node %q is not in the graph", n.Name())
		}
		if seen[n] || n.Op() == nil {
			continue
		}
		seen[n] = true
		t := transfer{node: n, ptr: ptr, floats: make([]float32, size(n.Shape()))}
		if n.Shape().Dims() > 0 {
			t.value = tensor.New(tensor.WithShape(n.Shape()...), tensor.WithBacking(t.floats))
		}
		vm.results = append(vm.results, t)
	}
	return nil
}

// readOf is what a gorgonia.Read reads, and where to.
func readOf(g *G.ExprGraph, n *G.Node) (read, error) {
	f := fieldsOf(n.Op())
	child := g.From(n.ID())
	child.Next()
	r := read{node: child.Node().(*G.Node), into: f.value("into")}
	if f.err == nil && r.into == nil {
		f.err = errors.New("gorgonia.Read has nowhere to put the value")
	}
	return r, f.err
}

// RunAll runs the graph.
func (vm *VM) RunAll() error {
	return vm.gpu.Do("a graph", func() error {
		for _, leaf := range vm.leaves {
			if err := vm.send(leaf); err != nil {
				return err
			}
		}
		if err := vm.launch(); err != nil {
			return err
		}
		return vm.finish()
	})
}

// send sends a leaf's present value.
func (vm *VM) send(leaf transfer) error {
	v := leaf.node.Value()
	if v == nil {
		return fmt.Errorf("gorgoniavm: node %q has no value; use gorgonia.Let or gorgonia.WithValue", leaf.node.Name())
	}
	data, err := floatsOf(v)
	if err != nil {
		return fmt.Errorf("gorgoniavm: node %q: %w", leaf.node.Name(), err)
	}
	if want := size(leaf.node.Shape()); len(data) != want {
		return fmt.Errorf("gorgoniavm: node %q has %d values; want %d for shape %v", leaf.node.Name(), len(data), want, leaf.node.Shape())
	}
	return gpu.Upload(vm.gpu, leaf.ptr, data)
}

// launch queues the graph's work: the first time kernel by kernel, since a
// driver may load kernels only then, later as one CUDA graph.
func (vm *VM) launch() error {
	vm.runs++
	if vm.runs == 1 {
		return vm.gpu.Queue(vm.calls)
	}
	if vm.graph == nil {
		var err error
		if vm.graph, err = vm.gpu.Capture(vm.calls); err != nil {
			return vm.gpu.OutOfMemory(err, fmt.Sprintf("want a CUDA graph of %d launches there; free some memory or use a smaller batch", len(vm.calls)))
		}
	}
	return vm.gpu.Replay(vm.graph)
}

// finish brings the results back.
func (vm *VM) finish() error {
	for _, r := range vm.results {
		if err := gpu.Download(vm.gpu, r.floats, r.ptr); err != nil {
			return err
		}
		var v G.Value = G.NewF32(r.floats[0])
		if r.value != nil {
			v = r.value
		}
		if err := G.UnsafeLet(r.node, v); err != nil {
			return fmt.Errorf("gorgoniavm: node %q: %w", r.node.Name(), err)
		}
	}
	for _, r := range vm.reads {
		*r.into = r.node.Value()
	}
	return nil
}

// Reset does nothing: a run leaves no state behind.
func (vm *VM) Reset() {}

// Close frees everything on the device.
func (vm *VM) Close() error { return vm.gpu.Close() }

// floatsOf returns a value's floats in row-major order.
func floatsOf(v G.Value) ([]float32, error) {
	if t, ok := v.(*tensor.Dense); ok {
		if t.DataOrder().IsColMajor() {
			return nil, errors.New("want a tensor in row-major order, got column-major")
		}
		if t.RequiresIterator() {
			v = t.Materialize().(*tensor.Dense)
		}
	}
	switch data := v.Data().(type) {
	case []float32:
		return data, nil
	case float32:
		return []float32{data}, nil
	}
	return nil, fmt.Errorf("want values of float32, got %T", v.Data())
}
