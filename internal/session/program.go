package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"aegis/data"
	"aegis/internal/plan"
	"aegis/internal/run"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model/program"
)

// ProgramConfig is how a program of one's own is trained. What a step is, batch,
// losses and optimizers, the program says.
type ProgramConfig struct {
	Epochs  int       `json:"epochs"`  // at least 1
	Seed    Seed      `json:"seed"`    // of parameters, of the order of rows, of noise
	Device  string    `json:"device"`  // one of Devices; empty: auto
	GPU     int       `json:"gpu"`     // number of the GPU that cuda and auto use
	Threads int       `json:"threads"` // on a CPU, 0: as many as pay
	Val     data.Held `json:"val"`     // of the training rows, held out
	// Patience ends a run after so many epochs without a lower validation loss;
	// 0: none.
	Patience  int       `json:"patience,omitempty"`
	SaveEvery SaveEvery `json:"save_every,omitzero"` // empty: at epochs' ends

	Out   string `json:"-"` // the run directory; empty: none is written
	Force bool   `json:"-"` // replace a run that is there
	// Resume and Auto are those of Options: a run that goes on. The program is to
	// have the same tensors and batch, and the seed and what is held out stay.
	Resume string `json:"-"`
	Auto   bool   `json:"-"`
}

// options says where the run goes.
func (c ProgramConfig) options() Options {
	return Options{Out: c.Out, Force: c.Force, Resume: c.Resume, Auto: c.Auto}
}

// ProgramResult is what training a program came to.
type ProgramResult struct {
	Summary
	Metrics []Metrics // of each epoch that finished

	// State is what training came to, the optimizers' too; after a loss that
	// was no number it is that of the last epoch that finished. Best is the
	// state of the epoch with the lowest validation loss, of the last epoch
	// where no rows were held out; where a run goes on and comes to no better one,
	// its parameters alone. Both are nil where there is none.
	State, Best *program.State
}

// OpenProgramVM opens a VM of the configuration's device, as [OpenVM] does.
type OpenProgramVM func(cfg ProgramConfig, p *program.Program) (m vm.Trainer, why string, err error)

// TrainProgram trains a program on a dataset whose rows are of its shape. When
// ctx ends the result holds what there is, and the error wraps ctx's.
func TrainProgram(ctx context.Context, p *program.Program, ds *data.Source, cfg ProgramConfig, hooks []Hooks, open OpenProgramVM) (*ProgramResult, error) {
	if cfg.Device == "" {
		cfg.Device = DeviceAuto
	}
	if err := checkProgram(ctx, p, ds, cfg); err != nil {
		return nil, err
	}
	r := &programRun{ctx: ctx, program: p, cfg: cfg, hooks: hooks}
	r.warn = warner(hooks...)
	defer closeOnPanic(r.close)
	err := r.prepare(ds, open)
	if nothing := (*nothingLeft)(nil); errors.As(err, &nothing) {
		return r.nothing(nothing)
	}
	if err != nil {
		return nil, err
	}
	err = r.train()
	return &r.result, errors.Join(err, r.close())
}

// nothing is what a run left that has nothing to train.
func (r *programRun) nothing(n *nothingLeft) (*ProgramResult, error) {
	s, err := n.summary()
	return &ProgramResult{Summary: *s, Metrics: r.epochs, State: r.from.state, Best: r.from.best()}, err
}

