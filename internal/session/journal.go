package session

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"

	"aegis/internal/run"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model/optim"
	"aegis/model/program"
)

// journal is what a run keeps while it trains: metrics, curve, the best model and
// the state that it has come to, in memory and in its files.
type journal struct {
	machine vm.Trainer
	dir     *run.Dir // nil: nothing is written
	writer  checkpoints
	warn    func(text string)

	plateau  *optim.Plateau // nil: no schedule waits for validation
	every    SaveEvery
	patience int    // epochs; 0: for ever
	course   course // what checkpoints have in common, and the best so far
	curve    curve  // of a program's own run empty
	epochs   []Metrics
	unlined  int // of epochs, the last ones: not in the metrics' file yet
	enough   bool

	reuse bool                      // a copy may lie where an earlier one did, since the run alone holds them
	spare map[string]program.Tensor // the copy before the newest

	saved     time.Time // when the newest state to be written was copied
	savedStep int64
	copied    time.Duration // how long that took
	failing   bool          // the last time that something was written, it could not be
	kinds     []string      // of failures that were said
	faults    []string      // what was said
}

// finished takes in an epoch's metrics and says whether it is the best. Where
// validation has not got better for long, it is enough.
func (j *journal) finished(m *Metrics, at train.Position) error {
	before := j.course.Best
	if m.Best = m.ValLoss == nil || before == nil || before.ValLoss == nil || *m.ValLoss < *before.ValLoss; m.Best {
		j.course.Best = &bestEpoch{m.Epoch, m.Step, m.ValLoss}
	}
	j.enough = j.exhausted(at)
	if err := j.snapshot(at, m.Best); err != nil {
		j.course.Best = before // of this epoch there is neither model nor line
		return err
	}
	j.epochs = append(j.epochs, *m)
	if j.dir == nil {
		return nil
	}
	j.unlined++
	if err := j.wrote(j.lines()); err != nil {
		return err
	}
	due := j.every.due(at.Step, j.savedStep, time.Since(j.saved))
	if j.every.IsZero() {
		due = j.writer.due(j.copied)
	}
	return j.save(at, due)
}

// exhausted says that no epoch of the last ones was the best.
func (j *journal) exhausted(at train.Position) bool {
	best := j.course.Best
	return j.patience > 0 && best != nil && at.Epoch-best.Epoch >= j.patience
}

// between is called between steps: it saves where that was asked for within an
// epoch, of which so many rows are.
func (j *journal) between(at train.Position, rows int) error {
	if j.dir == nil {
		return nil
	}
	if err := j.poll(); err != nil {
		return err
	}
	if j.every.IsZero() || at.Rows == rows || j.writer.writing != nil || // its end will be evaluated first
		!j.every.due(at.Step, j.savedStep, time.Since(j.saved)) {
		return nil
	}
	if err := j.snapshot(at, j.course.Best == nil); err != nil {
		return err
	}
	return j.save(at, true)
}

// snapshot copies what the machine holds, as the best model too or not, into memory
// that is there where it can: to have new one takes as long as the copy. Where much
// is to be new, earlier copies that nobody needs any more go first: Go's heap would
// double before they do.
func (j *journal) snapshot(at train.Position, best bool) error {
	const much = 64 << 20
	start := time.Now()
	state := &program.State{}
	if j.reuse {
		state.Tensors = unheld(j.spare, j.writer.held()...)
	}
	j.spare = nil
	if bytesOf(j.writer.state.tensors)-bytesOf(state.Tensors) >= much {
		runtime.GC()
	}
	if err := j.machine.StateInto(state, true); err != nil {
		return err
	}
	if state.Step != at.Step {
		return fmt.Errorf("aegis: %s is at step %d; want %d, where training stands", j.machine.VM(), state.Step, at.Step)
	}
	j.spare = j.writer.state.tensors
	j.writer.keep(state, j.at(at), best)
	j.copied = time.Since(start)
	return nil
}

