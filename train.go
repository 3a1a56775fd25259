package aegis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aegis/data"
	"aegis/internal/run"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model/program"
)

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

// Metrics is one epoch's line in metrics.jsonl. Losses are means over every
// pixel of every image; a set without rows has null.
type Metrics struct {
	Epoch           int        `json:"epoch"` // from 1
	Step            int64      `json:"step"`
	TrainLoss       run.Float  `json:"train_loss"`
	ValLoss         *run.Float `json:"val_loss"`
	TestLoss        *run.Float `json:"test_loss"`
	TestRows        int        `json:"test_rows"` // that test_loss is a mean over
	Seconds         float64    `json:"seconds"`   // training only
	ImagesPerSecond float64    `json:"images_per_second"`
	Best            bool       `json:"best"` // the best so far
}

// Status is how a run ended.
type Status string

// The ways to end.
const (
	Finished    Status = "finished"
	Interrupted Status = "interrupted"
	Diverged    Status = "diverged"
	Failed      Status = "failed"
)

// Summary is a run's summary.json. The losses are those of
// model.safetensors, which holds the epoch with the lowest validation loss,
// or the last one where no rows were held out.
type Summary struct {
	Status     Status     `json:"status"`
	Error      string     `json:"error,omitempty"`
	Model      string     `json:"model"`
	Device     string     `json:"device"`
	VM         string     `json:"vm"`
	Params     int        `json:"params"`
	Epochs     int        `json:"epochs"` // finished
	BestEpoch  int        `json:"best_epoch"`
	Batch      int        `json:"batch"`
	Seed       Seed       `json:"seed"`
	Rows       int        `json:"rows"` // of the training set
	TrainLoss  *run.Float `json:"train_loss"`
	ValLoss    *run.Float `json:"val_loss"`
	TestLoss   *run.Float `json:"test_loss"`
	TestRows   int        `json:"test_rows"`   // that test_loss is a mean over
	PicturesOf string     `json:"pictures_of"` // test, held-out or training images
	Verdict
	EpochSeconds    float64    `json:"epoch_seconds"` // training only; median, the first left out where there are several
	ImagesPerSecond float64    `json:"images_per_second"`
	PixelRange      [2]float32 `json:"pixel_range"` // 0 and 0 where values are not scaled to one
	Scale           data.Scale `json:"scale"`       // range, none, minmax or standard; losses are of scaled values
	Version         string     `json:"version"`
	Started         time.Time  `json:"started"`
	Finished        time.Time  `json:"finished"`
}

// Train trains an autoencoder on a dataset and writes a run directory. When
// ctx ends it saves what there is and returns an error that wraps ctx's. A
// loss that is not finite ends the run with a *[DivergedError], and the model
// of the best finished epoch stays.
func Train(ctx context.Context, cfg Config, ds *data.Source, opt Options) (*Summary, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	t := &trainer{cfg: cfg, hooks: opt.Hooks, dataset: ds}
	if err := t.prepare(ctx, opt); err != nil {
		return nil, err
	}
	err := t.run(ctx)
	return &t.summary, errors.Join(err, t.machine.Close(), t.dir.Close())
}

// ErrRunExists is wrapped by Train's error where Options.Out holds an earlier
// run and Options.Force is not set.
var ErrRunExists = run.ErrExists

// DivergedError says that a loss stopped being a finite number, and when.
type DivergedError = train.DivergedError

// trainer is one run.
type trainer struct {
	cfg     Config
	hooks   Hooks
	dataset *data.Source
	train   data.Set // what is trained on and held out
	test    data.Set
	rows    rows

	measured *data.Measured // nil where bytes become pixels

	program *program.Program
	machine vm.Machine
	why     string // it runs there
	dir     *run.Dir
	writer  checkpoints

	epochs   []Metrics
	bestVal  *run.Float // the least validation loss so far
	bestTest *run.Float // of the best model over all test rows, nil where its epoch has it
	curve    curve
	summary  Summary
}

