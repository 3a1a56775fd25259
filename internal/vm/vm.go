// Package vm has the two contracts of a device: what a VM does with a program
// to train it, and what it does to use what was trained.
package vm

import (
	"context"

	"aegis/data"
	"aegis/model/program"
)

// TrainSet, ValSet and TestSet name the sets that a Trainer is bound to. Rows that are
// held out are rows of TrainSet.
const (
	TrainSet = "train"
	ValSet   = "val" // a set of its own to validate on
	TestSet  = "test"
)

// Trainer trains one program, and evaluates and runs it on the way. Its methods
// are called from one goroutine at a time.
type Trainer interface {
	// Device says what it runs on, such as "cpu (AVX-512, 2 threads)".
	Device() string

	// VM names the implementation: "tape", "cpu" or "cuda".
	VM() string

	// Arithmetic names all that decides the last bits of what it computes:
	// kernels and the kind of processor, such as "cpu, AVX-512, amd64
	// GenuineIntel", but not the number of threads. A state goes on to the bit
	// where the name is the same.
	Arithmetic() string

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

	// Infer runs Encode, Decode, Reconstruct, or LogVar where the program has
	// it, on any number of rows and fills out: (n,Z) or (n,P).
	Infer(ctx context.Context, part program.Part, in program.Feed, out []float32) error

	// State copies everything that a checkpoint needs.
	State() (*program.State, error)

	// StateInto copies what State does, or of it the parameters alone, in the
	// memory that s has for it; s holds nothing else then.
	StateInto(s *program.State, all bool) error

	// SetState puts a whole state back.
	SetState(*program.State) error

	Close() error
}

// Runner runs the forward parts of one program under parameters that never
// change: it has no gradients and no optimizer state, and idles without work.
type Runner interface {
	// Device says what it runs on, such as "cpu (AVX-512, 2 threads)".
	Device() string

	// VM names the implementation: "tape", "cpu" or "cuda".
	VM() string

	// Infer runs a part on any number of rows that are given as values, and
	// fills out: codes (n,Z) of Encode, else rows (n,P). It is called from any
	// number of goroutines at once, and each row gets the same bits whatever
	// runs beside it. Between two batches it returns with ctx's error.
	Infer(ctx context.Context, part program.Part, in program.Feed, out []float32) error

	// Close releases the device. No call is in progress then, and none follows.
	Close() error
}

// Params returns a tensor of a program by its name, in a shape that is known:
// where a Runner has its parameters from, one at a time.
type Params func(name string, shape []int) (program.Tensor, error)

// RunnerParts are the parts that a Runner has, of those that its program can
// build.
func RunnerParts() []program.Part {
	return []program.Part{program.Encode, program.Decode, program.Reconstruct, program.Logits, program.LogVar, program.DecodeLogits}
}
