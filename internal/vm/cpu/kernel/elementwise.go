package kernel

import "fmt"

// Activation is a function applied to each value.
type Activation uint8

// The activations, as PyTorch has them. Alpha is the slope of LeakyReLU below
// zero (not negative) and the limit −alpha of ELU; the others ignore it.
const (
	ReLU      Activation = iota // max(x, 0)
	LeakyReLU                   // x, or alpha·x below 0
	Tanh
	Sigmoid // 1 / (1 + e⁻ˣ)
	ELU     // x, or alpha·(eˣ − 1) below 0
	GELU    // x·Φ(x), Φ the normal distribution: the form with erf

	activations = iota
)

// Act writes an activation of src: dst[i] = f(src[i]).
//
// Tanh, Sigmoid and ELU are within 4 units in the last place of the exact
// value, GELU within 5e-7·max(1, |x|).
func (s *Set) Act(kind Activation, dst, src []float32, alpha float32) {
	atLeast(src, len(dst))
	s.act[kind](dst, src, alpha)
}

// ActGrad carries a gradient back through an activation: dst[i] = g[i]·f'(·).
// y is the activation's output; for GELU it is the input. At 0, ReLU has
// slope 0, LeakyReLU and ELU slope alpha. A NaN in y keeps g for ReLU and
// LeakyReLU.
func (s *Set) ActGrad(kind Activation, dst, g, y []float32, alpha float32) {
	atLeast(g, len(dst))
	atLeast(y, len(dst))
	s.actGrad[kind](dst, g, y, alpha)
}

// MSE returns Σ(y−t)² and writes dst = coef·(y−t): the factor 2 of the
// derivative belongs into coef.
//
// For this and the other losses: y is the prediction, t the target, coef a
// factor of the gradient alone; dst may be nil for the value only, and may be
// y or t. The sum is made in float64, in an order that depends on len(y) only.
func (s *Set) MSE(dst, y, t []float32, coef float32) float64 {
	checkLoss(dst, y, t)
	return s.mse(dst, y, t, coef)
}

// MAE returns Σ|y−t| and writes dst = coef·sign(y−t), 0 where they are equal.
func (s *Set) MAE(dst, y, t []float32, coef float32) float64 {
	checkLoss(dst, y, t)
	return s.mae(dst, y, t, coef)
}

// Huber returns Σ h(y−t) with h(d) = d²/2 up to |d| = delta and
// delta·(|d| − delta/2) beyond, and writes dst = coef·h'(y−t).
func (s *Set) Huber(dst, y, t []float32, coef, delta float32) float64 {
	checkLoss(dst, y, t)
	return s.huber(dst, y, t, coef, delta)
}

// BCE returns the binary cross-entropy of probabilities y in [0,1],
// −Σ t·log y + (1−t)·log(1−y), each logarithm not below −100, and writes
// dst = coef·(y−t)/max(y·(1−y), 1e-12): as PyTorch's BCELoss.
func (s *Set) BCE(dst, y, t []float32, coef float32) float64 {
	checkLoss(dst, y, t)
	return s.bce(dst, y, t, coef)
}

// BCELogits returns the binary cross-entropy of sigmoid(y), from the logits y,
// Σ max(y,0) − y·t + log(1 + e^−|y|), and writes dst = coef·(sigmoid(y)−t).
func (s *Set) BCELogits(dst, y, t []float32, coef float32) float64 {
	checkLoss(dst, y, t)
	return s.bceLogits(dst, y, t, coef)
}

func checkLoss(dst, y, t []float32) {
	atLeast(t, len(y))
	if dst != nil {
		atLeast(dst, len(y))
	}
}

// Adam applies one step of Adam to w; g is the gradient, m and v the moments:
//
//	m ← b1·m + c1·g;  v ← b2·v + c2·g²;  w ← w − alpha·m/(√v + eps)
//
// c1 is 1−b1, c2 is 1−b2; alpha and eps hold both bias corrections (see
// optim.Spec.Scalars). The moments' bits are those of optim.Spec.Update where
// the compiler fuses nothing; the step is within 4 units in the last place of
// it: root and quotient are by Newton's method.
func (s *Set) Adam(w, g, m, v []float32, b1, c1, b2, c2, alpha, eps float32) {
	atLeast(g, len(w))
	atLeast(m, len(w))
	atLeast(v, len(w))
	s.adam(w, g, m, v, b1, c1, b2, c2, alpha, eps)
}

