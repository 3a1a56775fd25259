//go:build cpu

package cuda

import (
	"context"

	"aegis/cuda/driver"
	"aegis/data"
	"aegis/internal/vm"
	"aegis/model/program"
)

// errNone is what everything says in this build.
func errNone() error {
	_, err := driver.Open()
	return err
}

// Machine is never made in this build.
type Machine struct{}

// Open says that this build has no CUDA.
func Open(*program.Program, uint64, Options) (*Machine, error) { return nil, errNone() }

// Device returns "none".
func (*Machine) Device() string { return "none" }

// Arithmetic returns "none".
func (*Machine) Arithmetic() string { return "none" }

// VM returns "cuda".
func (*Machine) VM() string { return "cuda" }

// Memory returns nothing.
func (*Machine) Memory() Memory { return Memory{} }

// Bind returns an error.
func (*Machine) Bind(string, data.Rows) error { return errNone() }

// Label returns an error.
func (*Machine) Label(string, []int32) error { return errNone() }

// Train returns an error.
func (*Machine) Train(context.Context, program.Steps) error { return errNone() }

// Losses returns an error.
func (*Machine) Losses() ([]float32, error) { return nil, errNone() }

// Evaluate returns an error.
func (*Machine) Evaluate(context.Context, string, []int32) ([]float64, error) {
	return nil, errNone()
}

// Infer returns an error.
func (*Machine) Infer(context.Context, program.Part, program.Feed, []float32) error {
	return errNone()
}

// State returns an error.
func (*Machine) State() (*program.State, error) { return nil, errNone() }

// StateInto returns an error.
func (*Machine) StateInto(*program.State, bool) error { return errNone() }

// SetState returns an error.
func (*Machine) SetState(*program.State) error { return errNone() }

// Close does nothing.
func (*Machine) Close() error { return nil }

// Runner is never made in this build.
type Runner struct{}

// OpenRunner says that this build has no CUDA.
func OpenRunner(*program.Program, uint64, vm.Params, Options) (*Runner, error) {
	return nil, errNone()
}

// Device returns "none".
func (*Runner) Device() string { return "none" }

// VM returns "cuda".
func (*Runner) VM() string { return "cuda" }

// Memory returns nothing.
func (*Runner) Memory() Memory { return Memory{} }

// Infer returns an error.
func (*Runner) Infer(context.Context, program.Part, program.Feed, []float32) error {
	return errNone()
}

// Close does nothing.
func (*Runner) Close() error { return nil }
