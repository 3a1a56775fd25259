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
		if err = errors.Join(t.keepLast(t.reached), t.flush()); err != nil {
			t.summary.Status = Failed
			if ended := ctx.Err(); ended != nil { // it has to be done with, saved or not
				err, unsaved, interrupted, t.summary.Status = ended, err, true, Interrupted
			}
		}
	case errors.As(err, &diverged):
		t.summary.Status = Diverged
		err = errors.Join(t.unscaled(err), t.flush())
	case ctx.Err() != nil:
		t.summary.Status, interrupted = Interrupted, true
		unsaved = errors.Join(t.keepLast(t.reached), t.flush())
	default:
		t.summary.Status = Failed
		err = errors.Join(err, t.flush())
	}
	drawn := t.dataset.Guard(func() error { return t.drawEnd(ctx) })
	if !interrupted && err == nil && drawn != nil {
		err, t.summary.Status = drawn, Failed
		if ended := ctx.Err(); ended != nil {
			err, interrupted, t.summary.Status = ended, true, Interrupted
			if drawn.Error() != ended.Error() { // there is more to it than pictures that were left
				unsaved = drawn
			}
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

// summarize writes the summary of a run that ended with an error or without.
func (t *trainer) summarize(ctx context.Context, err error) error {
	failed := t.finish()
	switch {
	case err != nil || failed == nil:
		return errors.Join(err, failed)
	case ctx.Err() != nil:
		t.summary.Status = Interrupted
		return &InterruptedError{Saved: fmt.Sprintf("%s: %v", t.writer.saved(), failed), Err: ctx.Err()}
	}
	t.summary.Status = Failed
	return fmt.Errorf("%w; %s", failed, t.writer.saved())
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
	if t.dir.Replacing() || t.dir.Lost() != nil || t.curve.From+t.curve.Steps == 0 { // nothing of this run stays, or was trained
		return nil
	}
	if t.summary.Status != Finished {
		moment := 2 * time.Second
		if at := t.interrupted.Load(); at != nil { // what is left of a little while
			moment = min(moment, 3*time.Second-time.Since(*at))
		}
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
