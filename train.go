package aegis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"aegis/data"
	"aegis/internal/program"
	"aegis/internal/run"
	"aegis/internal/train"
)

// Options says where a run goes and who watches it.
type Options struct {
	Out   string // the run directory; empty: runs/<model>-<time>
	Force bool   // replace a run that is there
	Hooks
}

// Hooks watch a run; each may be nil. They are called from Train's goroutine.
type Hooks struct {
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
	Best            bool       `json:"best"` // model.safetensors is of this epoch
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
	Seed       uint64     `json:"seed"`
	Rows       int        `json:"rows"` // of the training set
	TrainLoss  *run.Float `json:"train_loss"`
	ValLoss    *run.Float `json:"val_loss"`
	TestLoss   *run.Float `json:"test_loss"`
	TestRows   int        `json:"test_rows"`   // that test_loss is a mean over
	PicturesOf string     `json:"pictures_of"` // test, held-out or training images
	Verdict
	EpochSeconds    float64    `json:"epoch_seconds"` // training only; median, the first left out where there are several
	ImagesPerSecond float64    `json:"images_per_second"`
	PixelRange      [2]float32 `json:"pixel_range"`
	Version         string     `json:"version"`
	Started         time.Time  `json:"started"`
	Finished        time.Time  `json:"finished"`
}

// Train trains an autoencoder on a dataset and writes a run directory. When
// ctx ends it saves what there is and returns an error that wraps ctx's. A
// loss that is not finite ends the run with a *[DivergedError], and the model
// of the best finished epoch stays.
func Train(ctx context.Context, cfg Config, ds *data.Dataset, opt Options) (*Summary, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	t := &trainer{cfg: cfg, hooks: opt.Hooks, dataset: ds}
	if err := t.prepare(opt); err != nil {
		return nil, err
	}
	err := t.run(ctx)
	return &t.summary, errors.Join(err, t.machine.Close())
}

// DivergedError says that a loss stopped being a finite number, and when.
type DivergedError = train.DivergedError

// trainer is one run.
type trainer struct {
	cfg     Config
	hooks   Hooks
	dataset *data.Dataset
	train   data.Set // what is trained on and held out
	test    data.Set
	rows    rows

	program *program.Program
	machine train.Machine
	why     string // it runs there
	dir     *run.Dir
	writer  checkpoints

	epochs   []Metrics
	bestTest *run.Float // of the best model over all test rows, nil where its epoch has it
	curve    curve
	summary  Summary
}

// prepare checks everything that can be checked, and only then makes the
// run directory.
func (t *trainer) prepare(opt Options) (err error) {
	if err := t.split(); err != nil {
		return err
	}
	if err := t.cfg.fit(t.train.Images); err != nil {
		return err
	}
	if t.program, err = t.cfg.Program(); err != nil {
		return err
	}
	where := devices{name: t.cfg.Device, gpu: t.cfg.GPU, threads: t.cfg.Threads}
	if t.machine, t.why, err = where.open(t.program, t.cfg.Seed); err != nil {
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
	out := opt.Out
	if out == "" {
		out = fmt.Sprintf("runs/%s-%s", t.cfg.Model, time.Now().Format("20060102-150405"))
	}
	if t.dir, err = run.Create(out, opt.Force); err != nil {
		return err
	}
	if err := t.dir.WriteConfig(t.cfg); err != nil {
		return err
	}
	t.begin(out)
	return nil
}

// begin fills in what the summary can say at the start.
func (t *trainer) begin(out string) {
	params := 0
	for _, p := range t.program.Params {
		params += p.Size()
	}
	t.summary = Summary{
		Model: t.cfg.Model, Device: t.machine.Device(), VM: t.machine.VM(), Params: params,
		Batch: t.cfg.Batch, Seed: t.cfg.Seed, Rows: len(t.rows.train),
		PicturesOf: t.shown().what,
		PixelRange: [2]float32{t.program.Pixels.Lo, t.program.Pixels.Hi},
		Version:    Version, Started: time.Now().UTC(),
	}
	t.writer = checkpoints{dir: t.dir, cfg: t.cfg, params: t.program.Params}
	t.curve = newCurve(len(t.rows.train), t.cfg.Batch)
	if t.hooks.Start != nil {
		t.hooks.Start(Start{
			Device: t.machine.Device(), Why: t.why, Out: out, Params: params,
			TrainRows: len(t.rows.train), ValRows: len(t.rows.val), Tests: t.test.Len(), Notes: t.notes(),
		})
	}
}

// run trains, then writes pictures and the summary, however it ended.
func (t *trainer) run(ctx context.Context) error {
	loader, err := data.NewLoader(t.train.Images, data.LoaderOptions{
		Batch: t.cfg.Batch, Seed: t.cfg.Seed, Shuffle: true, Rows: t.rows.train,
		Lo: t.program.Pixels.Lo, Hi: t.program.Pixels.Hi,
	})
	if err != nil {
		return err
	}
	err = train.Run(ctx, t.machine, t.program, train.Config{
		Epochs: t.cfg.Epochs, Order: loader.Order, Val: t.rows.val, Test: t.rows.each, LastTest: t.rows.test,
	}, train.Hooks{Progress: t.progress, Epoch: t.epoch})
	var diverged *train.DivergedError
	switch {
	case err == nil:
		t.summary.Status = Finished
		err = t.pictures(ctx)
	case errors.As(err, &diverged):
		t.summary.Status = Diverged
	case ctx.Err() != nil:
		t.summary.Status = Interrupted
		err = errors.Join(err, t.saveInterrupted())
	}
	if err != nil && t.summary.Status == Finished {
		t.summary.Status = Failed
		if ctx.Err() != nil {
			t.summary.Status = Interrupted
		}
	}
	if err != nil && t.summary.Status == "" {
		t.summary.Status = Failed
	}
	if err != nil {
		t.summary.Error = err.Error()
	}
	return errors.Join(err, t.finish())
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
	m.Best = m.ValLoss == nil || !slices.ContainsFunc(t.epochs, func(o Metrics) bool { return *o.ValLoss <= *m.ValLoss })
	state, err := t.machine.State()
	if err != nil {
		return err
	}
	if err := t.writer.save(state, m.Epoch, m.Best); err != nil {
		return err
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

// saveInterrupted saves the state in mid-epoch, as the model too where no
// epoch has finished.
func (t *trainer) saveInterrupted() error {
	state, err := t.machine.State()
	if err != nil {
		return err
	}
	return t.writer.save(state, len(t.epochs), len(t.epochs) == 0)
}

// finish writes the summary.
func (t *trainer) finish() error {
	s := &t.summary
	s.Epochs, s.Finished = len(t.epochs), time.Now().UTC()
	var seconds []float64
	for _, m := range t.epochs {
		seconds = append(seconds, m.Seconds)
		if m.Best {
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
	return t.dir.WriteSummary(s)
}