// at is what a checkpoint says of a position.
func (j *journal) at(at train.Position) course {
	c := j.course
	c.Position, c.Sums, c.Arithmetic = at, slices.Clone(at.Sums), j.machine.Arithmetic()
	if j.plateau != nil {
		plateau := *j.plateau
		c.Plateau = &plateau
	}
	if j.curve.Window > 0 {
		drawn := j.curve
		drawn.Loss = slices.Clone(drawn.Loss)
		c.Curve = &drawn
	}
	return c
}

func bytesOf(tensors map[string]program.Tensor) (bytes int) {
	for _, t := range tensors {
		bytes += 4 * len(t.Data)
	}
	return bytes
}

// save starts to write what is kept, where it is due and nothing is being
// written: then the next one will be.
func (j *journal) save(at train.Position, due bool) error {
	if err := j.poll(); err != nil || !due || j.writer.writing != nil {
		return err
	}
	if err := j.lines(); err != nil { // a state says how many there are
		return j.wrote(err)
	}
	j.saved, j.savedStep = time.Now(), at.Step
	j.writer.begin()
	return nil
}

// poll hears what came of what was being written.
func (j *journal) poll() error {
	done, err := j.writer.poll()
	if !done {
		return nil
	}
	if err == nil && j.failing {
		j.failing, j.kinds = false, nil
		j.warn("files are written again: " + j.writer.saved().String())
	}
	return j.wrote(err)
}

// lines adds what is not in the metrics' file yet.
func (j *journal) lines() error {
	for j.unlined > 0 {
		if err := j.dir.AppendMetrics(j.epochs[len(j.epochs)-j.unlined]); err != nil {
			return err
		}
		j.unlined--
	}
	return nil
}

// wrote takes in that something could not be written: training goes on, and what
// is in the files stays there, unless the directory is lost. Each kind of failure
// is said once until files are written again.
func (j *journal) wrote(err error) error {
	if err == nil || errors.Is(err, run.ErrLost) {
		return err
	}
	j.failing = true
	if kind := cause(err); !slices.Contains(j.kinds, kind) {
		j.kinds = append(j.kinds, kind)
		text := fmt.Sprintf("%v; %s; training goes on", err, j.writer.saved())
		if len(j.faults) < mostFaults {
			j.faults = append(j.faults, text)
		}
		j.warn(text)
	}
	return nil
}

// mostFaults is how many a summary has.
const mostFaults = 20

// cause is what kind of failure an error is.
func cause(err error) string {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number.Error()
	}
	return err.Error()
}

// keepLast takes the state that training has come to. In an earlier run's place less
// than an epoch is little, and replaces nothing.
func (j *journal) keepLast(at train.Position) error {
	if len(j.epochs) == 0 && j.dir.Replacing() {
		return nil
	}
	return j.keepAt(at)
}

// keepAt takes the state of a position, unless it is kept already. It is the model
// only where there is none of an epoch, and may be the one before the first step,
// which can be large. That of an epoch which has no line of metrics, since its end
// failed, is not kept.
func (j *journal) keepAt(at train.Position) error {
	if at.Epoch != len(j.epochs) {
		return nil
	}
	if kept := j.writer.state; kept.course != nil && kept.course.Epoch == at.Epoch && kept.step == at.Step {
		return nil
	}
	j.writer.supersede()
	return j.snapshot(at, j.course.Best == nil)
}

// flush writes all that is kept, and waits for it.
func (j *journal) flush() error {
	if j.dir == nil {
		return nil
	}
	if err := j.lines(); err != nil { // a state says how many there are
		j.writer.wait()
		return err
	}
	return j.writer.finish()
}

// account is what a summary says of how the run went.
func (j *journal) account(s *Summary) {
	s.Faults = j.faults
	if n := len(j.epochs); j.enough && n > 0 {
		s.EarlyStop = j.epochs[n-1].Epoch
	}
}

// ended ends training after an epoch where it is enough.
func (j *journal) ended() error {
	if j.enough {
		return train.ErrEnough
	}
	return nil
}

// close unlocks the directory, when nothing is being written there.
func (j *journal) close() error {
	if j.dir == nil {
		return nil
	}
	j.writer.wait()
	return j.dir.Close()
}