// checkProgram says what is wrong before anything is opened.
func checkProgram(ctx context.Context, p *program.Program, ds *data.Source, cfg ProgramConfig) error {
	if ctx == nil || p == nil || ds == nil {
		return errors.New("aegis: train a program: the context, the program or the dataset is nil; want all")
	}
	if cfg.Epochs < 1 {
		return configErrorf("aegis: %d epochs; want at least 1", cfg.Epochs)
	}
	if err := CheckDevice(cfg.Device, cfg.GPU, cfg.Threads); err != nil {
		return err
	}
	if err := checkPatience(cfg.Patience); err != nil {
		return err
	}
	if err := cfg.SaveEvery.check(); err != nil {
		return err
	}
	if err := p.Validate(); err != nil {
		return err
	}
	if err := checkOps(p); err != nil {
		return err
	}
	if err := ds.Validate(); err != nil {
		return err
	}
	if ds.Val.Len() > 0 && cfg.Val != 0 {
		return configErrorf("aegis: val %v, but %s has a set of %d rows to validate on; leave val out", cfg.Val, ds, ds.Val.Len())
	}
	if got := ds.Train.Shape; got != p.Row {
		return fmt.Errorf("aegis: program %s reads rows of %v, %s has %v", p.Name, p.Row, ds, got)
	}
	return nil
}

// checkOps compiles all graphs of a program, so that it trains on every device
// or on none: an op that no plan has is an error that names its node, on the
// tape machine too, which would run it.
func checkOps(p *program.Program) error {
	if _, err := plan.Compile(p, plan.Options{}); err != nil {
		return err
	}
	for _, part := range append(vm.RunnerParts(), program.Evaluate) {
		g, err := p.Build(part, 1)
		if err != nil {
			if part.Optional() {
				continue
			}
			return fmt.Errorf("aegis: program %s: part %s: %w", p.Name, part, err)
		}
		if err := checkPart(p, part, g); err != nil {
			return fmt.Errorf("aegis: program %s: part %s: %w", p.Name, part, err)
		}
		if _, err := plan.CompileForward(p, g, plan.Options{}); err != nil {
			return err
		}
	}
	return nil
}

// checkPart wants a part, built for one row, to give what it is for.
func checkPart(p *program.Program, part program.Part, g *program.Graph) error {
	want := p.PixelCount()
	if part == program.Encode {
		want = p.Code
	}
	for _, out := range g.Outputs {
		shape := out.Node.Shape()
		switch {
		case part == program.Evaluate && len(shape) != 0:
			return fmt.Errorf("output %s has shape %v; want a loss term, a scalar", out.Name, shape)
		case part != program.Evaluate && (len(shape) == 0 || shape.TotalSize() != want):
			return fmt.Errorf("output %s has shape %v; want a row of %d values", out.Name, shape, want)
		}
	}
	return nil
}

// programRun is one training of a program.
type programRun struct {
	journal
	ctx     context.Context
	program *program.Program
	cfg     ProgramConfig
	hooks   []Hooks
	why     string
	from    *earlier // the run that goes on, nil: one starts
	notes   []string // on how it goes on
	rows    rows
	loader  *data.Loader
	result  ProgramResult
}

// close gives back what the run holds.
func (r *programRun) close() error {
	err := r.journal.close()
	if r.machine != nil {
		err = errors.Join(r.machine.Close(), err)
	}
	return err
}

// prepare draws rows, opens the VM and makes the run directory.
func (r *programRun) prepare(ds *data.Source, open OpenProgramVM) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if r.from, err = r.openEarlier(r.cfg.options(), run.ProgramKey); err != nil {
		return err
	}
	if r.rows.split, err = ds.Split(data.Division{Val: r.cfg.Val, Seed: uint64(r.cfg.Seed)}); err != nil {
		return &ConfigError{err}
	}
	if err := r.measure(ds); err != nil {
		return err
	}
	if err := fitsProgram(r.program, 0); err != nil {
		return err
	}
	r.rows.val, r.rows.valSet, r.rows.test = r.rows.split.Val, vm.TrainSet, train.Rows(ds.Test.Len())
	if n := ds.Val.Len(); n > 0 {
		r.rows.val, r.rows.valSet = train.Rows(n), vm.ValSet
	}
	if err := checkPlateau(r.program, len(r.rows.val)); err != nil {
		return err
	}
	if err := patient(r.cfg.Patience, len(r.rows.val)); err != nil {
		return err
	}
	if err := r.resumable(ds); err != nil {
		return err
	}
	r.loader, err = data.NewLoader(ds.Train.Rows, data.LoaderOptions{
		Batch: r.program.Batch, Seed: uint64(r.cfg.Seed), Shuffle: true, Held: r.rows.split.Held,
		Scaling: r.program.Scaling, Windows: ds.Mapped(),
	})
	if err != nil {
		return err
	}
	machine, why, err := open(r.cfg, r.program)
	if err != nil {
		return err
	}
	r.machine, r.why = machine, why
	if err := errors.Join(r.bind(vm.TrainSet, ds.Train), r.bind(vm.ValSet, ds.Val), r.bind(vm.TestSet, ds.Test)); err != nil {
		return err
	}
	r.writer.params, r.plateau = r.program.Params, r.program.Plateau()
	if r.from != nil {
		notes, err := r.goOn(r.from)
		if err != nil {
			return err
		}
		r.notes = append(notes, r.notes...)
		r.result.State, r.result.Best = r.from.state, r.from.best()
	}
	if err := r.makeDir(); err != nil {
		return err
	}
	r.from.release()
	r.begin()
	return nil
}

