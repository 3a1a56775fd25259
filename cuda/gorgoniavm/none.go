//go:build cpu

package gorgoniavm

import (
	"gorgonia.org/gorgonia"

	"aegis/cuda/driver"
)

// VM is never made in this build.
type VM struct{}

// New says that this build has no CUDA.
func New(*gorgonia.ExprGraph, Options, ...*gorgonia.Node) (*VM, error) { return nil, errNone() }

// errNone is what everything says in this build.
func errNone() error {
	_, err := driver.Open()
	return err
}

// RunAll returns an error.
func (*VM) RunAll() error { return errNone() }

// With returns an error.
func (*VM) With(...gorgonia.VMOpt) error { return errNone() }

// Seed returns an error.
func (*VM) Seed(uint64) error { return errNone() }

// Reset does nothing.
func (*VM) Reset() {}

// Close does nothing.
func (*VM) Close() error { return nil }
