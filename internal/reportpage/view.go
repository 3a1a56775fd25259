package reportpage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"aegis/data"
	"aegis/internal/detect"
	"aegis/internal/evaluate"
	"aegis/internal/infer"
	"aegis/internal/opendata"
	"aegis/internal/session"
	"aegis/model"
)

// view is what the page says of a run.
func (r *left) view(ctx context.Context, o Options) (*Page, error) {
	v := &Page{Title: r.name, Version: session.Version}
	v.Notes = r.notes()
	v.Charts, v.Epochs = r.charts(), r.epochs()
	if r.program {
		v.Subtitle = "a program of one's own"
		v.Facts = r.facts(nil)
		v.Speed = r.speed(nil)
		v.Data = r.dataFacts(nil)
		v.Repeat = r.repeat()
		return v, r.pictures(v)
	}
	m, err := infer.Load(r.file, o.Open)
	if err != nil {
		return nil, err
	}
	defer func() { _ = m.Close() }() // nothing was written to it
	spec := m.Spec()
	v.Subtitle = kindOf(spec)
	v.Facts, v.Speed, v.Data = r.facts(&spec), r.speed(&spec), r.dataFacts(&spec)
	v.Config, v.Changed = r.options()
	v.Repeat = r.repeat()
	if v.Layers, err = layers(spec); err != nil {
		return nil, err
	}
	if v.Plan, err = r.plan(spec, o); err != nil {
		return nil, err
	}
	if err := r.pictures(v); err != nil {
		return nil, err
	}
	return v, r.judge(ctx, v, m, o)
}

// kindOf says what a network is.
func kindOf(s model.Spec) string {
	kind := "autoencoder"
	switch {
	case s.Variational() && s.Condition != "":
		kind = "conditional variational autoencoder"
	case s.Variational():
		kind = "variational autoencoder"
	case s.Adversarial():
		kind = "adversarial autoencoder"
	case s.Corrupt != "":
		kind = "denoising autoencoder"
	}
	what := "of vectors of " + strconv.Itoa(s.Image[2]) + " values"
	if s.Image[0] > 0 {
		what = fmt.Sprintf("of images of %s", data.Shape{C: s.Image[0], H: s.Image[1], W: s.Image[2]})
	}
	article := "a"
	if strings.HasPrefix(kind, "a") {
		article = "an"
	}
	return fmt.Sprintf("%s, %s %s %s", s.Model, article, kind, what)
}

// notes are what a reader has to know first.
func (r *left) notes() (notes []Note) {
	bad := func(text string) { notes = append(notes, Note{"bad", text}) }
	s := r.summary
	switch {
	case s == nil && r.resumable:
		bad("The run has no summary: it is still training, or was cut short. What stands here is what it had so far.")
	case s == nil && len(r.metrics) == 0:
		notes = append(notes, Note{"plain", "No run trained this model here: it was imported, or its file came here alone. It has no curves."})
	case s == nil:
		bad("The run has no summary. What stands here is what it had so far.")
	case s.Status == session.Diverged:
		bad("The run diverged: a loss stopped being a finite number. The model is that of the best epoch before.")
	case s.Status == session.Interrupted:
		bad("The run was interrupted. The model is that of the best epoch so far.")
	case s.Status != session.Finished:
		bad(fmt.Sprintf("The run ended with the status %s.", s.Status))
	}
	if s == nil {
		return notes
	}
	if s.Error != "" {
		bad("Error: " + s.Error)
	}
	for _, text := range s.Warnings {
		notes = append(notes, Note{"warn", text})
	}
	for _, text := range s.Faults {
		notes = append(notes, Note{"warn", text})
	}
	return notes
}