// SGD applies w ← w − lr·g.
func (s *Set) SGD(w, g []float32, lr float32) {
	atLeast(g, len(w))
	s.sgd(w, g, lr)
}

// Momentum applies u ← mu·u + g; w ← w − lr·u.
func (s *Set) Momentum(w, g, u []float32, mu, lr float32) {
	atLeast(g, len(w))
	atLeast(u, len(w))
	s.momentum(w, g, u, mu, lr)
}

// Add adds: dst += a.
func (s *Set) Add(dst, a []float32) {
	atLeast(a, len(dst))
	s.add(dst, a)
}

// Scale multiplies: dst *= factor.
func (s *Set) Scale(dst []float32, factor float32) { s.scale(dst, factor) }

// Sum adds in float64, in an order that depends on len(x) only.
func (s *Set) Sum(x []float32) float64 { return s.sum(x) }

// ColumnSum adds up the rows of src (rows,cols) in their order, onto dst
// (cols) or onto zero. A column's sum does not depend on the others, nor on
// how the rows are shared out over calls that accumulate. dst must not overlap
// src.
func (s *Set) ColumnSum(dst, src []float32, rows, cols, ld int, accumulate bool) {
	atLeast(src, extent(rows, cols, ld))
	atLeast(dst, cols)
	s.columnSum(dst, src, rows, cols, ld, accumulate)
}

// Transpose writes src (rows,cols) as dst (cols,rows): dst[j·ldd+i] =
// src[i·lds+j]. dst must not overlap src.
func (s *Set) Transpose(dst []float32, ldd int, src []float32, lds, rows, cols int) {
	atLeast(src, extent(rows, cols, lds))
	atLeast(dst, extent(cols, rows, ldd))
	s.transpose(dst, ldd, src, lds, rows, cols)
}

// DecodeBytes turns bytes into numbers: dst[i] = src[i]·factor + offset, two
// roundings.
func (s *Set) DecodeBytes(dst []float32, src []byte, factor, offset float32) {
	if len(dst) > 0 {
		_ = src[len(dst)-1]
	}
	s.decodeBytes(dst, src, factor, offset)
}

// Runs is a way of walking over two arrays in step: Places places, each of
// Runs runs of Length values that lie together. Place and run i, r begin at
// i·DstPlace + r·DstRun in dst and at i·SrcPlace + r·SrcRun in src.
type Runs struct {
	Places, Runs, Length int
	DstPlace, DstRun     int
	SrcPlace, SrcRun     int
}

// CopyRuns copies runs, as from an image into a wider one. The slices must not
// overlap.
func (s *Set) CopyRuns(dst, src []float32, r Runs) {
	if r.Places <= 0 || r.Runs <= 0 || r.Length <= 0 {
		return
	}
	if min(r.DstPlace, r.DstRun, r.SrcPlace, r.SrcRun) < 0 {
		panic(fmt.Sprintf("kernel: runs with a negative stride: %+v", r))
	}
	atLeast(dst, (r.Places-1)*r.DstPlace+(r.Runs-1)*r.DstRun+r.Length)
	atLeast(src, (r.Places-1)*r.SrcPlace+(r.Runs-1)*r.SrcRun+r.Length)
	s.copyRuns(dst, src, r.Places, r.Runs, r.Length, r.DstPlace, r.DstRun, r.SrcPlace, r.SrcRun)
}

// AddSpread adds rows of src to every Step-th value of rows of dst, which do
// not overlap: dst[r·dstRun + j·step] += src[r·srcRun + j] for r < runs and
// j < length. The slices must not overlap.
func (s *Set) AddSpread(dst, src []float32, runs, length, step, dstRun, srcRun int) {
	if runs <= 0 || length <= 0 {
		return
	}
	if step <= 0 || min(dstRun, srcRun) < 0 {
		panic(fmt.Sprintf("kernel: %d runs %d and %d apart, spread by steps of %d", runs, dstRun, srcRun, step))
	}
	atLeast(dst, (runs-1)*dstRun+(length-1)*step+1)
	atLeast(src, (runs-1)*srcRun+length)
	s.addSpread(dst, src, runs, length, step, dstRun, srcRun)
}
