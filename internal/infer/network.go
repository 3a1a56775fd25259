// Package infer uses networks that were trained: it runs their forward parts on
// a device, from any number of goroutines. It knows no VM: whoever opens a
// network hands it the function that opens one.
//
// Shapes: n rows, C,H,W an image, P = C·H·W its pixels, Z a code.
package infer

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"aegis/internal/vm"
	"aegis/model/program"
)

// Open opens a device for the forward parts of a program, under the parameters
// that params gives.
type Open func(p *program.Program, params vm.Params) (vm.Runner, error)

// ErrClosed is what everything answers after Close.
var ErrClosed = errors.New("aegis: the model is closed; load it again")

// ErrOtherModel is wrapped by the error of what was made with another model than
// the one that it is used with: a detector, or compressed rows.
var ErrOtherModel = errors.New("of another model")

// errEmpty is that of a value that was not loaded.
var errEmpty = errors.New("aegis: the model is empty; want one that was loaded")

// Network is a program with its parameters on a device. It is safe for use by
// any number of goroutines at once.
type Network struct {
	program *program.Program
	runner  vm.Runner

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup // in progress
	once   sync.Once
	result error // of Close
}

// OpenNetwork opens a program with the parameters of a state.
func OpenNetwork(p *program.Program, s *program.State, open Open) (*Network, error) {
	if p == nil || s == nil {
		return nil, errors.New("aegis: open a program: no program or no state; want both")
	}
	return newNetwork(p, s.Tensor, open)
}

func newNetwork(p *program.Program, params vm.Params, open Open) (*Network, error) {
	if p.Forward == nil {
		return nil, errors.New("aegis: open a program: it has no Forward, which builds its parts")
	}
	r, err := open(p, params)
	if err != nil {
		return nil, err
	}
	return &Network{program: p, runner: r}, nil
}

// Device says what the network runs on, such as "CPU (avx512, 2 threads)".
func (n *Network) Device() string {
	if n == nil || n.runner == nil {
		return "none"
	}
	return n.runner.Device()
}

// Run runs a part on rows that are given as values, in the range that the
// network reads: n rows (n,P), or codes (n,Z) for Decode. It returns codes (n,Z)
// of Encode, else rows (n,P). After ctx has ended it returns ctx's error.
func (n *Network) Run(ctx context.Context, part program.Part, in program.Feed) ([]float32, error) {
	if err := n.enter(ctx); err != nil {
		return nil, err
	}
	defer n.calls.Done()
	return n.run(ctx, part, in)
}

// run is Run in a call that has begun.
func (n *Network) run(ctx context.Context, part program.Part, in program.Feed) ([]float32, error) {
	width, size := n.program.PixelCount(), n.program.PixelCount()
	switch part {
	case program.Encode, program.LogVar:
		size = n.program.Code
	case program.Decode, program.DecodeLogits:
		width = n.program.Code
	case program.Evaluate: // it has losses of rows, and no value a row
		return nil, fmt.Errorf("aegis: %s: no part of a network that is used; want %s, %s or %s", part, program.Encode, program.Decode, program.Reconstruct)
	}
	if width == 0 || len(in.Values)%width != 0 {
		return nil, fmt.Errorf("aegis: %s: want rows of %d values, got %d values in all", part, width, len(in.Values))
	}
	if in.Set != "" || len(in.Rows) > 0 {
		return nil, fmt.Errorf("aegis: %s: %d rows of set %q; want values: no set is bound here", part, len(in.Rows), in.Set)
	}
	if n := len(in.Values) / width; in.Labels != nil && len(in.Labels) != n {
		return nil, fmt.Errorf("aegis: %s: %d labels of %d rows; want one each, or none", part, len(in.Labels), n)
	}
	out := make([]float32, len(in.Values)/width*size)
	if err := n.runner.Infer(ctx, part, in, out); err != nil {
		return nil, err
	}
	return out, nil
}

// enter begins a call, which ends with calls.Done, or says why there is none.
func (n *Network) enter(ctx context.Context) error {
	if n == nil || n.runner == nil {
		return errEmpty
	}
	if ctx == nil {
		return errors.New("aegis: the context is nil; want one, such as context.Background()")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	n.calls.Add(1)
	return nil
}

// Close waits for the calls in progress and releases the device. What is called
// later returns [ErrClosed]; to close again gives the same result.
func (n *Network) Close() error {
	if n == nil || n.runner == nil {
		return nil
	}
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.once.Do(func() {
		n.calls.Wait()
		n.result = n.runner.Close()
	})
	return n.result
}