// resumable says why the run does not go on as it is configured, and what it goes
// on with.
func (r *programRun) resumable(ds *data.Source) (err error) {
	r.every, r.patience = r.cfg.SaveEvery, r.cfg.Patience
	r.course = course{Batch: r.program.Batch, Seed: r.cfg.Seed, DataRows: ds.Train.N}
	for _, phase := range r.program.Phases {
		r.course.Optimizers = append(r.course.Optimizers, fmt.Sprintf("%s %+v", phase.Name, phase.Optimizer))
	}
	if r.dir == nil && r.cfg.Out == "" { // nothing will be written
		return nil
	}
	if r.course.Data, err = fingerprint(ds, ds.Train, true); err != nil || r.from == nil {
		return err
	}
	d, err := r.from.programDifferences(&r.cfg, r.course)
	if err != nil {
		return err
	}
	r.notes = d.notes()
	return r.takeOver(r.from, r.rows.split.Trained(), r.cfg.Epochs, d)
}

// measure looks at all rows for what is no finite number; bytes have none.
func (r *programRun) measure(ds *data.Source) error {
	if len(ds.Train.Floats)+len(ds.Val.Floats)+len(ds.Test.Floats) == 0 {
		return nil
	}
	_, err := ds.Measure(r.ctx, r.rows.split, func(done, of int) {
		for _, h := range r.hooks {
			if h.Measure != nil {
				h.Measure(done, of)
			}
		}
	})
	return err
}

// bind gives the machine a set with its labels.
func (r *programRun) bind(name string, set data.Set) error {
	if set.Len() == 0 {
		return nil
	}
	if err := r.machine.Bind(name, set.Rows); err != nil || set.Labels == nil {
		return err
	}
	return r.machine.Label(name, widened(set.Labels))
}

func (r *programRun) makeDir() (err error) {
	if r.dir == nil && r.cfg.Out == "" {
		return nil
	}
	if r.dir == nil {
		if r.dir, err = run.Create(r.cfg.Out, r.cfg.options().replaces()); err != nil {
			return err
		}
	}
	settings := []run.Setting{{Key: programKey, Value: strings.ToValidUTF8(r.program.Name, "?")}}
	return r.fill(r.from, append(settings, r.cfg.settings()...))
}

// begin fills in what is known at the start.
func (r *programRun) begin() {
	p, params := r.program, r.program.ParamCount()
	r.writer.dir, r.writer.kind, r.writer.config = r.dir, run.ProgramKey, modelConfig{r.cfg}
	out := r.cfg.Out
	if r.dir != nil {
		out = r.dir.Out()
	}
	r.result.Summary = Summary{
		Model: p.Name, Device: r.machine.Device(), VM: r.machine.VM(), Params: params, Batch: p.Batch, Seed: r.cfg.Seed,
		Rows: r.rows.split.Trained(), PixelRange: [2]float32{p.Scaling.Pixels.Lo, p.Scaling.Pixels.Hi}, Scale: p.Scaling.Kind,
		Version: Version, Commit: Commit(), Started: time.Now().UTC(),
	}
	for _, h := range r.hooks {
		if h.Start != nil {
			h.Start(Start{
				Device: r.machine.Device(), Why: r.why, Out: out, Params: params, Notes: r.notes,
				TrainRows: r.rows.split.Trained(), ValRows: len(r.rows.val), Tests: len(r.rows.test),
			})
		}
	}
}

