// Package train is the training loop: epochs, evaluation, progress. It knows
// a device only as a [vm.Trainer].
package train

import (
	"cmp"
	"context"
	"errors"
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

// Config is what the loop needs besides a machine that is bound to its sets and
// whose state is that of From.
type Config struct {
	Epochs int
	Rows   int // of an epoch
	// From is where training goes on, the zero Position: at its start.
	From Position
	// Order gives the rows of an epoch, counted from 0, in training order behind
	// the first so many, in pieces that are valid until the next one.
	Order func(epoch, behind int) iter.Seq[[]int32]
	// Every has Between called at each step that is a multiple of it too, and
	// Within after so much time at most, but not within a step; 0: every
	// 100 ms or so.
	Every  int64
	Within time.Duration
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
	// Between is called after Progress, where a State of the machine is that of
	// the position; an error ends the loop.
	Between func(Position) error
	// Epoch is called after each epoch; an error ends the loop, [ErrEnough] as
	// its last epoch does.
	Epoch func(Epoch) error
}

// ErrEnough ends training after an epoch, without an error.
var ErrEnough = errors.New("train: enough")

// Position is where training stands between two steps.
type Position struct {
	Epoch int       `json:"epoch"`          // finished
	Step  int64     `json:"step"`           // steps done since the start
	Rows  int       `json:"rows"`           // of the next epoch that were trained on
	Sums  []float64 `json:"sums,omitempty"` // of the losses of those, a term each
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

// Run trains. When ctx ends it returns ctx's error after the step in progress. It
// returns where training stands, however it ended.
func Run(ctx context.Context, m vm.Trainer, p *program.Program, cfg Config, hooks Hooks) (Position, error) {
	l := &loop{machine: m, program: p, cfg: cfg, hooks: hooks, terms: len(p.LossNames()), chunk: 1, at: cfg.From}
	l.at.Sums = slices.Clone(l.at.Sums)
	if n := len(l.at.Sums); n > 0 && n != l.terms || l.at.Rows > cfg.Rows {
		return l.at, fmt.Errorf("train: go on from %d sums of losses behind %d rows; want %d, of at most %d rows", n, l.at.Rows, l.terms, cfg.Rows)
	}
	for l.at.Epoch < cfg.Epochs {
		switch err := l.epoch(ctx); {
		case errors.Is(err, ErrEnough):
			return l.at, nil
		case err != nil:
			return l.at, err
		}
	}
	return l.at, nil
}

type loop struct {
	machine vm.Trainer
	program *program.Program
	cfg     Config
	hooks   Hooks
	terms   int
	chunk   int // steps in a call of Train
	at      Position
	some    []int32 // rows that the epoch trained on
}

// epoch trains on the rows of an epoch that are left and evaluates.
func (l *loop) epoch(ctx context.Context) error {
	e, err := l.rows(ctx)
	if err != nil {
		return err
	}
	for _, sum := range l.at.Sums {
		e.Train = append(e.Train, sum/float64(l.at.Rows))
	}
	e.Step = l.at.Step
	e.LearningRate = l.cfg.factor() * l.program.Phases[0].Optimizer.Rate(l.at.Step-1)
	if e.Val, err = l.evaluate(ctx, cmp.Or(l.cfg.ValSet, vm.TrainSet), "validation", l.cfg.Val, e.Number); err != nil {
		return err
	}
	tests := l.cfg.Test
	if e.Number == l.cfg.Epochs {
		tests = l.cfg.LastTest
	}
	e.TestRows = len(tests)
	if e.Test, err = l.evaluate(ctx, cmp.Or(l.cfg.TestSet, vm.TestSet), vm.TestSet, tests, e.Number); err != nil {
		return err
	}
	if l.cfg.Plateau != nil && len(e.Val) > 0 { // with the position: who goes on from the one before evaluates again
		l.cfg.Plateau.Observe(l.at.Step, e.Val[0])
	}
	l.at = Position{Epoch: e.Number, Step: l.at.Step}
	if l.hooks.Epoch == nil {
		return nil
	}
	return l.hooks.Epoch(e)
}

// rows trains on the rows of an epoch that are left. Their losses are summed step
// by step, so that the sums do not depend on where it was gone on from.
func (l *loop) rows(ctx context.Context) (Epoch, error) {
	e, behind := Epoch{Number: l.at.Epoch + 1}, l.at.Rows
	if l.at.Sums == nil {
		l.at.Sums = make([]float64, l.terms)
	}
	feed := data.NewFeed(l.cfg.Order(l.at.Epoch, behind))
	defer feed.Close()
	for {
		start := time.Now()
		rows := feed.Take(l.steps() * l.program.Batch)
		l.sample(rows)
		if len(rows) == 0 {
			return e, nil
		}
		losses, mean, err := l.train(ctx, rows)
		e.Seconds += time.Since(start).Seconds()
		e.ImagesPerSecond = float64(l.at.Rows-behind) / e.Seconds
		if l.hooks.Progress != nil && len(losses) > 0 { // also of steps before an interrupt
			l.hooks.Progress(Progress{
				Epoch: e.Number, Rows: l.at.Rows, TotalRows: l.cfg.Rows, Step: l.at.Step, Loss: mean, StepLosses: losses, ImagesPerSecond: e.ImagesPerSecond,
			})
		}
		if err != nil {
			return e, err
		}
		if l.hooks.Between != nil {
			if err := l.hooks.Between(l.at); err != nil {
				return e, err
			}
		}
	}
}

// sample keeps the epoch's first batch as rows that it trained on; rows are the
// first that are left of it.
func (l *loop) sample(rows []int32) {
	if l.at.Rows > 0 {
		if l.some != nil {
			return
		}
		feed := data.NewFeed(l.cfg.Order(l.at.Epoch, 0))
		defer feed.Close()
		rows = feed.Take(l.program.Batch)
	}
	l.some = append(l.some[:0], rows[:min(len(rows), l.program.Batch)]...)
}

// steps is how many to take until Between.
func (l *loop) steps() int {
	if l.cfg.Every == 0 {
		return l.chunk
	}
	return int(min(int64(l.chunk), l.cfg.Every-l.at.Step%l.cfg.Every))
}

// train trains one chunk and adds its losses to the epoch's sums, those of the
// steps that were done where ctx ended. It returns the first term of each step
// and its mean over the rows.
func (l *loop) train(ctx context.Context, rows []int32) (first []float32, mean float64, err error) {
	batch := l.program.Batch
	steps := program.Steps{First: l.at.Step, Rows: rows}
	count := steps.Count(batch)
	for i := range count {
		steps.Scalars = l.program.StepScalars(steps.Scalars, l.at.Step+int64(i), l.cfg.factor())
	}
	start := time.Now()
	trained := l.machine.Train(ctx, steps)
	if trained != nil && (ctx.Err() == nil || !errors.Is(trained, ctx.Err())) {
		return nil, 0, trained
	}
	losses, err := l.machine.Losses()
	if err != nil {
		return nil, 0, err
	}
	if trained != nil {
		count = min(count, len(losses)/l.terms)
		rows = rows[:min(len(rows), count*batch)]
	}
	if len(losses) != count*l.terms {
		return nil, 0, fmt.Errorf("train: want %d losses of %d steps from %s, got %d", count*l.terms, count, l.machine.VM(), len(losses))
	}
	for i, v := range losses {
		loss, n := float64(v), float64(min(batch, len(rows)-i/l.terms*batch))
		if !finite(loss) {
			return nil, 0, &DivergedError{Epoch: l.at.Epoch + 1, Step: l.at.Step + int64(i/l.terms) + 1, Set: "training", Loss: loss}
		}
		l.at.Sums[i%l.terms] += loss * n
		if i%l.terms == 0 {
			first = append(first, v)
			mean += loss * n / float64(len(rows))
		}
	}
	l.at.Step, l.at.Rows = l.at.Step+int64(count), l.at.Rows+len(rows)
	l.pace(count, time.Since(start))
	return first, mean, trained
}

// pace sets the next chunk's size from how long this one took.
func (l *loop) pace(count int, took time.Duration) {
	within := chunkTime
	if l.cfg.Within > 0 {
		within = min(within, l.cfg.Within)
	}
	want := float64(count) * float64(within) / float64(max(took, time.Microsecond))
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
			return nil, &DivergedError{Epoch: epoch, Step: l.at.Step, Set: what, Loss: v}
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