// prepare checks everything that can be checked, and only then makes the
// run directory.
func (t *trainer) prepare(ctx context.Context, opt Options) (err error) {
	if err := t.split(); err != nil {
		return err
	}
	if err := t.cfg.fit(t.train.Shape); err != nil {
		return err
	}
	if err := t.scale(ctx); err != nil {
		return err
	}
	if t.program, err = t.cfg.Program(); err != nil {
		return err
	}
	where := devices{name: t.cfg.Device, gpu: t.cfg.GPU, threads: t.cfg.Threads}
	if t.machine, t.why, err = where.open(t.program, uint64(t.cfg.Seed)); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.machine.Close())
		}
	}()
	if err := t.bind(); err != nil {
		return err
	}
	if opt.Out == "" {
		t.dir, err = run.CreateNew(fmt.Sprintf("runs/%s-%s", t.cfg.Model, time.Now().Format("20060102-150405")))
	} else {
		t.dir, err = run.Create(opt.Out, opt.Force)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.dir.Close())
		}
	}()
	if err := t.checkSpace(); err != nil {
		return err
	}
	if err := t.dir.WriteConfig(t.cfg); err != nil {
		return err
	}
	t.begin()
	return nil
}

// checkSpace looks whether the checkpoints fit on the disk.
func (t *trainer) checkSpace() error {
	model := int64(0)
	for _, p := range t.program.Params {
		model += 4 * int64(p.Size())
	}
	last := model
	for _, ph := range t.program.Phases {
		for _, node := range ph.Params {
			last += 4 * int64(node.Shape().TotalSize()*len(ph.Optimizer.Slots()))
		}
	}
	return t.dir.CheckSpace(model, last)
}

// begin fills in what the summary can say at the start.
func (t *trainer) begin() {
	params := 0
	for _, p := range t.program.Params {
		params += p.Size()
	}
	t.summary = Summary{
		Model: t.cfg.Model, Device: t.machine.Device(), VM: t.machine.VM(), Params: params,
		Batch: t.cfg.Batch, Seed: t.cfg.Seed, Rows: t.rows.split.Trained(),
		PicturesOf: t.shown().what,
		PixelRange: [2]float32{t.program.Scaling.Pixels.Lo, t.program.Scaling.Pixels.Hi},
		Scale:      t.program.Scaling.Kind,
		Version:    Version, Started: time.Now().UTC(),
	}
	t.summary.noun = strings.TrimSuffix(t.noun(), "s")
	t.writer = checkpoints{dir: t.dir, cfg: t.cfg, params: t.program.Params}
	t.curve = newCurve(t.rows.split.Trained(), t.cfg.Batch)
	if t.hooks.Start != nil {
		t.hooks.Start(Start{
			Device: t.machine.Device(), Why: t.why, Out: t.dir.Out(), Params: params,
			TrainRows: t.rows.split.Trained(), ValRows: len(t.rows.val), Tests: t.test.Len(), Noun: t.noun(), Notes: t.notes(),
		})
	}
}

// run trains, then writes pictures and the summary, however it ended.
func (t *trainer) run(ctx context.Context) error {
	loader, err := data.NewLoader(t.train.Rows, data.LoaderOptions{
		Batch: t.cfg.Batch, Seed: uint64(t.cfg.Seed), Shuffle: true, Held: t.rows.split.Held,
		Scaling: t.program.Scaling, Windows: t.dataset.Mapped(),
	})
	if err != nil {
		return err
	}
	err = train.Run(ctx, t.machine, t.program, train.Config{
		Epochs: t.cfg.Epochs, Rows: loader.Rows(), Order: loader.Order, Val: t.rows.val, ValSet: t.rows.valSet, Test: t.rows.each, LastTest: t.rows.test,
	}, train.Hooks{Progress: t.progress, Epoch: t.epoch})
	return errors.Join(t.end(ctx, err), t.finish())
}

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
	interrupted := false
	switch {
	case err == nil:
		t.summary.Status = Finished
		err = errors.Join(t.keepLast(), t.writer.write())
	case errors.As(err, &diverged):
		t.summary.Status = Diverged
		err = errors.Join(err, t.writer.write())
	case ctx.Err() != nil:
		t.summary.Status, interrupted = Interrupted, true
		if stateErr := t.keepLast(); stateErr != nil {
			err = errors.Join(err, stateErr)
		}
		_ = t.writer.write() // what it could not write, saved says
	default:
		t.summary.Status = Failed
	}
	drawn := t.drawEnd(ctx)
	if !interrupted && err == nil && drawn != nil {
		err, t.summary.Status = drawn, Failed
		if interrupted = ctx.Err() != nil; interrupted {
			t.summary.Status = Interrupted
		}
	}
	if interrupted {
		err = &InterruptedError{Saved: t.writer.saved(), Err: err}
	}
	if err != nil {
		t.summary.Error = err.Error()
	}
	return err
}

