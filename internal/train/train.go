// Package train is the training loop: epochs, evaluation, progress. It knows
// a device only as a [vm.Trainer].
package train

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"aegis/data"
	"aegis/internal/vm"
	"aegis/model/optim"
	"aegis/model/program"
)

// chunkTime is how long one call of Trainer.Train should take: short enough
// that progress, an interrupt and a NaN are noticed quickly, long enough that
// a device does not wait.
const chunkTime = 100 * time.Millisecond

// Config is what the loop needs besides a machine that is bound to its sets.
type Config struct {
	Epochs int
	Rows   int // of an epoch
	// Order gives the rows of an epoch, counted from 0, in training order, in
	// pieces that are valid until the next one.
	Order func(epoch int) iter.Seq[[]int32]
	// Val lists the rows of ValSet and Test those of TestSet to evaluate after
	// each epoch; LastTest takes Test's place after the last one. None are
	// evaluated where a list is empty. Sets that are not named are vm.TrainSet, of
	// which rows are held out to validate on, and vm.TestSet.
	Val, Test, LastTest []int32
	ValSet, TestSet     string
	// Plateau, where it is not nil, learns the validation loss of each epoch and
	// says what learning rates are multiplied by: see [program.Program.Plateau].
	Plateau *optim.Plateau
}

// factor is what learning rates are multiplied by now.
func (c Config) factor() float64 {
	if c.Plateau == nil {
		return 1
	}
	return c.Plateau.Factor
}

// Hooks are called by the loop, from its goroutine.
type Hooks struct {
	// Progress is called after each chunk of steps.
	Progress func(Progress)
	// Epoch is called after each epoch; an error ends the loop.
	Epoch func(Epoch) error
}

// Progress is where training stands within an epoch.
type Progress struct {
	Epoch           int // from 1
	Rows, TotalRows int // of this epoch
	Step            int64
	Loss            float64   // mean over the chunk
	StepLosses      []float32 // of the chunk
	ImagesPerSecond float64   // of this epoch so far
}

// Epoch is what one epoch came to. The losses are means over rows, a term
// each as Program.LossNames has them; the first term is the loss.
type Epoch struct {
	Number           int   // from 1
	Step             int64 // steps done since the start
	Train, Val, Test []float64
	TestRows         int     // that Test is a mean over
	LearningRate     float64 // of the last step, by the first phase's optimizer
	Seconds          float64 // training only, no evaluation
	ImagesPerSecond  float64
}

// DivergedError says that a loss stopped being a finite number.
type DivergedError struct {
	Epoch int    // from 1
	Step  int64  // from 1
	Set   string // training, validation or test
	Loss  float64
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("train: %s loss is %v at step %d of epoch %d; try a lower learning rate (a tenth), "+
		"and check that the data holds no constant or corrupt rows", e.Set, e.Loss, e.Step, e.Epoch)
}

// Options names what to change, for a command that says how.
func (e *DivergedError) Options() []string { return []string{"lr"} }

// Run trains. When ctx ends it returns ctx's error after the step in progress.
func Run(ctx context.Context, m vm.Trainer, p *program.Program, cfg Config, hooks Hooks) error {
	l := &loop{machine: m, program: p, cfg: cfg, hooks: hooks, terms: len(p.LossNames()), chunk: 1}
	state, err := m.State()
	if err != nil {
		return err
	}
	l.step = state.Step
	for epoch := range cfg.Epochs {
		if err := l.epoch(ctx, epoch); err != nil {
			return err
		}
	}
	return nil
}

type loop struct {
	machine vm.Trainer
	program *program.Program
	cfg     Config
	hooks   Hooks
	terms   int
	chunk   int // steps in a call of Train
	step    int64
	some    []int32 // rows that the epoch trained on
}

