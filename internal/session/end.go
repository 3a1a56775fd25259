package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aegis/data"
	"aegis/internal/advice"
	"aegis/internal/train"
)

// InterruptedError says that the context ended, and what was saved before.
type InterruptedError struct {
	Saved string // such as "the model of epoch 3 and the state of step 2900 are saved in runs/a"
	Err   error  // the context's
}

func (e *InterruptedError) Error() string { return "interrupted; " + e.Saved }

// Unwrap returns the context's error.
func (e *InterruptedError) Unwrap() error { return e.Err }

// end saves what training came to and draws it, however it ended.
func (t *trainer) end(ctx context.Context, err error) error {
	var diverged *train.DivergedError
	var unsaved error // why something is not
	interrupted := false
	switch {
	case err == nil:
		t.summary.Status = Finished
		if err = errors.Join(t.keepLast(), t.writer.write()); err != nil {
			t.summary.Status = Failed
		}
	case errors.As(err, &diverged):
		t.summary.Status = Diverged
		err = errors.Join(t.unscaled(err), t.writer.write())
	case ctx.Err() != nil:
		t.summary.Status, interrupted = Interrupted, true
		unsaved = errors.Join(t.keepLast(), t.writer.write())
	default:
		t.summary.Status = Failed
		if t.writer.failed == nil { // a disk that is full still is
			err = errors.Join(err, t.writer.write())
		}
	}
	drawn := t.dataset.Guard(func() error { return t.drawEnd(ctx) })
	if !interrupted && err == nil && drawn != nil {
		err, t.summary.Status = drawn, Failed
		if interrupted = ctx.Err() != nil; interrupted {
			t.summary.Status = Interrupted
		}
	}
	switch saved := t.writer.saved().String(); {
	case interrupted && unsaved != nil:
		err = &InterruptedError{Saved: fmt.Sprintf("%s: %v", saved, unsaved), Err: err}
	case interrupted:
		err = &InterruptedError{Saved: saved, Err: err}
	case err != nil:
		err = fmt.Errorf("%w; %s", err, saved)
	}
	if err != nil {
		t.summary.Error = err.Error()
	}
	return err
}

// unscaled adds to why a loss is no finite number that values of such a size
// should be scaled, where they are not.
func (t *trainer) unscaled(err error) error {
	const large = 1e3
	if t.measured == nil || t.program.Scaling.Kind != data.ScaleNone {
		return err
	}
	all := t.measured.All()
	if max(-all.Min, all.Max) < large {
		return err
	}
	return advice.With(fmt.Errorf("%w; values lie from %g to %g: scale them", err, all.Min, all.Max), "scale")
}

// drawEnd draws what there is to see. A run that did not come to its end has a
// moment for it.
func (t *trainer) drawEnd(ctx context.Context) error {
	if t.dir.Replacing() || t.dir.Lost() != nil || t.curve.steps == 0 { // nothing of this run stays, or was trained
		return nil
	}
	if t.summary.Status != Finished {
		const moment = 2 * time.Second
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), moment)
		defer cancel()
	}
	if t.writer.model.tensors == nil {
		t.measureMean()
		return t.store(ctx, t.startLoss())
	}
	return t.pictures(ctx)
}

// keepLast takes the state that training has come to, unless an epoch's end has
// it already. It is the model only where no epoch has finished, and may be the
// one before the first step, which can be large. In an earlier run's place that
// is little: less than an epoch replaces nothing.
func (t *trainer) keepLast() error {
	state, err := t.state()
	if err != nil {
		return err
	}
	atEnd := len(t.epochs) > 0 && t.epochs[len(t.epochs)-1].Step == state.Step
	switch {
	case len(t.epochs) == 0 && t.dir.Replacing():
	case atEnd:
	default:
		t.writer.keep(state, len(t.epochs), len(t.epochs) == 0)
	}
	return nil
}
