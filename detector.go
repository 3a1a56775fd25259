package aegis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"aegis/data"
	"aegis/internal/analysis"
	"aegis/internal/atomic"
	"aegis/internal/detect"
)

// What a [Detector] is given and what it finds.
type (
	DetectorOptions = detect.FitOptions
	Finding         = detect.Finding   // of a row
	Reason          = detect.Reason    // a column that made a row strange
	Threshold       = detect.Threshold // what a score has to exceed
	Ranking         = analysis.Ranking // of scores beside what is known: ROC-AUC, average precision, F1
)

// DetectorFile is the name of a detector's file beside its model.
const DetectorFile = "detector.json"

// Detector tells strange rows from normal ones by how a model rebuilds them.
// [Model.FitDetector] and [Model.LoadDetector] make one. Any number of goroutines
// may detect at once; thresholds are set by one alone.
type Detector struct {
	model    *Model
	detector *detect.Detector
}

// FitDetector measures what the model makes of normal rows, to the reader's end,
// and sets the threshold by a rate of false alarms. The rows should be ones that
// the model was not trained on; a few percent of them may be strange. Of a model
// of windows of a table the reader may give the lines: then scores are of lines.
func (m *Model) FitDetector(ctx context.Context, normal data.Reader, o DetectorOptions) (*Detector, error) {
	if err := haveRows("fit a detector", normal); err != nil {
		return nil, err
	}
	if err := m.loaded().Ready(ctx); err != nil {
		return nil, err
	}
	d, err := detect.Fit(ctx, m.model, normal, o)
	if err != nil {
		return nil, err
	}
	return &Detector{m, d}, nil
}

// ReadDetector reads what [Detector.Write] wrote. One that was fitted on another
// model is an error that wraps [ErrOtherModel].
func (m *Model) ReadDetector(r io.Reader) (*Detector, error) {
	if err := haveReader("read a detector", r); err != nil {
		return nil, err
	}
	if err := m.loaded().Ready(context.Background()); err != nil {
		return nil, err
	}
	d, err := detect.Decode(r)
	if err != nil {
		return nil, err
	}
	if err := d.Check(m.model); err != nil {
		return nil, err
	}
	return &Detector{m, d}, nil
}

// LoadDetector reads a detector's file.
func (m *Model) LoadDetector(path string) (_ *Detector, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("aegis: detector: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	d, err := m.ReadDetector(f)
	if err != nil {
		return nil, fmt.Errorf("aegis: %s: %w", path, err)
	}
	return d, nil
}

// Model returns the model that the detector is of.
func (d *Detector) Model() *Model {
	if d == nil {
		return nil
	}
	return d.model
}

// Write writes the detector as JSON.
func (d *Detector) Write(w io.Writer) error {
	if err := haveWriter("write a detector", w); err != nil {
		return err
	}
	return d.fitted().Encode(w)
}

// Save writes the detector to a file, whole or not at all.
func (d *Detector) Save(path string) error { return atomic.WriteFile(path, d.Write) }

// Formula says in a line how a score is computed. A higher score is stranger.
func (d *Detector) Formula() string { return d.fitted().Words }

// Threshold returns what a score has to exceed to be anomalous.
func (d *Detector) Threshold() Threshold { return d.fitted().Threshold }

// FittedOn returns how many rows or lines it was fitted on.
func (d *Detector) FittedOn() int { return d.fitted().Calibration.N }

// OfLines says that scores are of the lines of a table, which the model reads in
// windows: such a detector takes [Detector.Lines].
func (d *Detector) OfLines() bool { return d.fitted().OfLines }

// SetFalseAlarms sets the threshold so that a normal row exceeds it with a chance
// of at most rate, by the rows that the detector was fitted on.
func (d *Detector) SetFalseAlarms(rate float64) error { return d.fitted().SetFalseAlarms(rate) }

// SetContamination sets the threshold so that a share of scores, the highest,
// exceeds it.
func (d *Detector) SetContamination(share float64, scores []float64) error {
	return d.fitted().SetContamination(share, scores)
}

// SetThreshold sets the threshold.
func (d *Detector) SetThreshold(value float64) error { return d.fitted().SetThreshold(value) }

// Scores returns the score of each of n rows; labels are for a model that reads
// them.
func (d *Detector) Scores(ctx context.Context, rows data.Rows, labels ...byte) ([]float64, error) {
	return d.fitted().Scores(ctx, d.Model().loaded(), rows, labels...)
}

// Detect returns what it finds of each of n rows.
func (d *Detector) Detect(ctx context.Context, rows data.Rows, labels ...byte) ([]Finding, error) {
	return d.fitted().Detect(ctx, d.Model().loaded(), rows, labels...)
}

// Lines finds what is strange of the lines of a table, in order, of a model that
// reads windows of them: a line's score is from the errors of its own values in
// all windows that have it.
func (d *Detector) Lines(ctx context.Context, lines data.Reader, each func(line int, f Finding) error) error {
	if err := haveRows("detect lines", lines); err != nil {
		return err
	}
	return d.fitted().Lines(ctx, d.Model().loaded(), lines, each)
}

// Heat returns where images are strange (n,H,W), in [0,1] on one scale for the
// whole model: a normal image stays near 0.
func (d *Detector) Heat(ctx context.Context, rows data.Rows, labels ...byte) ([]float32, error) {
	return d.fitted().Heat(ctx, d.Model().loaded(), rows, labels...)
}

// Rank sets scores beside what is known of their rows, true for an anomaly. All
// of one kind are an error.
func Rank(scores []float64, anomalies []bool) (*Ranking, error) {
	return analysis.Rank(scores, anomalies)
}

// fitted is the detector, one that detects nothing where it was not fitted.
func (d *Detector) fitted() *detect.Detector {
	if d == nil || d.detector == nil {
		return &detect.Detector{}
	}
	return d.detector
}
