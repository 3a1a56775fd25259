// Package session is one run: data, model, VM, loop and files. It knows no VM:
// whoever starts a run hands it the function that opens one.
//
// Shapes: B batch, n rows, C,H,W an image, P values in a row, Z a code.
package session

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
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
	if err := t.prepare(ctx, opt, open); err != nil {
		return nil, err
	}
	err := t.run(ctx)
	return &t.summary, errors.Join(err, t.machine.Close(), t.dir.Close())
}

// trainer is one run.
type trainer struct {
	cfg     Config
	hooks   Hooks
	dataset *data.Source
	train   data.Set // what is trained on and held out
	rows    rows

	measured *data.Measured // nil where bytes become pixels

	initial   *initial // nil: parameters are drawn
	program   *program.Program
	evaluated []string // names of the losses that evaluation gives
	loader    *data.Loader
	machine   vm.Trainer
	why       string // it runs there
	dir       *run.Dir
	writer    checkpoints
	spare     map[string]program.Tensor // memory of a state that nobody needs

	epochs              []Metrics
	bestVal             *float64 // the least validation loss so far
	bestTest, bestClean *float64 // of the best model over all test rows, and over those as they are where the others are corrupted

	bestTerms map[string]float64 // of bestTest
	dead      []int              // dimensions of the best model's code, where that is a distribution
	curve     curve
	summary   Summary
}

// prepare checks everything that can be checked, and only then makes the
// run directory.
func (t *trainer) prepare(ctx context.Context, opt Options, open OpenVM) (err error) {
	if err := opt.Check(); err != nil {
		return err
	}
	if err := t.split(); err != nil {
		return err
	}
	if err := t.cfg.fit(t.train.Shape); err != nil {
		return err
	}
	if t.initial, err = openInitial(t.cfg.InitFrom); err != nil {
		return err
	}
	if err := t.dataset.Guard(func() error { return t.scale(ctx) }); err != nil {
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
	if t.machine, t.why, err = open(t.cfg, t.program); err != nil {
		return err
	}
	if err = t.bind(); err == nil {
		err = t.initial.start(t.machine, t.program.Params)
	}
	if err == nil {
		err = t.makeDir(opt)
	}
	if err != nil {
		return errors.Join(err, t.machine.Close())
	}
	t.begin()
	return nil
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
	if err := run.CheckSpace(out, t.modelBytes(), t.stateBytes()); err != nil {
		return elsewhere(err)
	}
	if opt.Out == "" {
		t.dir, err = run.CreateNew(out)
	} else {
		t.dir, err = run.Create(out, opt.Force)
	}
	if err != nil {
		return elsewhere(err)
	}
	file, err := t.cfg.forFile()
	if err == nil {
		err = t.dir.WriteConfig(file.settings())
	}
	if err != nil {
		return errors.Join(t.earlierStays(err), t.dir.Close())
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
		Version:    Version, Started: time.Now().UTC(),
	}
	t.summary.noun = strings.TrimSuffix(t.noun(), "s")
	t.writer = checkpoints{dir: t.dir, kind: run.ConfigKey, config: modelConfig{t.cfg}, params: t.program.Params, averages: t.cfg.EMA > 0}
	t.curve = newCurve(t.rows.split.Trained(), t.cfg.Batch)
	if t.hooks.Start != nil {
		t.hooks.Start(Start{
			Device: t.machine.Device(), Why: t.why, Out: t.dir.Out(), Params: params,
			TrainRows: t.rows.split.Trained(), ValRows: len(t.rows.val), Tests: len(t.rows.test), Noun: t.noun(), Notes: t.notes(),
		})
	}
}

// run trains, then writes pictures and the summary, however it ended.
func (t *trainer) run(ctx context.Context) error {
	err := t.dataset.Guard(func() error { return t.loop(ctx) })
	err = t.end(ctx, err)
	if failed := t.finish(); err == nil && failed != nil {
		t.summary.Status = Failed
		err = fmt.Errorf("%w; %s", failed, t.writer.saved())
	} else {
		err = errors.Join(err, failed)
	}
	if lost := t.dir.Lost(); lost != nil { // whatever else there is to say
		t.summary.Status, t.summary.Error = Failed, lost.Error()
		return lost
	}
	return err
}

// loop trains.
func (t *trainer) loop(ctx context.Context) error {
	return train.Run(ctx, t.machine, t.program, train.Config{
		Epochs: t.cfg.Epochs, Rows: t.loader.Rows(), Order: t.loader.Order, Val: t.rows.val, ValSet: t.rows.valSet, TestSet: t.rows.testSet, Test: t.rows.each, LastTest: t.rows.test,
		Plateau: t.program.Plateau(),
	}, train.Hooks{Progress: t.progress, Epoch: t.epoch})
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
		Epoch: e.Number, Step: e.Step, TrainLoss: e.Train[0], ValLoss: first(e.Val), TestLoss: first(e.Test),
		TestRows: e.TestRows, LR: e.LearningRate, Seconds: e.Seconds, ImagesPerSecond: e.ImagesPerSecond,
		CleanLoss: t.cleanLoss(e.Test), Terms: named(t.program.LossNames(), e.Train),
		ValTerms: named(t.evaluated, e.Val), TestTerms: named(t.evaluated, e.Test),
	}
	if m.Best = m.ValLoss == nil || t.bestVal == nil || *m.ValLoss < *t.bestVal; m.Best {
		t.bestVal = m.ValLoss
	}
	state, err := t.state()
	if err != nil {
		return err
	}
	before := t.writer.state.tensors
	t.writer.keep(state, m.Epoch, m.Best)
	t.spare = unheld(before, t.writer.model.tensors)
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

// state copies what the machine holds, into memory that is there where it can: to
// have new one takes as long as the copy. Where that is much, earlier copies that
// nobody needs any more go first: Go's heap would double before they do.
func (t *trainer) state() (*program.State, error) {
	const much = 64 << 20
	if t.stateBytes() >= much {
		runtime.GC()
	}
	s := &program.State{Tensors: t.spare}
	t.spare = nil
	return s, t.machine.StateInto(s, true)
}

func first(terms []float64) *float64 {
	if len(terms) == 0 {
		return nil
	}
	return finite(terms[0])
}
