package kernels

import (
	"aegis/cuda/driver"
	"aegis/model/op"
)

// Linear is y = f(x·Wᵀ + b): x (B,I), W (O,I), b (O) → y (B,O). One launch.
type Linear struct {
	Batch
	In, Out    int // I, O
	X, W, B    driver.DevicePtr
	Y          driver.DevicePtr
	Activation op.Activation
}

// Launches returns the launch of gemm_nt with a tile of [tileFor].
func (l Linear) Launches() ([]Launch, error) {
	g := gemm{
		kernel: "gemm_nt", m: l.Rows, n: l.Out, k: l.In, a: l.X, b: l.W, bias: l.B, channel: 1, c: l.Y,
		act: l.Activation, step: l.Step,
	}
	return g.launches("linear")
}

// LinearDX is dx = (dz·W)·f'(y): dz (B,O), W (O,I), y (B,I) → dx (B,I).
// Without a slope, op.None, Y is 0. One launch.
type LinearDX struct {
	Batch
	In, Out int // I, O
	DZ, W   driver.DevicePtr
	Y       driver.DevicePtr // y, or z where Slope.FromInput
	DX      driver.DevicePtr
	Slope   op.Activation
}

// Launches returns the launch of gemm_nn with a tile of [tileFor].
func (l LinearDX) Launches() ([]Launch, error) {
	g := gemm{
		kernel: "gemm_nn", m: l.Rows, n: l.In, k: l.Out, a: l.DZ, b: l.W, channel: 1, c: l.DX,
		act: l.Slope, y: l.Y, slope: true, step: l.Step,
	}
	return g.launches("linear-dx")
}

// LinearDW is dW = dzᵀ·x and db = Σ dz over the batch: dz (B,O), x (B,I) → dW
// (O,I), db (O). With an optimizer the parameters change at once and the
// gradients are never written. One launch, or two where the batch is split.
type LinearDW struct {
	Batch
	In, Out   int // I, O
	DZ, X     driver.DevicePtr
	W, B      Target
	Optimizer *Optimizer // nil: gradients are written
	Scratch   driver.DevicePtr
}

// ScratchFloats returns how many floats Scratch must have; 0 for none. Their
// content matters between the launches of one operation only.
func (l LinearDW) ScratchFloats() int { return l.weights().scratch() }

// Launches returns gemm_tn and, where the batch is split, partials_update.
func (l LinearDW) Launches() ([]Launch, error) { return l.weights().launches("linear-dw") }

func (l LinearDW) weights() gemmWeights {
	return gemmWeights{
		m: l.Out, n: l.In, k: l.Rows, a: l.DZ, b: l.X, w: l.W, bias: l.B,
		optimizer: l.Optimizer, scratchAt: l.Scratch, step: l.Step,
	}
}

// Tiles of C that a block of gemm makes.
//
//	tile     threads        values a thread  chosen where C has at least
//	128×128  256            8×8              fullGrid tiles of 128×128
//	 64×64   256            4×4              fullGrid tiles of 64×64
//	 32×32   4 groups of 64 4×4              anything else
//
// The small tile's groups share out K: with few rows there are not enough
// tiles to fill a GPU, and the length of the sum is what takes the time.
func tileFor(m, n int) int {
	for _, t := range []int{128, 64} {
		if ceil(m, t)*ceil(n, t) >= fullGrid {
			return t
		}
	}
	return 32
}

// fullGrid is the number of blocks that is taken to fill a GPU. It is one
// number for all GPUs, so that sums have one order on all of them.
const fullGrid = 96

func tileName(tile int) string {
	switch tile {
	case 128:
		return "_128"
	case 64:
		return "_64"
	}
	return "_32"
}

// gemm is C (m,n) = f(A·B + bias) or (A·B)·f'(y) for gemm_nt and gemm_nn; m
// is the batch.
type gemm struct {
	kernel        string
	m, n, k       int
	a, b, bias, c driver.DevicePtr
	channel       int // columns that share a value of the bias
	act           op.Activation
	y             driver.DevicePtr
	slope         bool
	step          driver.DevicePtr
}

func (g gemm) launches(name string) ([]Launch, error) {
	kind, err := activation(g.act)
	needed := []driver.DevicePtr{g.a, g.b, g.c, g.step}
	if g.slope && kind == 0 {
		g.y = 0
	} else if g.slope {
		needed = append(needed, g.y)
	}
	if err := fail(name, err, sizes("A", g.m, g.k), sizes("B", g.k, g.n), sizes("C", g.m, g.n), pointers(needed...)); err != nil {
		return nil, err
	}
	t := tileFor(g.m, g.n)
	if err := fail(name, grids(ceil(g.m, t))); err != nil {
		return nil, err
	}
	var a args
	a.ptr(g.a, g.b, g.bias, g.y, g.c)
	a.int(g.m, g.n, g.k, g.channel, int(kind))
	a.float(g.act.Alpha)
	a.ptr(g.step)
	return []Launch{{
		Family: Gemm, Kernel: g.kernel + tileName(t), Args: a,
		Grid:  driver.Dim3{X: uint32(ceil(g.n, t)), Y: uint32(ceil(g.m, t)), Z: 1},
		Block: driver.Dim3{X: threads, Y: 1, Z: 1},
	}}, nil
}

