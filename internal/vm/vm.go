// Package vm is the contract between training and a device: what a VM does
// with a program.
package vm

import (
	"context"

	"aegis/data"
	"aegis/model/program"
)

// TrainSet, ValSet and TestSet name the sets that a Machine is bound to. Rows that are
// held out are rows of TrainSet.
const (
	TrainSet = "train"
	ValSet   = "val" // a set of its own to validate on
	TestSet  = "test"
)

// Machine runs one program: the whole contract of a device. Its methods are
// called from one goroutine at a time.
type Machine interface {
	// Device says what it runs on, such as "cpu (AVX-512, 2 threads)".
	Device() string

	// VM names the implementation: "tape", "cpu" or "cuda".
	VM() string

	// Bind gives it a set, or another one in its place: rows that the program's
	// scaling can read. They stay the caller's and must not change while they
	// are bound.
	Bind(set string, rows data.Rows) error

	// Label gives the rows of a set classes, counted from 0, -1 for a row
	// without one: graphs that read labels want them before they run.
	Label(set string, classes []int32) error

	// Train runs steps over rows of TrainSet. It returns early, between two
	// steps, with ctx's error.
	Train(ctx context.Context, steps program.Steps) error

	// Losses returns the loss terms of every step since the last call, in
	// the order of Program.LossNames, step after step. It waits for them.
	Losses() ([]float32, error)

	// Evaluate returns the mean of each loss term over rows of a bound set.
	Evaluate(ctx context.Context, set string, rows []int32) ([]float64, error)

	// Infer runs Encode, Decode or Reconstruct on any number of rows and
	// fills out: (n,Z) or (n,P).
	Infer(ctx context.Context, part program.Part, in program.Feed, out []float32) error

	// State copies everything that a checkpoint needs; SetState puts it back.
	State() (*program.State, error)
	SetState(*program.State) error

	Close() error
}
