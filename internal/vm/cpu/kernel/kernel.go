// Package kernel has the inner loops of training on a CPU: products,
// activations, losses, optimizers and what moves data between them.
//
// Every kernel exists for AVX-512, for AVX2 with FMA, for NEON, and in plain Go
// for any machine. A [Set] is one implementation of all. The plain one, in
// generic*.go, defines what a kernel computes: its doc is the loop that the
// assembly replaces. Activations, losses and optimizers have a file each, with
// what they are called by and the table of their kernels.
//
// The assembly, zz_*.s, is written by the program in gen.
//
// Unless a kernel says otherwise: slices hold at least as many values as the
// first one (a shorter one panics as an index out of range does), the result
// may be written over an operand at the same index, results do not depend on
// alignment, and a NaN among the operands comes out as a NaN.
//
// Shapes: C (M,N) = A (M,K) · B (K,N). A matrix is stored row after row; ld,
// its leading dimension, is the distance from one row to the next.
package kernel

//go:generate go run ./gen

import (
	"fmt"
	"strings"
)

// Set is one implementation of every kernel. Its methods may be called from
// many goroutines at once. None allocates.
type Set struct {
	Name string // "avx512", "avx2", "neon" or "generic"

	tiles *tiles // nil: gemmGeneric

	tileDouble func(sums *[doubleRows * doubleCols]float64, a, panel []float64, k int) // nil: tileDoubleGeneric

	act     actKernels
	actGrad actGradKernels
	losses  lossKernels
	updates updateKernels

	add         func(dst, a []float32)
	sub         func(dst, a []float32)
	mul         func(dst, a []float32)
	addMul      func(dst, a, b []float32)
	affine      func(dst, x, scale, shift []float32)
	affineReLU  func(dst, x, scale, shift []float32)
	affine2     func(dst, x, scale, y, scaleY, shift []float32)
	addSquares  func(dst, x, mean []float32)
	addCentred  func(dst, sum, x, mean, g []float32)
	follow      func(dst, x []float32, decay float32)
	clamp       func(dst, x []float32, low, high float32)
	clip        func(dst, g []float32, limit, factor float32)
	scale       func(dst []float32, factor float32)
	sum         func(x []float32) float64
	sumSquares  func(g []float32, limit float32) float64
	columnSum   func(dst, src []float32, rows, cols, ld int, accumulate bool)
	transpose   func(dst []float32, ldd int, src []float32, lds, rows, cols int)
	decodeBytes func(dst []float32, src []byte, factor, offset float32)

	words func(dst, first []uint32, turns int, stride uint32, table []uint32)
	below func(dst []byte, first []uint32, turns int, stride uint32, table []uint32, limit uint32)
	drop  func(dst, src []float32, bits []byte, factor float32)

	normals func(first, second []float32, a, b []uint32)

	copyRuns  func(dst, src []float32, places, runs, length, dstPlace, dstRun, srcPlace, srcRun int)
	addSpread func(dst, src []float32, runs, length, step, dstRun, srcRun int)
}

// Choose returns the set of a name, or the best one for "". It fails for a
// name that this machine does not have.
func Choose(name string) (*Set, error) {
	sets := Sets()
	if name == "" {
		return sets[0], nil
	}
	var names []string
	for _, s := range sets {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return nil, fmt.Errorf("kernel: no kernels %q on this machine; want one of %s", name, strings.Join(names, ", "))
}

// Sets returns all sets that this machine can run, the best one first. The
// last is "generic".
func Sets() []*Set {
	return append(simdSets(), genericSet())
}

func genericSet() *Set {
	return &Set{
		Name: "generic",
		act:  genericActs, actGrad: genericActGrads, losses: genericLosses, updates: genericUpdates,
		add: addGeneric, sub: subGeneric, mul: mulGeneric, addMul: addMulGeneric, scale: scaleGeneric, sum: sumGeneric, columnSum: columnSumGeneric,
		transpose: transposeGeneric, decodeBytes: decodeBytesGeneric,
		follow: followGeneric, clip: clipGeneric, sumSquares: sumSquaresGeneric,
		clamp: clampGeneric, affine: affineGeneric, affineReLU: affineReLUGeneric, affine2: affine2Generic, addSquares: addSquaresGeneric, addCentred: addCentredGeneric,
		words: wordsGeneric, below: belowGeneric, drop: dropGeneric, normals: normalsGeneric,
		copyRuns: copyRunsGeneric, addSpread: addSpreadGeneric,
	}
}

// atLeast panics as an index out of range does unless s has n values.
func atLeast(s []float32, n int) {
	if n > 0 {
		_ = s[n-1]
	}
}

// extent is the length of a matrix, its last row counted without padding. It
// panics as an index out of range does for a negative size or stride.
func extent(rows, cols, ld int) int {
	if rows < 0 || cols < 0 || ld < 0 {
		panic(fmt.Sprintf("kernel: matrix of %d by %d, leading dimension %d", rows, cols, ld))
	}
	if rows == 0 || cols == 0 {
		return 0
	}
	return (rows-1)*ld + cols
}