// drawEnd draws what there is to see. A run that did not come to its end has a
// moment for it.
func (t *trainer) drawEnd(ctx context.Context) error {
	if t.dir.Replacing() || t.curve.steps == 0 { // nothing of this run stays, or was trained
		return nil
	}
	if t.summary.Status != Finished {
		const moment = 2 * time.Second
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), moment)
		defer cancel()
	}
	if t.writer.model.tensors == nil {
		return t.store(ctx, t.startLoss())
	}
	return t.pictures(ctx)
}

func (t *trainer) progress(p train.Progress) {
	t.curve.add(p.StepLosses)
	if t.hooks.Progress != nil {
		t.hooks.Progress(Progress{
			Epoch: p.Epoch, Epochs: t.cfg.Epochs, Rows: p.Rows, TotalRows: p.TotalRows,
			Loss: p.Loss, ImagesPerSecond: p.ImagesPerSecond,
		})
	}
}

// epoch saves checkpoints and a line of metrics.
func (t *trainer) epoch(e train.Epoch) error {
	m := Metrics{
		Epoch: e.Number, Step: e.Step, TrainLoss: run.Float(e.Train[0]), ValLoss: first(e.Val), TestLoss: first(e.Test),
		TestRows: e.TestRows, Seconds: e.Seconds, ImagesPerSecond: e.ImagesPerSecond,
	}
	if m.Best = m.ValLoss == nil || t.bestVal == nil || *m.ValLoss < *t.bestVal; m.Best {
		t.bestVal = m.ValLoss
	}
	state, err := t.machine.State()
	if err != nil {
		return err
	}
	t.writer.keep(state, m.Epoch, m.Best)
	if t.writer.due() {
		if err := t.writer.write(); err != nil {
			return err
		}
	}
	t.epochs = append(t.epochs, m)
	if err := t.dir.AppendMetrics(m); err != nil {
		return err
	}
	if t.hooks.Epoch != nil {
		t.hooks.Epoch(m)
	}
	return nil
}

func first(terms []float64) *run.Float {
	if len(terms) == 0 {
		return nil
	}
	f := run.Float(terms[0])
	return &f
}

// keepLast takes the state that training has come to, unless an epoch's end has
// it already. It is the model only where no epoch has finished, and may be the
// one before the first step, which can be large.
func (t *trainer) keepLast() error {
	state, err := t.machine.State()
	if err != nil {
		return err
	}
	atEnd := len(t.epochs) > 0 && t.epochs[len(t.epochs)-1].Step == state.Step
	switch {
	case state.Step == 0 && t.dir.Replacing(): // what was not trained replaces nothing
	case atEnd:
	default:
		t.writer.keep(state, len(t.epochs), len(t.epochs) == 0)
	}
	return nil
}

// finish writes the summary.
func (t *trainer) finish() error {
	s := &t.summary
	s.Epochs, s.Finished = len(t.epochs), time.Now().UTC()
	var seconds []float64
	for _, m := range t.epochs {
		seconds = append(seconds, m.Seconds)
		if m.Epoch == t.writer.model.epoch {
			loss := m.TrainLoss
			s.BestEpoch, s.TrainLoss, s.ValLoss, s.TestLoss, s.TestRows = m.Epoch, &loss, m.ValLoss, m.TestLoss, m.TestRows
		}
	}
	if t.bestTest != nil {
		s.TestLoss, s.TestRows = t.bestTest, len(t.rows.test)
	}
	if len(seconds) > 1 {
		seconds = seconds[1:]
	}
	if len(seconds) > 0 {
		slices.Sort(seconds)
		s.EpochSeconds = seconds[len(seconds)/2]
		s.ImagesPerSecond = float64(s.Rows) / s.EpochSeconds
	}
	if t.dir.Replacing() {
		return nil // the earlier run's stays
	}
	return t.dir.WriteSummary(s)
}
