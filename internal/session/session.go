// Package session is one run: data, model, VM, loop and files. It knows no VM:
// whoever starts a run hands it the function that opens one.
//
// Shapes: B batch, n rows, C,H,W an image, P values in a row, Z a code.
package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"aegis/data"
	"aegis/internal/run"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model/program"
)

// OpenVM opens a VM of the configuration's device for a program, under the
// parameters of its seed. Where it had a choice, why says in a line what
// decided. One that takes of this process's memory asks [CheckMemory] first.
type OpenVM func(cfg Config, p *program.Program) (m vm.Trainer, why string, err error)

// Train trains an autoencoder on a dataset and writes a run directory. When
// ctx ends it saves what there is and returns an error that wraps ctx's. A
// loss that is not finite ends the run with a *[train.DivergedError], and the
// model of the best finished epoch stays.
func Train(ctx context.Context, cfg Config, ds *data.Source, opt Options, open OpenVM) (*Summary, error) {
	if err := CheckContext(ctx); err != nil {
		return nil, err
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Data == "" && ds != nil && ds.Name != data.MNIST { // rows that a program has
		cfg.Data = data.NoData
	}
	t := &trainer{cfg: cfg, hooks: opt.Hooks, dataset: ds}
	t.warn = warner(opt.Hooks)
	defer closeOnPanic(t.close)
	err := t.prepare(ctx, opt, open)
	if nothing := (*nothingLeft)(nil); errors.As(err, &nothing) {
		return nothing.summary()
	}
	if err != nil {
		return nil, err
	}
	err = t.run(ctx)
	return &t.summary, errors.Join(err, t.close())
}

// closeOnPanic is deferred: where a hook panics, the directory is unlocked and the
// workers end before the panic goes on.
func closeOnPanic(close func() error) {
	if r := recover(); r != nil {
		_ = close() // the panic is what there is to say
		panic(r)
	}
}

// warner is who hears what goes wrong with files.
func warner(all ...Hooks) func(string) {
	return func(text string) {
		for _, h := range all {
			if h.Warn != nil {
				h.Warn(text)
			}
		}
	}
}

// trainer is one run.
type trainer struct {
	journal
	cfg     Config
	hooks   Hooks
	dataset *data.Source
	train   data.Set // what is trained on and held out
	rows    rows

	measured *data.Measured // nil where bytes become pixels

	from      *earlier // the run that goes on, nil: one starts
	initial   *initial // nil: parameters are drawn
	program   *program.Program
	evaluated []string // names of the losses that evaluation gives
	loader    *data.Loader
	watching  *watching // nil: nobody watches
	why       string    // the machine runs there
	notes     []string  // on how it goes on

	reached     train.Position // where training ended
	interrupted atomic.Pointer[time.Time]

	bestTest, bestClean *float64 // of the best model over all test rows, and over those as they are where the others are corrupted

	bestTerms map[string]float64 // of bestTest
	dead      []int              // dimensions of the best model's code, where that is a distribution
	summary   Summary
}

// close gives back what the run holds.
func (t *trainer) close() error {
	err := t.journal.close()
	if t.machine != nil {
		err = errors.Join(t.machine.Close(), err)
	}
	return err
}

// prepare checks everything that can be checked, and only then makes the
// run directory, or changes that of the run that goes on.
func (t *trainer) prepare(ctx context.Context, opt Options, open OpenVM) (err error) {
	if err := opt.Check(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.close())
		}
	}()
	if t.from, err = t.openEarlier(opt, run.ConfigKey); err != nil {
		return err
	}
	if err := t.readRows(ctx); err != nil {
		return err
	}
	if err := t.resumable(); err != nil {
		return err
	}
	if t.program, err = t.cfg.Program(); err != nil {
		return &ConfigError{err}
	}
	if err := checkPlateau(t.program, len(t.rows.val)); err != nil {
		return err
	}
	if t.evaluated, err = t.program.EvaluationNames(); err != nil {
		return err
	}
	t.loader, err = data.NewLoader(t.train.Rows, data.LoaderOptions{
		Batch: t.cfg.Batch, Seed: uint64(t.cfg.Seed), Shuffle: true, Held: t.rows.split.Held,
		Scaling: t.program.Scaling, Windows: t.dataset.Mapped(),
	})
	if err != nil {
		return err
	}
	machine, why, err := open(t.cfg, t.program)
	if err != nil {
		return err
	}
	t.machine, t.why = machine, why
	if err := t.bind(); err != nil {
		return err
	}
	if err := t.start(); err != nil {
		return err
	}
	if err := t.makeDir(opt); err != nil {
		return err
	}
	t.from.release()
	t.begin()
	return t.dataset.Guard(func() error {
		t.startWatching(opt.Watch)
		return nil
	})
}

