package session

import "aegis/internal/run"

// Options says where a run goes and who watches it.
type Options struct {
	Out   string // the run directory; empty: runs/<model>-<time>
	Force bool   // replace a run that is there
	Hooks
}

// Check says why a run may not go there, so that no data is read in vain. Train
// sees to it again.
func (o Options) Check() error {
	if o.Out == "" {
		return nil
	}
	return run.Check(o.Out, o.Force)
}

// Hooks watch a run; each may be nil. They are called from Train's goroutine.
type Hooks struct {
	// Measure hears how many rows of how many were looked at before Start: of
	// data larger than memory this takes a while.
	Measure  func(done, of int)
	Start    func(Start)
	Progress func(Progress)
	Epoch    func(Metrics)
}

// Start is what is known before the first step.
type Start struct {
	Device, Why, Out          string // Why: why auto chose the device
	Params                    int
	TrainRows, ValRows, Tests int
	Notes                     []string // what a user should know of the data, a line each
}

// Progress is where training stands within an epoch.
type Progress struct {
	Epoch, Epochs   int // Epoch counts from 1
	Rows, TotalRows int // of this epoch
	Loss            float64
	ImagesPerSecond float64
}
