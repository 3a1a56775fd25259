//go:build cpu

package cuda

import (
	"context"
	"fmt"

	"gorgonia.org/gorgonia"

	"aegis/cuda/driver"
	"aegis/data"
	"aegis/model/program"
)

// errNone is what everything says in this build.
func errNone() error {
	return fmt.Errorf("cuda: %w: this binary was built without it (-tags cpu)", driver.ErrUnavailable)
}

// Devices says that this build has no CUDA.
func Devices(Options) ([]Device, error) { return nil, errNone() }

// Probe says that this build has no CUDA.
func Probe(Options) (Device, error) { return Device{}, errNone() }

// Check says that this build has no CUDA.
func Check(Options) error { return errNone() }

// Machine is never made in this build.
type Machine struct{}

// Open says that this build has no CUDA.
func Open(*program.Program, uint64, Options) (*Machine, error) { return nil, errNone() }

// Device returns "none".
func (*Machine) Device() string { return "none" }

// VM returns "cuda".
func (*Machine) VM() string { return "cuda" }

// Memory returns nothing.
func (*Machine) Memory() Memory { return Memory{} }

// Bind returns an error.
func (*Machine) Bind(string, data.Rows) error { return errNone() }

// Train returns an error.
func (*Machine) Train(context.Context, program.Steps) error { return errNone() }

// Losses returns an error.
func (*Machine) Losses() ([]float32, error) { return nil, errNone() }

// Evaluate returns an error.
func (*Machine) Evaluate(context.Context, string, []int32) ([]float64, error) {
	return nil, errNone()
}

// Infer returns an error.
func (*Machine) Infer(context.Context, program.Part, program.Input, []float32) error {
	return errNone()
}

// State returns an error.
func (*Machine) State() (*program.State, error) { return nil, errNone() }

// SetState returns an error.
func (*Machine) SetState(*program.State) error { return errNone() }

// Close does nothing.
func (*Machine) Close() error { return nil }

// VM is never made in this build.
type VM struct{}

// NewVM says that this build has no CUDA.
func NewVM(*gorgonia.ExprGraph, Options, ...*gorgonia.Node) (*VM, error) { return nil, errNone() }

// RunAll returns an error.
func (*VM) RunAll() error { return errNone() }

// Reset does nothing.
func (*VM) Reset() {}

// Close does nothing.
func (*VM) Close() error { return nil }