// epoch trains on all rows once and evaluates.
func (l *loop) epoch(ctx context.Context, epoch int) error {
	e := Epoch{Number: epoch + 1, Train: make([]float64, l.terms)}
	feed := data.NewFeed(l.cfg.Order(epoch))
	defer feed.Close()
	rows := feed.Take(l.chunk * l.program.Batch)
	l.some = append(l.some[:0], rows[:min(len(rows), l.program.Batch)]...)
	start, done := time.Now(), 0
	for ; len(rows) > 0; rows = feed.Take(l.chunk * l.program.Batch) {
		losses, mean, err := l.steps(ctx, rows, &e)
		if err != nil {
			return err
		}
		done += len(rows)
		seconds := time.Since(start).Seconds()
		e.Seconds, e.ImagesPerSecond = seconds, float64(done)/seconds
		if l.hooks.Progress != nil {
			l.hooks.Progress(Progress{
				Epoch: e.Number, Rows: done, TotalRows: l.cfg.Rows, Step: l.step, Loss: mean, StepLosses: losses, ImagesPerSecond: e.ImagesPerSecond,
			})
		}
	}
	for i := range e.Train {
		e.Train[i] /= float64(done)
	}
	e.Step = l.step
	e.LearningRate = l.cfg.factor() * l.program.Phases[0].Optimizer.Rate(l.step-1)
	var err error
	if e.Val, err = l.evaluate(ctx, cmp.Or(l.cfg.ValSet, vm.TrainSet), "validation", l.cfg.Val, e.Number); err != nil {
		return err
	}
	if l.cfg.Plateau != nil && len(e.Val) > 0 {
		l.cfg.Plateau.Observe(l.step, e.Val[0])
	}
	tests := l.cfg.Test
	if e.Number == l.cfg.Epochs {
		tests = l.cfg.LastTest
	}
	e.TestRows = len(tests)
	if e.Test, err = l.evaluate(ctx, cmp.Or(l.cfg.TestSet, vm.TestSet), vm.TestSet, tests, e.Number); err != nil {
		return err
	}
	if l.hooks.Epoch == nil {
		return nil
	}
	return l.hooks.Epoch(e)
}

// steps trains one chunk and adds its losses to the epoch's sums. It returns
// the first term of each step and its mean over the rows.
func (l *loop) steps(ctx context.Context, rows []int32, e *Epoch) (first []float32, mean float64, err error) {
	batch := l.program.Batch
	steps := program.Steps{First: l.step, Rows: rows}
	count := steps.Count(batch)
	for i := range count {
		steps.Scalars = l.program.StepScalars(steps.Scalars, l.step+int64(i), l.cfg.factor())
	}
	start := time.Now()
	if err := l.machine.Train(ctx, steps); err != nil {
		return nil, 0, err
	}
	losses, err := l.machine.Losses()
	if err != nil {
		return nil, 0, err
	}
	if len(losses) != count*l.terms {
		return nil, 0, fmt.Errorf("train: want %d losses of %d steps from %s, got %d", count*l.terms, count, l.machine.VM(), len(losses))
	}
	for i, v := range losses {
		loss, n := float64(v), float64(min(batch, len(rows)-i/l.terms*batch))
		if !finite(loss) {
			return nil, 0, &DivergedError{Epoch: e.Number, Step: l.step + int64(i/l.terms) + 1, Set: "training", Loss: loss}
		}
		e.Train[i%l.terms] += loss * n
		if i%l.terms == 0 {
			first = append(first, v)
			mean += loss * n / float64(len(rows))
		}
	}
	l.step += int64(count)
	l.pace(count, time.Since(start))
	return first, mean, nil
}

// pace sets the next chunk's size from how long this one took.
func (l *loop) pace(count int, took time.Duration) {
	want := float64(count) * float64(chunkTime) / float64(max(took, time.Microsecond))
	l.chunk = max(1, min(int(want), 2*l.chunk))
}

// evaluate returns the loss terms over rows of a bound set, nil where there are
// none; errors call the rows what. A test set chooses nothing: where its loss
// is no finite number and that of rows trained on is, training goes on.
func (l *loop) evaluate(ctx context.Context, set, what string, rows []int32, epoch int) ([]float64, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	losses, err := l.machine.Evaluate(ctx, set, rows)
	if err != nil {
		return nil, err
	}
	for _, v := range losses {
		if !finite(v) {
			if what == vm.TestSet {
				if terms, err := l.machine.Evaluate(ctx, vm.TrainSet, l.some); err != nil || !slices.ContainsFunc(terms, infinite) {
					return losses, err
				}
			}
			return nil, &DivergedError{Epoch: epoch, Step: l.step, Set: what, Loss: v}
		}
	}
	return losses, nil
}

func finite(v float64) bool { return v-v == 0 }

func infinite(v float64) bool { return !finite(v) }

// Rows returns 0 to n-1.
func Rows(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}