// readRows says which rows are for what, and fits the network to them.
func (t *trainer) readRows(ctx context.Context) (err error) {
	if err := t.split(); err != nil {
		return err
	}
	if err := patient(t.cfg.Patience, len(t.rows.val)); err != nil {
		return err
	}
	if err := t.cfg.fit(t.train.Shape); err != nil {
		return err
	}
	if t.from != nil {
		t.initial, err = t.from.initial(t.cfg.InitFrom)
	} else {
		t.initial, err = openInitial(t.cfg.InitFrom)
	}
	if err != nil {
		return err
	}
	return t.dataset.Guard(func() error { return t.scale(ctx) })
}

// resumable says why the run does not go on as it is configured, and what it goes
// on with.
func (t *trainer) resumable() (err error) {
	trained := t.rows.split.Trained()
	t.every, t.patience = t.cfg.SaveEvery, t.cfg.Patience
	t.curve = newCurve(trained, t.cfg.Batch)
	t.course = course{Batch: t.cfg.Batch, Seed: t.cfg.Seed, DataRows: t.train.N}
	labels := t.cfg.Condition != "" || t.cfg.NormalClass != "" || t.cfg.Val+t.cfg.TestSplit > 0
	if t.course.Data, err = fingerprint(t.dataset, t.train, labels); err != nil || t.from == nil {
		return err
	}
	d, err := t.from.differences(&t.cfg)
	if err != nil {
		return err
	}
	t.notes = d.notes()
	return t.takeOver(t.from, trained, t.cfg.Epochs, d)
}

// start gives the machine what it starts from.
func (t *trainer) start() error {
	t.writer.params, t.writer.averages = t.program.Params, t.cfg.EMA > 0
	t.plateau, t.reuse = t.program.Plateau(), true
	if t.from == nil {
		return t.initial.start(t.machine, t.program.Params)
	}
	notes, err := t.goOn(t.from)
	t.notes = append(notes, t.notes...)
	return err
}

// fileName is a name as a part of a path: a name may hold anything.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.", r)) {
			return r
		}
		return '_'
	}, name[:min(len(name), 64)])
	return strings.TrimLeft(name, ".")
}

// NewOut returns where a run of now goes that no directory is named for.
func (c Config) NewOut() string {
	return fmt.Sprintf("runs/%s-%s", fileName(c.Model), time.Now().Format("20060102-150405"))
}

// makeDir makes the run directory where there is room for the checkpoints, and
// writes the configuration to it.
func (t *trainer) makeDir(opt Options) (err error) {
	out := opt.Out
	if out == "" {
		out = t.cfg.NewOut()
	}
	if t.dir == nil {
		if err := run.CheckSpace(out, t.modelBytes(), t.stateBytes()); err != nil {
			return elsewhere(err)
		}
		if opt.Out == "" {
			t.dir, err = run.CreateNew(out)
		} else {
			t.dir, err = run.Create(out, opt.replaces())
		}
		if err != nil {
			return elsewhere(err)
		}
	}
	file, err := t.cfg.forFile()
	if err == nil {
		err = t.fill(t.from, file.settings())
	}
	if err != nil {
		return t.earlierStays(err)
	}
	return nil
}

// earlierStays adds to an error that the run which was to be replaced is as it
// was, where that is so.
func (t *trainer) earlierStays(err error) error {
	if !t.dir.Replacing() {
		return err
	}
	return fmt.Errorf("%w; the earlier run in %s is as it was", err, t.dir.Out())
}

// modelBytes is how large the parameters are.
func (t *trainer) modelBytes() int64 { return 4 * int64(t.program.ParamCount()) }

// stateBytes is how large the parameters, their averages and the optimizer's state
// are.
func (t *trainer) stateBytes() int64 {
	bytes := int64(0)
	for _, p := range t.program.Params {
		bytes += 4 * int64(p.Size())
	}
	for _, ph := range t.program.Phases {
		for _, node := range ph.Trained {
			bytes += 4 * int64(node.Shape().TotalSize()*len(ph.Optimizer.Slots()))
		}
	}
	return bytes
}

