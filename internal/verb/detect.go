package verb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/data"
	"aegis/internal/cli"
)

// detecting is the verb detect.
type detecting struct {
	use
	outFlags
	calibrate   string
	falseAlarms float64
	share       float64
	threshold   float64
	normal      string
	heat        string
	force       bool

	given func(name string) bool // whether a flag was
	from  int                    // the row of the run's table that is row 0
}

func detectVerb(p *cli.Process) *cobra.Command {
	d := &detecting{use: use{process: p}}
	c := &cobra.Command{
		Use:   "detect RUN",
		Short: "Score how strange each row is, and say why",
		Long: "Writes a score for each row, in order: the higher the stranger; whether it exceeds the\n" +
			"threshold; and of tables the columns that made it strange, with what the model expected.\n" +
			"A model of windows gives scores of the lines of a table.\n\n" +
			"The detector is fitted once, on rows that should be normal and that the model was not\n" +
			"trained on: what --calibrate names, else rows of the run that were held out to validate,\n" +
			"else those to test, else those that it was trained on. It lies in detector.json beside the\n" +
			"model, with its threshold, which --false-alarms, --contamination or --threshold set anew at\n" +
			"any time.\n" +
			"Where rows have classes and it is known which one is normal, it says how good scores are.",
		Example: "  go run ./docs/example sensors > sensors.csv\n" +
			"  go run ./cmd/aegis train --data sensors.csv --label state --latent 5 --val 20% --out runs/sensors\n" +
			"  go run ./cmd/aegis detect runs/sensors --data sensors.csv --false-alarms 0.01 --out strange.csv",
		Args: oneRun,
		RunE: func(c *cobra.Command, args []string) error {
			d.given = func(name string) bool { return c.Flags().Changed(name) }
			if err := d.check(); err != nil {
				return err
			}
			return d.run(c.Context(), args[0])
		},
	}
	d.use.add(c)
	d.outFlags.add(c, "where findings go")
	f := c.Flags()
	f.StringVar(&d.calibrate, "calibrate", "", "fit the detector anew, on these normal rows (as --data has them)")
	f.Float64Var(&d.falseAlarms, "false-alarms", 0, "threshold: the share of normal rows that may exceed it, such as 0.01")
	f.Float64Var(&d.share, "contamination", 0, "threshold: the share of the rows that are to exceed it, such as 0.01")
	f.Float64Var(&d.threshold, "threshold", 0, "threshold: the score itself")
	f.StringVar(&d.normal, "normal-class", "", "the class of normal rows (default: the run's; else one that is called normal, good, ok, benign, inlier or, of two, 0)")
	f.StringVar(&d.heat, "heat", "", "where images are strange: a folder for a PNG of each, or .png for the ten strangest and the ten most normal on one sheet")
	f.BoolVar(&d.force, "force", false, "write into a folder that is there already")
	c.MarkFlagsMutuallyExclusive("false-alarms", "contamination", "threshold")
	return c
}

func (d *detecting) check() error {
	for name, share := range map[string]float64{"false-alarms": d.falseAlarms, "contamination": d.share} {
		if d.given(name) && !(share > 0 && share < 1) {
			return cli.Usage(fmt.Errorf("--%s %v: want a share between 0 and 1, such as 0.01", name, share))
		}
	}
	if t := d.threshold; d.given("threshold") && t-t != 0 {
		return cli.Usage(fmt.Errorf("--threshold %v: want a finite number", t))
	}
	if d.json && d.out == "-" {
		return d.apart(d.out)
	}
	if d.out != "" {
		_, err := formatOf(d.out, d.format)
		return err
	}
	return nil
}

// run fits or reads the detector and goes through the rows.
func (d *detecting) run(ctx context.Context, path string) error {
	r, m, err := d.load(path)
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }() // nothing was written to it
	d.process.Keep("what is read", d.calibrate)
	detector, fitted, err := d.detector(ctx, r, m)
	if err != nil {
		return err
	}
	changed, err := d.choose(ctx, r, m, detector)
	if err != nil {
		return err
	}
	rows, err := d.openFor(ctx, r, m, detector)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // they were read only
	if d.from > 0 {
		d.say("detect: row 0, the first of set %s, is row %d of the run's table", cmp.Or(d.set, aegis.SetTest), d.from)
	}
	if err := d.findings(ctx, r, m, detector, rows); err != nil {
		return err
	}
	if fitted || changed { // and not where the rows could not be read
		if err := detector.Save(r.Path(aegis.DetectorFile)); err != nil {
			d.say("detect: the detector is not kept, and will be fitted anew: %v", err)
		}
	}
	return nil
}