// train runs the loop, and keeps what it came to however it ended.
func (r *programRun) train() error {
	from, epochs := r.stands(r.from, r.cfg.Epochs)
	at, err := train.Run(r.ctx, r.machine, r.program, train.Config{
		Epochs: epochs, Rows: r.loader.Rows(), Order: r.loader.OrderBehind,
		Val: r.rows.val, ValSet: r.rows.valSet, Test: r.rows.test, LastTest: r.rows.test,
		From: from, Plateau: r.plateau, Every: r.every.Steps, Within: r.every.Time,
	}, train.Hooks{Progress: r.progress, Epoch: r.epoch, Between: func(at train.Position) error { return r.between(at, r.loader.Rows()) }})
	s := &r.result
	switch diverged := (*train.DivergedError)(nil); {
	case err == nil:
		s.Status = Finished
	case errors.As(err, &diverged):
		s.Status = Diverged
	case r.ctx.Err() != nil:
		s.Status = Interrupted
		err = errors.Join(err, r.keepAt(at))
		r.remember(r.course.Best == nil)
	default:
		s.Status = Failed
	}
	if err != nil {
		s.Error = err.Error()
	}
	s.Metrics = r.epochs
	r.account(&s.Summary)
	s.fill(s.Metrics, r.writer.model.epoch)
	if r.dir == nil {
		return err
	}
	err = errors.Join(err, r.flush())
	if s.State == nil || r.dir.Replacing() {
		return err // the earlier run's stays
	}
	return errors.Join(err, r.dir.WriteSummary(s.Summary))
}

// remember takes the state that is kept for the result, as the best too or not.
func (r *programRun) remember(best bool) {
	kept := r.writer.state
	if kept.tensors == nil {
		return
	}
	r.result.State = &program.State{Step: kept.step, Tensors: kept.tensors}
	if best {
		r.result.Best = r.result.State
	}
}

func (r *programRun) progress(p train.Progress) {
	for _, h := range r.hooks {
		if h.Progress != nil {
			h.Progress(Progress{
				Epoch: p.Epoch, Epochs: r.cfg.Epochs, Rows: p.Rows, TotalRows: p.TotalRows,
				Loss: p.Loss, ImagesPerSecond: p.ImagesPerSecond,
			})
		}
	}
}

// epoch keeps the state and a line of metrics.
func (r *programRun) epoch(e train.Epoch) error {
	m := Metrics{
		Epoch: e.Number, Step: e.Step, TrainLoss: e.Train[0], ValLoss: first(e.Val), TestLoss: first(e.Test),
		TestRows: e.TestRows, LR: e.LearningRate, Seconds: e.Seconds, ImagesPerSecond: e.ImagesPerSecond,
	}
	if len(e.Train) > 1 {
		m.Terms = r.terms(e.Train)
	}
	if err := r.finished(&m, train.Position{Epoch: e.Number, Step: e.Step}); err != nil {
		return err
	}
	r.remember(m.Best)
	r.result.Metrics = r.epochs
	for _, h := range r.hooks {
		if h.Epoch != nil {
			h.Epoch(m)
		}
	}
	return r.ended()
}

// terms names the losses of all phases, with the phase where there are several.
func (r *programRun) terms(losses []float64) map[string]float64 {
	terms, i := make(map[string]float64), 0
	for _, phase := range r.program.Phases {
		for _, out := range phase.Outputs {
			name := out.Name
			if len(r.program.Phases) > 1 {
				name = phase.Name + "." + name
			}
			terms[name] = losses[i]
			i++
		}
	}
	return terms
}
