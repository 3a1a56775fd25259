package session

import (
	"context"
	"errors"

	"aegis/internal/advice"
	"aegis/internal/run"
)

// Options says where a run goes and who watches it.
type Options struct {
	Out   string // the run directory; empty: runs/<model>-<time>
	Force bool   // replace a run that is there

	// Resume is the directory of a run that goes on, or a file of it: in its own
	// directory, where Out is empty or the same, else in Out, with its metrics and
	// best model. Epochs, the learning rate with its schedule and clipping, patience,
	// device and threads may change, and the path of the same data: those are the
	// options whose Resume is true in the table of options.
	Resume string
	// Auto goes on with the run in Out where there is one with a checkpoint, else
	// a run starts there.
	Auto bool
	// Watch sees the network while it trains; nil: nobody does.
	Watch Watcher
	Hooks
}

// Check says why a run may not go there, so that no data is read in vain. Train
// sees to it again.
func (o Options) Check() error {
	from, err := o.resumes()
	switch {
	case err != nil:
		return err
	case from != "" && o.inPlace(from):
		return elsewhere(run.CheckReopen(from))
	case from != "":
		if err := run.Busy(from); err != nil {
			return err
		}
	}
	if o.Out == "" {
		return nil
	}
	return elsewhere(run.Check(o.Out, o.replaces()))
}

// replaces says that a run takes the place of what is in Out.
func (o Options) replaces() bool { return o.Force || o.Auto && fresh(o.Out) }

// elsewhere adds to an error that another directory would help. What would for
// a run that is there already, its error says.
func elsewhere(err error) error {
	if err == nil || errors.Is(err, run.ErrExists) {
		return err
	}
	return advice.With(err, "out")
}

// CheckContext refuses a context that is nil.
func CheckContext(ctx context.Context) error {
	if ctx == nil {
		return errors.New("aegis: the context is nil; want one, such as context.Background()")
	}
	return nil
}

// Hooks watch a run; each may be nil. They are called from Train's goroutine.
type Hooks struct {
	// Measure hears how many rows of how many were looked at before Start: of
	// data larger than memory this takes a while.
	Measure  func(done, of int)
	Start    func(Start)
	Progress func(Progress)
	Epoch    func(Metrics)
	// Warn hears, in a line, what goes wrong with files while training goes on.
	Warn func(text string)
}

// Start is what is known before the first step.
type Start struct {
	Device, Why, Out          string // Why: why auto chose the device
	Params                    int
	TrainRows, ValRows, Tests int
	Noun                      string   // what rows are called: images or rows
	Notes                     []string // what a user should know of the data, a line each
}

// Progress is where training stands within an epoch.
type Progress struct {
	Epoch, Epochs   int // Epoch counts from 1
	Rows, TotalRows int // of this epoch
	Loss            float64
	ImagesPerSecond float64
}