// gemmWeights is dW (m,n) = Aᵀ·B and the sums of A's columns, of A (k,m) and B
// (k,n), k the batch.
type gemmWeights struct {
	m, n, k   int
	a, b      driver.DevicePtr
	w, bias   Target
	noBias    bool // the bias is of B's columns and somebody else's work
	optimizer *Optimizer
	scratchAt driver.DevicePtr
	step      driver.DevicePtr
}

// Rows of the batch from which on it is split, and about how many rows a part
// then has.
const (
	splitFrom = 1024
	splitRows = 256
)

// plan returns the tile, the number of parts of the batch and their rows.
// Batches up to splitFrom rows are one part, and the tile follows from dW
// alone. Larger ones get the largest tile that dW fills and are split until
// there are two grids of blocks, for parts of at least splitRows rows.
func (g gemmWeights) plan() (tile, parts, rows int) {
	if g.k <= splitFrom {
		return tileFor(g.m, g.n), 1, g.k
	}
	tile = 32
	for _, t := range []int{128, 64} {
		if min(g.m, g.n) >= t {
			tile = t
			break
		}
	}
	blocks := ceil(g.m, tile) * ceil(g.n, tile)
	parts = max(min(ceil(g.k, splitRows), 2*fullGrid/blocks), 1)
	rows = ceil(ceil(g.k, parts), 64) * 64
	return tile, ceil(g.k, rows), rows
}

// scratch is a part's gradients, for each part.
func (g gemmWeights) scratch() int {
	if _, parts, _ := g.plan(); parts > 1 {
		return parts * (g.m*g.n + g.m)
	}
	return 0
}

func (g gemmWeights) launches(name string) ([]Launch, error) {
	if err := fail(name, sizes("A", g.k, g.m), sizes("B", g.k, g.n), sizes("dW", g.m, g.n+1), pointers(g.a, g.b, g.step)); err != nil {
		return nil, err
	}
	tile, parts, rows := g.plan()
	if err := fail(name, grids(ceil(g.m, tile), parts)); err != nil {
		return nil, err
	}
	grid := driver.Dim3{X: uint32(ceil(g.n, tile)), Y: uint32(ceil(g.m, tile)), Z: uint32(parts)}
	var a args
	a.ptr(g.a, g.b)
	a.int(g.m, g.n, g.k, rows)
	a.ptr(g.step)
	if parts == 1 {
		err := a.target(g.w, g.optimizer)
		if g.noBias {
			a.ptr(0, 0, 0, 0)
		} else if e := a.target(g.bias, g.optimizer); e != nil {
			err = e
		}
		if err := fail(name, err, a.update(g.optimizer)); err != nil {
			return nil, err
		}
		return []Launch{{Family: Gemm, Kernel: "gemm_tn" + tileName(tile), Grid: grid, Block: driver.Dim3{X: threads, Y: 1, Z: 1}, Args: a}}, nil
	}
	if err := fail(name, sizes("scratch", g.scratch()), pointers(g.scratchAt)); err != nil {
		return nil, err
	}
	biasAt := g.scratchAt + driver.DevicePtr(4*g.m*g.n)
	if g.noBias {
		biasAt = 0
	}
	a.ptr(g.scratchAt, 0, 0, 0, biasAt, 0, 0, 0)
	if err := fail(name, a.update(nil)); err != nil {
		return nil, err
	}
	sum := partials{
		at: g.scratchAt, parts: parts, weights: g.m * g.n, biases: g.m, stride: g.m*g.n + g.m,
		w: g.w, bias: g.bias, noBias: g.noBias, optimizer: g.optimizer, step: g.step,
	}
	second, err := sum.launch(name)
	if err != nil {
		return nil, err
	}
	return []Launch{{Family: Gemm, Kernel: "gemm_tn" + tileName(tile), Grid: grid, Block: driver.Dim3{X: threads, Y: 1, Z: 1}, Args: a}, second}, nil
}

// partials adds the parts of gradients of weights and a bias in their order,
// and updates the parameters or writes the gradients: kernel partials_update.
// Part i is weights and then biases, from at + 4·i·stride on.
type partials struct {
	at                             driver.DevicePtr
	parts, weights, biases, stride int
	w, bias                        Target
	noBias                         bool
	optimizer                      *Optimizer
	step                           driver.DevicePtr
}

func (p partials) launch(name string) (Launch, error) {
	var a args
	a.ptr(p.at)
	biases := p.biases
	if p.noBias {
		biases = 0
	}
	a.int(p.parts, p.stride, p.weights, biases)
	a.ptr(p.step)
	err := a.target(p.w, p.optimizer)
	if p.noBias {
		a.ptr(0, 0, 0, 0)
	} else if e := a.target(p.bias, p.optimizer); e != nil {
		err = e
	}
	if err := fail(name, err, a.update(p.optimizer)); err != nil {
		return Launch{}, err
	}
	n := p.weights + biases
	return Launch{
		Family: Optim, Kernel: "partials_update", Args: a,
		Grid: driver.Dim3{X: uint32(ceil(n, threads)), Y: 1, Z: 1}, Block: driver.Dim3{X: threads, Y: 1, Z: 1},
	}, nil
}