// openFor opens the rows that the detector takes: lines, where it is one of
// lines.
func (d *detecting) openFor(ctx context.Context, r *aegis.Run, m *aegis.Model, detector *aegis.Detector) (data.Reader, error) {
	d.lines = detector.OfLines()
	if d.calibrate != "" && d.data == "" { // these were for the rows of that
		d.label, d.header, d.delimiter, d.decimal, d.keys = "", "", "", "", ""
	}
	if _, ok := r.Config(); !d.lines || d.data != "" || !ok || d.limit < 0 {
		return d.open(ctx, r, m)
	}
	if err := d.asTrained(); err != nil {
		return nil, err
	}
	rows, first, err := r.Lines(ctx, m, d.set)
	if err != nil {
		return nil, err
	}
	d.from = first
	return d.first(rows), nil
}

// detector reads the one beside the model, or fits one.
func (d *detecting) detector(ctx context.Context, r *aegis.Run, m *aegis.Model) (_ *aegis.Detector, fitted bool, err error) {
	if d.calibrate == "" {
		found, err := m.LoadDetector(r.Path(aegis.DetectorFile))
		switch {
		case err == nil:
			if d.normal != "" {
				d.say("detect: the detector was fitted before; --calibrate fits it anew where another class is normal")
			}
			return found, false, nil
		case errors.Is(err, aegis.ErrOtherModel):
			d.say("detect: the detector beside the model is that of an earlier one: it is fitted anew, and its threshold set anew")
		case !errors.Is(err, fs.ErrNotExist):
			return nil, false, fmt.Errorf("%w; --calibrate fits one anew", err)
		}
	}
	rows, what, err := d.normals(ctx, r, m)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = rows.Close() }() // they were read only
	found, err := m.FitDetector(ctx, rows, aegis.DetectorOptions{})
	if err != nil {
		return nil, false, err
	}
	d.say("detect: fitted on %d %s; score: %s", found.FittedOn(), what, found.Formula())
	return found, true, nil
}

// normals opens the rows that a detector is fitted on, and says what they are.
func (d *detecting) normals(ctx context.Context, r *aegis.Run, m *aegis.Model) (data.Reader, string, error) {
	lines := m.Spec().Form.Table != nil && m.Spec().Form.Table.Window > 0
	if d.calibrate != "" {
		options := d.rowOptions()
		options.Lines, options.Set = lines, ""
		rows, err := m.OpenRows(ctx, d.calibrate, options)
		if err != nil || lines { // without some of its lines time would jump
			return rows, "lines of " + d.calibrate, err
		}
		return &normalRows{rows, d.normality(r, m).of(rows)}, "rows of " + d.calibrate, nil
	}
	if _, ok := r.Config(); !ok {
		return nil, "", errors.New("aegis: detect: no rows to fit a detector on lie beside the model: --calibrate names normal ones")
	}
	if lines {
		return ownLines(ctx, r, m)
	}
	names := d.normality(r, m)
	if err := names.check(); err != nil {
		return nil, "", err
	}
	src, err := r.OpenData(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("%w; --calibrate names normal rows", err)
	}
	for _, set := range []struct{ name, what string }{
		{aegis.SetVal, "rows that were held out"}, {aegis.SetTest, "test rows"}, {aegis.SetTrain, "rows that the model was trained on"},
	} {
		rows, err := r.Rows(src, set.name)
		if err != nil {
			continue
		}
		return &owned{Reader: &normalRows{rows, names}, source: src}, set.what, nil
	}
	return nil, "", errors.Join(errors.New("aegis: detect: the run's data have no rows"), src.Close())
}

