// Package kernels has the CUDA kernels and what a VM needs to launch them.
//
// The sources are *.cu, one file a family; zz_<family>.ptx is what NVRTC 11.8
// makes of them for compute capability 8.0, which the drivers of all later
// GPUs compile for theirs. For every operation there is a struct here whose
// method Launches gives the launches that do it: kernel, grid, block and
// parameters. Nothing here calls the driver.
//
// Everything is float32 and row-major as PyTorch has it: images (B,C,H,W),
// weights (O,I) and (O,C,kH,kW), the latter (C,O,kH,kW) for transposed
// convolutions. Device pointers must be aligned to 4 bytes; where they are
// aligned to 16 and rows are multiples of 4 values, copies are wider.
//
// Promises of all kernels:
//
//   - A batch has n real rows, 1 ≤ n ≤ B, the first ones; n comes from the
//     step block in device memory, so a captured graph serves any n. Rows
//     behind them are neither read nor written. A step with n = 0 changes
//     nothing: a graph of many steps may run past the end of the work.
//   - The order of every sum depends on the shapes alone: not on n, the GPU
//     or timing. There are no floating-point atomics.
//   - A NaN among the operands comes out as a NaN.
//   - Results may not overlap operands; only parameters and slots, which an
//     update changes, are both. Only what is marked __restrict__ may be read
//     through the cache that sees no writes of the launch.
//
// Shapes: B batch, n its real rows, I and O inputs and outputs, C,H,W
// channels, height, width, P values in a row.
package kernels

//go:generate go run aegis/cuda/internal/nvrtc/cmd/nvrtc -o zz_ -figures testdata/ptxas.txt .
//go:generate go test -run ^TestSources$ . -update

import (
	"embed"
	"fmt"
)

// Family is a file of kernels, and the module that it becomes.
type Family string

// The families.
const (
	Gemm        Family = "gemm"        // products of matrices
	Conv        Family = "conv"        // convolutions
	Elementwise Family = "elementwise" // activations, losses
	Optim       Family = "optimizer"   // updates of parameters
	Gather      Family = "gather"      // batches and steps
	Inputs      Family = "inputs"      // random numbers, labels, scalars
	Reduce      Family = "reduce"      // sums by channel
	Variational Family = "variational" // divergences, learned deviations, columns
	BatchNorms  Family = "batchnorm"   // batch norm
	Regular     Family = "regular"     // clamps, sparse codes, decay of weights
	Clip        Family = "clip"        // the norm of gradients
)

// Families returns all families.
func Families() []Family {
	return []Family{Gemm, Conv, Elementwise, Optim, Gather, Inputs, Reduce, Variational, BatchNorms, Regular, Clip}
}

//go:embed zz_*.ptx
var images embed.FS

// PTX returns the image of a family's module.
func PTX(f Family) ([]byte, error) {
	image, err := images.ReadFile("zz_" + string(f) + ".ptx")
	if err != nil {
		return nil, fmt.Errorf("kernels: no PTX of family %q; want one of %v", f, Families())
	}
	return image, nil
}