// facts are the run at a glance.
func (r *left) facts(spec *model.Spec) (facts []Fact) {
	add := func(name, format string, args ...any) {
		facts = append(facts, Fact{name, fmt.Sprintf(format, args...)})
	}
	if s := r.summary; s != nil {
		add("Status", "%s", s.Status)
		add("Epochs", "%d, the model is of epoch %d", s.Epochs, s.BestEpoch)
		for _, l := range []struct {
			name string
			loss *float64
		}{{"Training loss", s.TrainLoss}, {"Validation loss", s.ValLoss}, {"Test loss", s.TestLoss}, {"Test loss of clean rows", s.CleanLoss}} {
			if l.loss != nil {
				add(l.name, "%s", short(*l.loss))
			}
		}
		if s.VarianceExplained != nil {
			add("Variance explained", "%.1f %%", 100**s.VarianceExplained)
		} else if s.Better != nil {
			add("Better than the mean row", "%.1f %%", 100**s.Better)
		}
		add("Parameters", "%d", s.Params)
		if s.ActiveUnits != nil {
			add("Active dimensions of the code", "%d of %d", *s.ActiveUnits, len(s.KLDimensions))
		}
	} else {
		if n := len(r.metrics); n > 0 {
			add("Epochs so far", "%d", n)
			add("Training loss", "%s", short(r.metrics[n-1].TrainLoss))
		}
		if r.program {
			add("Parameters", "%d", r.tensors)
		}
	}
	if spec != nil {
		add("Code", "%d values", spec.Latent)
		add("Loss", "%s", lossWords(*spec))
	}
	return facts
}

// lossWords says what a network's loss is.
func lossWords(s model.Spec) string {
	if s.Variational() {
		text := fmt.Sprintf("likelihood %s and divergence, nats a row", s.Likelihood)
		if s.Beta != 1 {
			text += fmt.Sprintf(", beta %g", s.Beta)
		}
		return text
	}
	return fmt.Sprintf("%s, mean over values as the network reads them", s.Loss)
}

// short is a number in five digits.
func short(v float64) string { return strconv.FormatFloat(v, 'g', 5, 64) }

// speed is what training took.
func (r *left) speed(spec *model.Spec) (facts []Fact) {
	add := func(name, format string, args ...any) {
		facts = append(facts, Fact{name, fmt.Sprintf(format, args...)})
	}
	if s := r.summary; s != nil {
		add("Device", "%s", s.Device)
		if s.VM != "" {
			add("Virtual machine", "%s", s.VM)
		}
		if s.EpochSeconds > 0 {
			add("Time of an epoch", "%.2f s", s.EpochSeconds)
			add("Speed", "%.0f rows a second", s.ImagesPerSecond)
		}
		if !s.Started.IsZero() && s.Finished.After(s.Started) {
			add("In all", "%s, from %s to %s", s.Finished.Sub(s.Started).Round(time.Millisecond), s.Started.Format(time.DateTime), s.Finished.Format("2006-01-02 15:04:05 MST"))
		}
	}
	if spec == nil {
		return facts
	}
	c, err := spec.Cost()
	if err != nil {
		return facts
	}
	add("Way forward", "%.3f MFLOPs a row", c.FLOPs/1e6)
	add("Training", "%.3f MFLOPs a row", c.StepFLOPs/1e6)
	if s := r.summary; s != nil && s.ImagesPerSecond > 0 {
		add("Arithmetic while training", "%.1f GFLOPS", c.StepFLOPs*s.ImagesPerSecond/1e9)
	}
	add("Memory for training", "%s for parameters, gradients and optimizer; %s for activations", model.BytesText(c.ParamBytes), model.BytesText(c.ActivationBytes))
	return facts
}

// plan is the plan that the CPU trains by, "" where none can be made.
func (r *left) plan(spec model.Spec, o Options) (string, error) {
	if o.Plan == nil || r.config == nil {
		return "", nil
	}
	c := *r.config
	c.Spec = spec
	if r.summary != nil {
		c.Rows = r.summary.Rows
	}
	text, err := o.Plan(c)
	if err != nil && r.summary == nil { // how many rows an epoch has nobody knows
		return "", nil
	}
	return text, err
}

