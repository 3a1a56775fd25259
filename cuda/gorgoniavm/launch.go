//go:build !cpu

package gorgoniavm

import (
	_ "embed" // the PTX
	"fmt"
	"math"

	"aegis/cuda/driver"
	"aegis/cuda/kernels"
)

//go:embed zz_graph.ptx
var graphPTX []byte

// graphFamily is graph.cu.
const graphFamily kernels.Family = "graph"

//go:generate go run aegis/cuda/internal/nvrtc/cmd/nvrtc -o zz_ -figures testdata/ptxas.txt graph.cu
//go:generate go test -run ^TestSources$ . -update

// ptx returns the image of a family: of graph.cu, or of package kernels.
func ptx(f kernels.Family) ([]byte, error) {
	if f == graphFamily {
		return graphPTX, nil
	}
	return kernels.PTX(f)
}

// The functions of one or two values that kernel map knows, by the names that
// Gorgonia gives them, in the order of graph.cu.
var functions = [...]string{
	"copy", "fill",
	"abs", "sign", "ceil", "floor", "sin", "cos", "exp", "ln", "log2", "neg", "square", "sqrt", "inv", "invSqrt",
	"cube", "tanh", "sigmoid", "log1p", "expm1", "softplus",
	"+", "-", "⊙", "÷", "^", "<", ">", "<=", ">=", "==", "!=",
}

// function returns the number of a function.
func function(name string) (int, error) {
	for i, f := range functions {
		if f == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("no function %q", name)
}

// axes is how many axes kernels map and fold walk over.
const axes = 6

// view is values in memory with a stride for each axis; stride 0 repeats.
type view struct {
	ptr     driver.DevicePtr // 0: none
	strides []int
}

// rowMajor returns the strides of a shape.
func rowMajor(shape []int) []int {
	strides, n := make([]int, len(shape)), 1
	for i := len(shape) - 1; i >= 0; i-- {
		strides[i] = n
		n *= shape[i]
	}
	return strides
}

// whole is a tensor in row-major order.
func whole(ptr driver.DevicePtr, shape []int) view { return view{ptr: ptr, strides: rowMajor(shape)} }

// repeated is one value for every index.
func repeated(ptr driver.DevicePtr, shape []int) view {
	return view{ptr: ptr, strides: make([]int, len(shape))}
}

// from moves a view on by some values.
func (v view) from(values int) view {
	return view{ptr: v.ptr + driver.DevicePtr(4*values), strides: v.strides}
}

// mapping is y = f(a, b) over the indices of a shape.
type mapping struct {
	function string
	value    float32 // of "fill"
	shape    []int
	y, a, b  view
}

// Launches returns the launch of map.
func (m mapping) Launches() ([]kernels.Launch, error) {
	f, err := function(m.function)
	if err != nil {
		return nil, err
	}
	n, err := count(m.shape)
	if err != nil {
		return nil, err
	}
	args := []driver.Arg{
		driver.Ptr(m.y.ptr), driver.Ptr(m.a.ptr), driver.Ptr(m.b.ptr), driver.Int32(int32(n)), driver.Int32(int32(f)), driver.Float32(m.value),
	}
	args = append(args, ints(pad(m.shape, 1)[1:]...)...)
	for _, v := range []view{m.y, m.a, m.b} {
		args = append(args, ints(pad(v.strides, 0)...)...)
	}
	return graphLaunch("map", gridOf(n), args), nil
}

// folding is y[i] = Σ or max of a over the inner axes, for each index i of the
// outer ones.
type folding struct {
	most         bool
	outer, inner []int
	y            driver.DevicePtr
	a            view // of outer axes, then inner ones
}

// Launches returns the launch of fold.
func (f folding) Launches() ([]kernels.Launch, error) {
	shape := append(append([]int{}, f.outer...), f.inner...)
	if _, err := count(shape); err != nil {
		return nil, err
	}
	n, m, most := size(f.outer), size(f.inner), 0
	if f.most {
		most = 1
	}
	args := append([]driver.Arg{driver.Ptr(f.y), driver.Ptr(f.a.ptr)}, ints(n, m, most)...)
	args = append(args, ints(pad(shape, 1)[1:]...)...)
	args = append(args, ints(pad(f.a.strides, 0)...)...)
	return graphLaunch("fold", min(n, mostBlocks), args), nil
}

// plain is a launch with a thread for each of n values of the first operand.
type plain struct {
	kernel string
	n      int
	ptrs   []driver.DevicePtr
	sizes  []int
}

// Launches returns the launch of a kernel of images.
func (p plain) Launches() ([]kernels.Launch, error) {
	if _, err := count([]int{p.n}); err != nil {
		return nil, err
	}
	var args []driver.Arg
	for _, ptr := range p.ptrs {
		args = append(args, driver.Ptr(ptr))
	}
	args = append(append(args, driver.Int32(int32(p.n))), ints(p.sizes...)...)
	return graphLaunch(p.kernel, gridOf(p.n), args), nil
}

// blocks is a launch with a block for each piece of work.
type blocks struct {
	kernel string
	blocks int
	values []int // of each operand
	ptrs   []driver.DevicePtr
	sizes  []int
}

// Launches returns the launch.
func (b blocks) Launches() ([]kernels.Launch, error) {
	for _, n := range b.values {
		if _, err := count([]int{n}); err != nil {
			return nil, err
		}
	}
	var args []driver.Arg
	for _, ptr := range b.ptrs {
		args = append(args, driver.Ptr(ptr))
	}
	return graphLaunch(b.kernel, min(b.blocks, mostBlocks), append(args, ints(b.sizes...)...)), nil
}

const (
	blockThreads = 256
	mostBlocks   = 1024
)

// gridOf is the grid for n values.
func gridOf(n int) int { return min((n+blockThreads-1)/blockThreads, mostBlocks) }

func graphLaunch(kernel string, blocks int, args []driver.Arg) []kernels.Launch {
	return []kernels.Launch{{
		Family: graphFamily, Kernel: kernel, Args: args,
		Grid: driver.Dim3{X: uint32(blocks), Y: 1, Z: 1}, Block: driver.Dim3{X: blockThreads, Y: 1, Z: 1},
	}}
}

// count returns the values in a shape, if kernels can count them.
func count(shape []int) (int, error) {
	n := 1
	for _, d := range shape {
		if d < 1 || d > (math.MaxInt32-blockThreads*mostBlocks)/n {
			return 0, fmt.Errorf("shape %v; want sizes of at least 1 and fewer than 2³¹ values", shape)
		}
		n *= d
	}
	if len(shape) > axes {
		return 0, fmt.Errorf("shape %v; want at most %d axes", shape, axes)
	}
	return n, nil
}

// pad puts values before a list until it is as long as kernels take.
func pad(list []int, value int) []int {
	padded := make([]int, axes)
	for i := range padded {
		padded[i] = value
	}
	copy(padded[max(0, axes-len(list)):], list)
	return padded
}

func ints(list ...int) []driver.Arg {
	args := make([]driver.Arg, len(list))
	for i, v := range list {
		args[i] = driver.Int32(int32(v))
	}
	return args
}
