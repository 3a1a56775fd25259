//go:build !cpu

package gorgoniavm

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"unsafe"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/cuda/driver"
	"aegis/cuda/internal/gpu"
	"aegis/model/op"
)

// fakeBase is an address for plans that are only measured.
const fakeBase driver.DevicePtr = 1 << 20

// VM runs any expression graph of float32 on a GPU; it is a gorgonia.VM. It
// needs no other VM and no cgo: build the graph, take its gradients with
// gorgonia.Grad, and run it here instead of on a tape machine.
//
// RunAll sends the values of leaves that are not there already, runs the graph as
// one CUDA graph, and brings back what was asked for: results that no other node
// reads, scalars that gradients were taken of, the gradients of leaves (so that
// Node.Grad, and with it Gorgonia's solvers, work), what gorgonia.Read reads, and
// the nodes given to New. Values of nodes are overwritten by the next RunAll; what
// Read gives is a copy.
//
// A leaf has a gradient of its own. As on a tape machine with BindDualValues, each
// run adds to it: solvers make it 0 when they have used it, and who does without
// one does so too. A leaf that has another gradient than this VM's, of a tape
// machine, of another VM or by WithGrad, gets this VM's anew.
//
// A VM is used by one goroutine at a time; RunAll beside another is an error.
type VM struct {
	gpu     *gpu.Context
	order   *order
	more    []*G.Node
	base    driver.DevicePtr
	bytes   int64
	at      map[*G.Node]driver.DevicePtr
	calls   []gpu.Call
	graph   *gpu.Graph // of calls, from the second run on
	runs    int
	leaves  []leaf
	results []transfer
	grads   []gradient
	reads   []read
	givens  []given
	stats   []stats
	changed []func() bool
	seed    uint64
	draws   uint32 // runs, by which random numbers are drawn
	watch   watches
	running sync.Mutex
}

// transfer is a node whose value crosses the bus.
type transfer struct {
	node   *G.Node
	ptr    driver.DevicePtr
	floats []float32
	truths []bool  // of a comparison: the floats that are not 0
	value  G.Value // of a result: a tensor that holds floats or truths; nil for a scalar
}

// present is the value that was brought back.
func (t transfer) present() G.Value {
	for i := range t.truths {
		t.truths[i] = t.floats[i] != 0
	}
	switch {
	case t.value != nil:
		return t.value
	case t.truths != nil:
		return G.NewB(t.truths[0])
	}
	return G.NewF32(t.floats[0])
}

// leaf is a leaf with the values that the device has of it.
type leaf struct {
	node *G.Node
	ptr  driver.DevicePtr
	sent []float32 // nil: none
}

// gradient is that of a leaf, in memory of its own: what shares a gradient's node
// with it, a constant even, a solver would change too.
type gradient struct {
	transfer           // whose floats are of the last run
	sum      []float32 // the memory of value
	leaf     *G.Node
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
	for _, n := range order.nodes {
		begin(n)
	}
	vm := &VM{order: order, more: slices.Clone(more), seed: 1}
	measured, err := lower(order, fakeBase, &vm.seed)
	if err != nil {
		return nil, err
	}
	d, device, err := gpu.Choose(opt)
	if err != nil {
		return nil, err
	}
	vm.bytes = 4 * int64(measured.floats)
	if vm.gpu, err = gpu.Open(d, device); err != nil {
		return nil, err
	}
	if err = vm.gpu.Do("a graph", vm.prepare); err != nil {
		_ = vm.gpu.Close() // err says what happened
		return nil, err
	}
	return vm, nil
}