// layers is a table of the network.
func layers(spec model.Spec) (*Table, error) {
	t := &Table{Caption: "Layers in the order of the data", Words: 2, Head: []string{"Layer", "Kind", "Activation", "Input", "Output", "Parameters", "MFLOPs"}}
	all, err := spec.Layers()
	if err != nil {
		return nil, err
	}
	more, err := spec.DiscriminatorLayers()
	if err != nil {
		return nil, err
	}
	shape := func(s []int) string { return strings.Trim(strings.ReplaceAll(fmt.Sprint(s), " ", "×"), "[]") }
	t.Words = 3
	for _, l := range append(all, more...) {
		t.Rows = append(t.Rows, []string{
			l.Name, string(l.Kind), l.Activation.String(), shape(l.In), shape(l.Out), strconv.Itoa(l.Params()), fmt.Sprintf("%.3f", l.FLOPs()/1e6),
		})
	}
	return t, nil
}

// dataFacts say what was trained on.
func (r *left) dataFacts(spec *model.Spec) (facts []Fact) {
	add := func(name, format string, args ...any) {
		facts = append(facts, Fact{name, fmt.Sprintf(format, args...)})
	}
	if c := r.config; c != nil {
		what := string(c.Data)
		if what == "" {
			what = data.MNIST
		}
		add("Data", "%s", what)
		for _, h := range []struct {
			name string
			held data.Held
		}{{"Held out to validate", c.Val}, {"Held out to test with", c.TestSplit}} {
			if h.held > 0 {
				add(h.name, "%v, drawn by seed %d and by class", h.held, c.Seed)
			}
		}
		if c.NormalClass != "" {
			add("Trained on the class", "%s", c.NormalClass)
		}
		if c.Limit > 0 {
			add("Limit", "the first %d rows", c.Limit)
		}
	}
	if s := r.summary; s != nil {
		add("Rows trained on", "%d", s.Rows)
		if s.TestRows > 0 {
			add("Rows tested with", "%d", s.TestRows)
		}
	}
	if r.print != "" {
		add("Rows of the training set", "%d", r.rows)
		add("Fingerprint of the rows", "%s", r.print)
	}
	if spec == nil {
		return facts
	}
	add("A row", "%s", data.Shape{C: spec.Image[0], H: spec.Image[1], W: spec.Image[2]})
	add("What the network reads", "%s", spec.Scaled())
	if t := spec.Form.Table; t != nil {
		if t.Window > 0 {
			add("Windows", "%d lines, a new one each %d", t.Window, t.Step)
		}
		add("Columns", "%s", strings.Join(t.Columns(), ", "))
	}
	if len(spec.Form.Classes) > 0 {
		add("Classes", "%s", strings.Join(spec.Form.Classes, ", "))
	}
	return facts
}

// judge says how good the model is, on rows.
func (r *left) judge(ctx context.Context, v *Page, m *infer.Model, o Options) (err error) {
	rows, of, closing, err := r.rowsToJudge(ctx, m, o)
	if err != nil && o.Rows != nil {
		return err
	}
	if err != nil {
		v.Notes = append(v.Notes, Note{"plain", "The model is not judged here: " + err.Error()})
		return ctx.Err()
	}
	defer func() { err = errors.Join(err, closing()) }()
	s, err := sample(ctx, rows, o.Most, o.Progress)
	if err != nil {
		return err
	}
	s.Of = of
	if m.Spec().Condition == "" && len(s.Labels) != s.N {
		s.Labels = nil
	}
	d, err := r.readDetector()
	if err == nil && d != nil {
		err = d.Check(m)
	}
	if err != nil {
		v.Notes = append(v.Notes, Note{"warn", "The detector is left out: " + err.Error()})
		d = nil
	}
	j := &judging{page: v, model: m, rows: s, detector: d, o: o}
	if o.Rows == nil {
		j.lines = r.linesOf(m)
	}
	if o.Evaluation == nil {
		j.train = r.trainingRows(ctx, m, o)
	}
	return j.run(ctx)
}