// begin fills in what the summary can say at the start.
func (t *trainer) begin() {
	params := t.program.ParamCount()
	t.summary = Summary{
		Model: t.cfg.Model, Device: t.machine.Device(), VM: t.machine.VM(), Params: params,
		Batch: t.cfg.Batch, Seed: t.cfg.Seed, InitFrom: t.cfg.InitFrom, Rows: t.rows.split.Trained(),
		PicturesOf: t.shown().what,
		PixelRange: [2]float32{t.program.Scaling.Pixels.Lo, t.program.Scaling.Pixels.Hi},
		Scale:      t.program.Scaling.Kind,
		Version:    Version, Commit: Commit(), Started: time.Now().UTC(),
	}
	t.summary.noun = strings.TrimSuffix(t.noun(), "s")
	t.writer.dir, t.writer.kind, t.writer.config = t.dir, run.ConfigKey, modelConfig{t.cfg}
	if t.hooks.Start != nil {
		t.hooks.Start(Start{
			Device: t.machine.Device(), Why: t.why, Out: t.dir.Out(), Params: params,
			TrainRows: t.rows.split.Trained(), ValRows: len(t.rows.val), Tests: len(t.rows.test), Noun: t.noun(), Notes: slices.Concat(t.notes, t.dataNotes()),
		})
	}
}

// run trains, then writes pictures and the summary, however it ended.
func (t *trainer) run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() {
		now := time.Now()
		t.interrupted.Store(&now)
	})()
	err := t.dataset.Guard(func() error { return t.loop(ctx) })
	err = t.end(ctx, err)
	err = t.summarize(ctx, err)
	if lost := t.dir.Lost(); lost != nil { // whatever else there is to say
		t.summary.Status, t.summary.Error = Failed, lost.Error()
		err = lost
	}
	if t.watching != nil {
		t.watching.End(&t.summary)
	}
	return err
}

// loop trains.
func (t *trainer) loop(ctx context.Context) (err error) {
	from, epochs := t.stands(t.from, t.cfg.Epochs)
	t.reached, err = train.Run(ctx, t.machine, t.program, train.Config{
		Epochs: epochs, Rows: t.loader.Rows(), Order: t.loader.OrderBehind, Val: t.rows.val, ValSet: t.rows.valSet, TestSet: t.rows.testSet, Test: t.rows.each, LastTest: t.rows.test,
		From: from, Plateau: t.plateau, Every: t.every.Steps, Within: t.every.Time,
	}, train.Hooks{Progress: t.progress, Epoch: t.epoch, Between: func(at train.Position) error {
		if err := t.between(at, t.loader.Rows()); err != nil {
			return err
		}
		t.look(ctx, at, false)
		return nil
	}})
	if err == nil || ctx.Err() != nil {
		t.look(ctx, t.reached, true)
	}
	return err
}

func (t *trainer) progress(p train.Progress) {
	t.curve.add(p.StepLosses)
	told := Progress{
		Epoch: p.Epoch, Epochs: t.cfg.Epochs, Rows: p.Rows, TotalRows: p.TotalRows,
		Loss: p.Loss, ImagesPerSecond: p.ImagesPerSecond,
	}
	if t.hooks.Progress != nil {
		t.hooks.Progress(told)
	}
	if t.watching != nil {
		t.watching.Progress(told)
	}
}

// epoch saves checkpoints and a line of metrics.
func (t *trainer) epoch(e train.Epoch) error {
	m := Metrics{
		Epoch: e.Number, Step: e.Step, TrainLoss: e.Train[0], ValLoss: first(e.Val), TestLoss: first(e.Test),
		TestRows: e.TestRows, LR: e.LearningRate, Seconds: e.Seconds, ImagesPerSecond: e.ImagesPerSecond,
		CleanLoss: t.cleanLoss(e.Test), Terms: named(t.program.LossNames(), e.Train),
		ValTerms: named(t.evaluated, e.Val), TestTerms: named(t.evaluated, e.Test),
	}
	if err := t.finished(&m, train.Position{Epoch: e.Number, Step: e.Step}); err != nil {
		return err
	}
	if t.hooks.Epoch != nil {
		t.hooks.Epoch(m)
	}
	if t.watching != nil {
		t.watching.Epoch(m)
	}
	return t.ended()
}

func first(terms []float64) *float64 {
	if len(terms) == 0 {
		return nil
	}
	return finite(terms[0])
}
