// Package detect tells strange rows from normal ones by how a trained
// autoencoder rebuilds them. A [Detector] is fitted on rows most of which are
// normal; it scores others, names the columns that made a row strange, or draws
// where in an image the strangeness is.
//
// Shapes: n rows, P values in a row, H,W an image. Errors are of values as the
// network reads them, scaled.
package detect

import (
	"errors"
	"fmt"

	"aegis/internal/infer"
)

// Formula names how a score is computed.
type Formula string

// The formulas. A higher score is a stranger row.
const (
	// Standardised is that of vectors: the mean over the values of a row of
	// ((e − centre) / scale)², with e the error of a value, and centre and scale
	// those of the value's errors in the rows that the detector was fitted on.
	Standardised Formula = "standardised"
	// Smoothed is that of images: the mean over all pixels of the square of the
	// error averaged over the 3×3 pixels around each. Strokes that are missing or
	// too many stay, and the seam of every edge, which normal images have too,
	// averages out.
	Smoothed Formula = "smoothed"
	// Likelihood is that of images under a variational model: minus the
	// logarithm of the likelihood at the mean code plus the code's divergence, in
	// nats.
	Likelihood Formula = "likelihood"
)

// Words says the formula in a line.
func (f Formula) Words() string {
	switch f {
	case Standardised:
		return "mean over a row's values of ((error - centre) / scale)^2, centre and scale of each value's errors in normal rows"
	case Smoothed:
		return "mean over an image's pixels of the squared error averaged over 3x3 pixels"
	case Likelihood:
		return "minus the log-likelihood at the mean code plus the code's divergence, in nats"
	}
	return ""
}

// Detector is what a model's normal rows are like. The zero value detects
// nothing; [Fit] and [Decode] make one. Detecting changes it in nothing, and any
// number of goroutines may do so at once.
type Detector struct {
	Version int     `json:"version"`
	Model   string  `json:"model"` // fingerprint of the model that it belongs to
	Formula Formula `json:"formula"`
	Words   string  `json:"words"` // the formula in a line
	// OfLines says that scores are of the lines of a table, which a model of
	// windows reads several at a time.
	OfLines bool `json:"lines,omitempty"`

	Center []float64 `json:"center,omitempty"` // (P) of vectors' errors
	Scale  []float64 `json:"scale,omitempty"`  // (P), each above 0
	// FullHeat is the squared error of a pixel, averaged over 3×3, that is drawn at
	// full heat: one of a thousand of normal pixels has more.
	FullHeat float64 `json:"heat,omitempty"`

	Calibration Calibration `json:"calibration"`
	Threshold   Threshold   `json:"threshold"`
}

const version = 1

// Check says why the detector is none of a model.
func (d *Detector) Check(m *infer.Model) error {
	if d == nil || d.Version == 0 {
		return errors.New("detect: the detector is empty; want one that was fitted or decoded")
	}
	if d.Model != m.Fingerprint() {
		return fmt.Errorf("detect: the detector is %w; fit one on this model", infer.ErrOtherModel)
	}
	if p := m.Spec().Image; d.Formula == Standardised && len(d.Scale) != p[2] {
		return fmt.Errorf("detect: scales of %d values; want %d, as many as the model's rows have", len(d.Scale), p[2])
	}
	return nil
}

// formulaOf is the formula of a model's scores.
func formulaOf(m *infer.Model) Formula {
	spec := m.Spec()
	switch {
	case spec.Image[0] == 0 && spec.Image[1] == 0:
		return Standardised
	case spec.Variational():
		return Likelihood
	}
	return Smoothed
}