// rowsToJudge are rows by which the model is judged, and what they are.
func (r *left) rowsToJudge(ctx context.Context, m *infer.Model, o Options) (rows data.Reader, of string, closing func() error, err error) {
	if o.Rows != nil {
		rows, err = o.Rows(ctx, m)
		if err != nil {
			return nil, "", nil, err
		}
		return rows, o.RowsOf, rows.Close, nil
	}
	if r.config == nil {
		return nil, "", nil, errors.New("no config.toml lies beside it, which would say what it was trained on; name the data")
	}
	src, err := opendata.Open(ctx, *r.config, opendata.Options{Progress: o.Progress})
	if err != nil {
		return nil, "", nil, session.OfRun(err)
	}
	for _, set := range []struct{ name, of string }{
		{session.SetTest, "the test set"}, {session.SetVal, "the rows held out to validate"}, {session.SetAll, "the training set, all that the run has"},
	} {
		if rows, err = opendata.Set(*r.config, src, set.name); err == nil {
			return rows, set.of, func() error { return errors.Join(rows.Close(), src.Close()) }, nil
		}
	}
	return nil, "", nil, errors.Join(err, src.Close())
}

// trainingRows are rows that the model was trained on, none where they are not
// there.
func (r *left) trainingRows(ctx context.Context, m *infer.Model, o Options) data.Set {
	if r.config == nil {
		return data.Set{}
	}
	src, err := opendata.Open(ctx, *r.config, opendata.Options{Progress: o.Progress})
	if err != nil {
		return data.Set{}
	}
	defer func() { _ = src.Close() }() // it was read only
	const twice = 2
	set, err := opendata.Sample(*r.config, src, session.SetTrain, room(twice*o.Most, src.Train.Shape.Size()))
	if err != nil || m.Check(set.Rows) != nil {
		return data.Set{}
	}
	return set
}

// evaluation is what was found before, or is found now.
func (j *judging) evaluation(ctx context.Context) (*evaluate.Result, error) {
	if j.o.Evaluation != nil {
		return j.o.Evaluation, nil
	}
	const samples, rows = 100, 200
	return evaluate.Run(ctx, j.model, data.NewReader(j.rows.Set), evaluate.Options{
		Train: j.train, Likelihood: samples, LikelihoodRows: rows, Seed: 1, Progress: j.o.Progress,
	})
}

// labels are those that the model reads.
func (j *judging) labels() []byte { return j.model.Spec().Reads(j.rows.Labels) }

// judging is the part of the page that needs the model.
type judging struct {
	page     *Page
	model    *infer.Model
	rows     sampled
	train    data.Set
	detector *detect.Detector // nil: there is none
	lines    lines            // of a detector of lines; nil: there are none
	o        Options

	losses []float64
	scores []float64 // of the detector of rows; nil: there is none
}

func (j *judging) run(ctx context.Context) (err error) {
	if j.losses, err = j.model.Score(ctx, j.rows.Rows, j.labels()...); err != nil {
		return err
	}
	if d := j.detector; d != nil && !d.OfLines {
		if j.scores, err = d.Scores(ctx, j.model, j.rows.Rows, j.labels()...); err != nil {
			return err
		}
	}
	found, err := j.evaluation(ctx)
	if err != nil {
		return err
	}
	j.metrics(found)
	j.classes(found)
	if err := j.describeDetector(ctx); err != nil {
		return err
	}
	return j.strange(ctx)
}

// ranked is the numbers of the rows, the strangest first.
func (j *judging) ranked() []int {
	by := j.by()
	order := make([]int, len(by))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case by[a] > by[b]:
			return -1
		case by[a] < by[b]:
			return 1
		}
		return 0
	})
	return order
}

// by is what says how strange a row is.
func (j *judging) by() []float64 {
	if j.scores != nil {
		return j.scores
	}
	return j.losses
}
