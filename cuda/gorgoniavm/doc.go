// Package gorgoniavm is a gorgonia.VM that runs any expression graph of
// Gorgonia's own float32 ops on an NVIDIA GPU, in place of a tape machine.
//
// What changes in a program is one line:
//
//	vm := gorgonia.NewTapeMachine(g, gorgonia.BindDualValues(weights...))
//	vm, err := cuda.NewVM(g, cuda.Options{})
//
// docs/gorgonia.md has the ops, and where the tape machine computes something else.
//
// New lowers a graph's nodes to operations: products are those of package
// kernels, all else is in graph.cu, whose kernels take any strides. With -tags
// cpu the package is left out, and New says so.
package gorgoniavm

import "aegis/cuda/internal/gpu"

// Options choose a GPU.
type Options = gpu.Options