// ownLines opens those lines of the run's table that a detector is fitted on:
// of windows that were held out, else of those that were trained on.
func ownLines(ctx context.Context, r *aegis.Run, m *aegis.Model) (data.Reader, string, error) {
	c, _ := r.Config()
	set, what := aegis.SetTrain, "lines that the model was trained on"
	switch {
	case c.Val > 0:
		set, what = aegis.SetVal, "lines that were held out"
	case c.TestSplit > 0:
		set, what = aegis.SetTest, "test lines"
	case c.Limit == 0:
		set, what = aegis.SetAll, "lines of the run's data"
	}
	rows, _, err := r.Lines(ctx, m, set)
	if err != nil {
		return nil, "", fmt.Errorf("%w; --calibrate names normal lines", err)
	}
	return rows, what, nil
}

// choose sets the threshold that is asked for.
func (d *detecting) choose(ctx context.Context, r *aegis.Run, m *aegis.Model, detector *aegis.Detector) (changed bool, err error) {
	switch {
	case d.given("threshold"):
		return true, detector.SetThreshold(d.threshold)
	case d.given("false-alarms"):
		return true, detector.SetFalseAlarms(d.falseAlarms)
	case !d.given("contamination"):
		return false, nil
	}
	if d.data == "-" {
		return false, cli.Usage(errors.New("--contamination reads the rows twice: --data names a file, not standard input"))
	}
	rows, err := d.openFor(ctx, r, m, detector)
	if err != nil {
		return false, err
	}
	defer func() { _ = rows.Close() }() // they were read only
	scores, err := d.scores(ctx, detector, rows)
	if err != nil {
		return false, err
	}
	return true, detector.SetContamination(d.share, scores)
}

// scores are those of all rows or lines, without why.
func (d *detecting) scores(ctx context.Context, detector *aegis.Detector, rows data.Reader) (scores []float64, err error) {
	if detector.OfLines() {
		err = d.eachLine(ctx, "score", detector, rows, func(_ data.Chunk, _ int, f aegis.Finding) error {
			scores = append(scores, f.Score)
			return nil
		})
		return scores, err
	}
	err = d.every(ctx, "score", rows, func(c data.Chunk) error {
		some, err := detector.Scores(ctx, c.Rows, detector.Model().Spec().Reads(c.Labels)...)
		scores = append(scores, some...)
		return err
	})
	return scores, err
}

// each calls do with the finding of each row or line: the chunk that it is of,
// and its place in it.
func (d *detecting) each(ctx context.Context, what string, detector *aegis.Detector, rows data.Reader, do func(c data.Chunk, i int, f aegis.Finding) error) error {
	if detector.OfLines() {
		return d.eachLine(ctx, what, detector, rows, do)
	}
	return d.every(ctx, what, rows, func(c data.Chunk) error {
		found, err := detector.Detect(ctx, c.Rows, detector.Model().Spec().Reads(c.Labels)...)
		if err != nil {
			return err
		}
		for i, f := range found {
			if err := do(c, i, f); err != nil {
				return err
			}
		}
		return nil
	})
}

// eachLine is each of lines, whose findings come some lines behind what is read.
func (d *detecting) eachLine(ctx context.Context, what string, detector *aegis.Detector, rows data.Reader, do func(c data.Chunk, i int, f aegis.Finding) error) error {
	p := newProgress(d.process, what, data.Len(rows))
	p.silent = p.silent || d.quiet
	defer p.close()
	w := &waiting{Reader: rows}
	return detector.Lines(ctx, w, func(line int, f aegis.Finding) error {
		p.add(1)
		label := w.take()
		c := data.Chunk{}
		if label != nil {
			c.Labels = []byte{*label}
		}
		return do(c, 0, f)
	})
}

// waiting keeps the labels of lines that were read until their findings come.
type waiting struct {
	data.Reader
	labels []byte
}

func (w *waiting) Next(n int) (data.Chunk, error) {
	c, err := w.Reader.Next(n)
	w.labels = append(w.labels, c.Labels...)
	return c, err
}

// take returns the label of the next line, nil where there is none.
func (w *waiting) take() *byte {
	if len(w.labels) == 0 {
		return nil
	}
	label := w.labels[0]
	w.labels = w.labels[1:]
	return &label
}

// exceeds is the least score above a threshold.
func exceeds(threshold float64) float64 { return math.Nextafter(threshold, math.Inf(1)) }