// lower turns nodes into gpu.Operations on memory at an address.
func lower(o *order, base driver.DevicePtr, seed *uint64) (*lowering, error) {
	l := &lowering{
		order: o, base: base, seed: seed, at: make(map[*G.Node]driver.DevicePtr),
		masks: make(map[uintptr]driver.DevicePtr), moments: make(map[momentKey]moments),
	}
	for _, n := range o.nodes {
		before := len(l.list)
		err := l.safely(n)
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
func (vm *VM) prepare() error {
	l, err := vm.place()
	if err != nil {
		return err
	}
	vm.at = l.at
	for _, c := range l.consts {
		if err := gpu.First(gpu.Upload(vm.gpu, c.ptr, c.floats), gpu.Upload(vm.gpu, c.ptr, c.block)); err != nil {
			return err
		}
	}
	vm.leaves, vm.givens, vm.stats, vm.changed = nil, l.givens, l.stats, l.changed
	for _, n := range l.leaves {
		vm.leaves = append(vm.leaves, leaf{node: n, ptr: l.at[n]})
	}
	if err := vm.want(l); err != nil {
		return err
	}
	vm.calls, err = gpu.NewModules(vm.gpu, ptx).Calls(l.list)
	vm.runs, vm.graph = 0, nil
	return err
}

// place lowers the graph to memory that is large enough.
func (vm *VM) place() (*lowering, error) {
	if vm.base != 0 {
		l, err := lower(vm.order, vm.base, &vm.seed)
		if err != nil || 4*int64(l.floats) <= vm.bytes {
			return l, err
		}
		if err := vm.gpu.Free(vm.base); err != nil {
			return nil, err
		}
		vm.base, vm.bytes = 0, 4*int64(l.floats)
	}
	base, err := vm.gpu.Alloc(vm.bytes)
	if err != nil {
		return nil, vm.gpu.OutOfMemory(err, fmt.Sprintf("the graph needs %s, and %s are free; use a smaller batch",
			gpu.FormatBytes(vm.bytes), gpu.FormatBytes(vm.gpu.Available)))
	}
	vm.base = base
	return lower(vm.order, vm.base, &vm.seed)
}

// want lists the results.
func (vm *VM) want(l *lowering) error {
	vm.results, vm.grads, vm.reads = nil, nil, nil
	nodes := slices.Clone(vm.more)
	for _, n := range vm.order.nodes {
		switch {
		case isRead(n):
			r, err := readOf(n, vm.order.children[n])
			if err != nil {
				return fmt.Errorf("gorgoniavm: node %q: %w", n.Name(), err)
			}
			vm.reads = append(vm.reads, r)
			nodes = append(nodes, r.node)
		case n.Op() == nil:
			vm.wantGradient(l, n)
		case len(vm.order.readers[n]) == 0 || isCost(n):
			nodes = append(nodes, n)
		}
	}
	seen := make(map[*G.Node]bool)
	for _, n := range nodes {
		ptr, ok := l.at[n]
		if !ok {
			return fmt.Errorf("gorgoniavm: node %q is not in the graph", n.Name())
		}
		if seen[n] || n.Op() == nil || isConstant(n) {
			continue
		}
		seen[n] = true
		vm.results = append(vm.results, newTransfer(n, ptr))
	}
	return nil
}

// wantGradient adds the gradient of a leaf, where the graph has it.
func (vm *VM) wantGradient(l *lowering, n *G.Node) {
	d := n.Deriv()
	if d == nil {
		return
	}
	if ptr, ok := l.at[d]; ok && size(d.Shape()) == size(n.Shape()) {
		t := newTransfer(n, ptr)
		g := gradient{transfer: t, leaf: n, sum: t.floats}
		if g.floats = make([]float32, len(t.floats)); t.value == nil {
			g.value = G.NewF32(0)
		}
		vm.grads = append(vm.grads, g)
	}
}

func newTransfer(n *G.Node, ptr driver.DevicePtr) transfer {
	t := transfer{node: n, ptr: ptr, floats: make([]float32, size(n.Shape()))}
	if n.Dtype() == tensor.Bool {
		t.truths = make([]bool, len(t.floats))
		if n.Shape().Dims() > 0 {
			t.value = tensor.New(tensor.WithShape(n.Shape()...), tensor.WithBacking(t.truths))
		}
		return t
	}
	if n.Shape().Dims() > 0 {
		t.value = tensor.New(tensor.WithShape(n.Shape()...), tensor.WithBacking(t.floats))
	}
	return t
}

// isCost says that gradients were taken of a scalar: Gorgonia gives it a constant
// for its own.
func isCost(n *G.Node) bool {
	return size(n.Shape()) == 1 && n.Deriv() != nil && isConstant(n.Deriv())
}

// isConstant says that a node's value is its op's.
func isConstant(n *G.Node) bool {
	_, ok := n.Op().(interface{ Value() G.Value })
	return ok
}

// readOf is what a gorgonia.Read reads, and where to.
func readOf(n *G.Node, children G.Nodes) (read, error) {
	f := fieldsOf(n.Op())
	if len(children) != 1 {
		return read{}, fmt.Errorf("gorgonia.Read of %d nodes; want one", len(children))
	}
	r := read{node: children[0], into: f.value("into")}
	if f.err == nil && r.into == nil {
		f.err = errors.New("gorgonia.Read has nowhere to put the value")
	}
	return r, f.err
}

var errRuns = errors.New("gorgoniavm: the VM runs already; use one VM for each goroutine, or one after the other")

// RunAll runs the graph.
func (vm *VM) RunAll() error {
	if !vm.running.TryLock() {
		return errRuns
	}
	defer vm.running.Unlock()
	return vm.gpu.Do("a graph", func() error {
		if err := vm.relower(); err != nil {
			return err
		}
		for i := range vm.leaves {
			if err := vm.send(&vm.leaves[i]); err != nil {
				return err
			}
		}
		if err := vm.give(); err != nil {
			return err
		}
		if err := vm.launch(); err != nil {
			return err
		}
		if err := vm.look(); err != nil {
			return err
		}
		return vm.finish()
	})
}

// relower lowers the graph anew where it has changed since: by gorgonia.UnsafeLet of
// a slice, or an op's SetTraining.
func (vm *VM) relower() error {
	if !slices.ContainsFunc(vm.changed, func(changed func() bool) bool { return changed() }) {
		return nil
	}
	if vm.graph != nil {
		if err := vm.gpu.Discard(vm.graph); err != nil {
			return err
		}
		vm.graph = nil
	}
	return vm.prepare()
}

// give sends what the host gives before each run.
func (vm *VM) give() error {
	for _, g := range vm.givens {
		if err := g.fill(vm.draws, g.floats); err != nil {
			return err
		}
		if err := gpu.Upload(vm.gpu, g.ptr, g.floats); err != nil {
			return err
		}
	}
	vm.draws++
	return nil
}

// Seed sets what random numbers are drawn by, 1 at first, from the next run on, whose
// numbers are those of a first run.
func (vm *VM) Seed(seed uint64) error {
	if !vm.running.TryLock() {
		return errRuns
	}
	defer vm.running.Unlock()
	vm.seed, vm.draws = seed, 0
	vm.changed = append(vm.changed, func() bool { return true }) // streams have the seed
	return nil
}

// send sends a leaf's present value, unless the device has it.
func (vm *VM) send(l *leaf) error {
	v := l.node.Value()
	if v == nil {
		return fmt.Errorf("gorgoniavm: node %q has no value; use gorgonia.Let or gorgonia.WithValue", l.node.Name())
	}
	data, err := floatsOf(v)
	if err != nil {
		return fmt.Errorf("gorgoniavm: node %q: %w", l.node.Name(), err)
	}
	if want := size(l.node.Shape()); len(data) != want {
		return fmt.Errorf("gorgoniavm: node %q has %d values; want %d for shape %v", l.node.Name(), len(data), want, l.node.Shape())
	}
	if l.sent != nil && sameBits(l.sent, data) {
		return nil
	}
	if err := gpu.Upload(vm.gpu, l.ptr, data); err != nil {
		l.sent = nil
		return err
	}
	l.sent = append(l.sent[:0], data...)
	return nil
}

// sameBits compares values to the bit.
func sameBits(a, b []float32) bool {
	return len(a) == len(b) && (len(a) == 0 ||
		bytes.Equal(unsafe.Slice((*byte)(unsafe.Pointer(&a[0])), 4*len(a)), unsafe.Slice((*byte)(unsafe.Pointer(&b[0])), 4*len(b))))
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
		if err := G.UnsafeLet(r.node, r.present()); err != nil {
			return fmt.Errorf("gorgoniavm: node %q: %w", r.node.Name(), err)
		}
	}
	for _, g := range vm.grads {
		if err := gpu.Download(vm.gpu, g.floats, g.ptr); err != nil {
			return err
		}
		if err := g.bind(); err != nil {
			return fmt.Errorf("gorgoniavm: gradient of node %q: %w", g.leaf.Name(), err)
		}
	}
	for _, s := range vm.stats {
		if err := gpu.First(gpu.Download(vm.gpu, s.floats[0], s.mean), gpu.Download(vm.gpu, s.floats[1], s.squares)); err != nil {
			return err
		}
		if err := s.follow(); err != nil {
			return fmt.Errorf("gorgoniavm: %w", err)
		}
	}
	for _, r := range vm.reads {
		v, err := G.CloneValue(r.node.Value())
		if err != nil {
			return fmt.Errorf("gorgoniavm: read of node %q: %w", r.node.Name(), err)
		}
		*r.into = v
	}
	return nil
}

// bind adds the last run's to the gradient, which becomes the leaf's.
func (g gradient) bind() (err error) {
	own, err := hasDual(g.leaf)
	if err != nil {
		return err
	}
	if own {
		had, err := g.leaf.Grad()
		own = err == nil && had == g.value
	}
	if scalar, ok := g.value.(*G.F32); ok {
		g.sum[0] = float32(*scalar)
		defer func() { *scalar = G.F32(g.sum[0]) }()
	}
	for i, v := range g.floats {
		if own {
			v += g.sum[i]
		}
		g.sum[i] = v
	}
	if own {
		return nil
	}
	defer func() { // as Gorgonia says that types differ
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	G.WithGrad(g.value)(g.leaf)
	return nil
}

// Reset does nothing: a run leaves no state behind.
func (vm *VM) Reset() {}

// Close frees everything on the device.
func (vm *VM) Close() error { return vm.gpu.Close() }

// floatsOf returns a value's floats in row-major order.
func floatsOf(v G.Value) ([]float32, error) {
	floats, ok := op.Values[float32](v)
	if !ok {
		return nil, fmt.Errorf("want values of float32, got %T", v.Data())
	}
	return floats, nil
}
