package detect

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"aegis/data"
	"aegis/internal/infer"
)

// FitOptions are those of [Fit]; the zero value has its defaults.
type FitOptions struct {
	// FalseAlarms is the share of normal rows that exceed the threshold; 0: 0.01,
	// or what so few rows can show.
	FalseAlarms float64
	// Seed draws which of many rows are kept to measure.
	Seed uint64
}

const defaultFalseAlarms = 0.01

// Fit measures what a model makes of normal rows, of which a few percent may be
// strange: the scale of each value's errors, and how scores lie. Rows are read
// once; of more than some 65,000, or 16 million values, a sample drawn by seed is
// measured. Of a model of windows of a table the reader may have windows, or
// lines: then scores are of lines. A model that reads labels wants them.
func Fit(ctx context.Context, m *infer.Model, normal data.Reader, opt FitOptions) (*Detector, error) {
	if m.Fingerprint() == "" {
		return nil, errors.New("detect: fit: the model is empty; want one that was loaded")
	}
	d := &Detector{Version: version, Model: m.Fingerprint(), Formula: formulaOf(m)}
	d.Words = d.Formula.Words()
	var scores []float64
	var err error
	if d.OfLines = isLines(m, normal.Shape()); d.OfLines {
		scores, err = d.fitLines(ctx, m, normal)
	} else {
		scores, err = d.fitRows(ctx, m, normal, opt)
	}
	if err != nil {
		return nil, err
	}
	d.Calibration = calibrate(scores)
	if opt.FalseAlarms != 0 {
		return d, d.SetFalseAlarms(opt.FalseAlarms)
	}
	return d, d.SetFalseAlarms(max(defaultFalseAlarms, 1/float64(d.Calibration.N+1)))
}

func (d *Detector) fitRows(ctx context.Context, m *infer.Model, normal data.Reader, opt FitOptions) ([]float64, error) {
	s, err := sample(ctx, normal, opt.Seed)
	if err != nil {
		return nil, err
	}
	if s.N == 0 {
		return nil, errors.New("detect: fit: no rows; want some that are mostly normal")
	}
	labels := m.Spec().Reads(s.Labels)
	if err := d.measure(ctx, m, s.Rows, labels); err != nil {
		return nil, err
	}
	return d.Scores(ctx, m, s.Rows, labels...)
}

// measure finds the scales of errors.
func (d *Detector) measure(ctx context.Context, m *infer.Model, rows data.Rows, labels []byte) error {
	if d.Formula != Standardised {
		return d.measureHeat(ctx, m, rows, labels)
	}
	p := rows.Size()
	columns := make([][]float64, p) // errors
	err := batches(ctx, m, rows, labels, func(first int, b *batch) error {
		for i, v := range b.values {
			e := float64(v) - b.exact[i]
			if !finite(e) {
				return fmt.Errorf("detect: fit: row %d, value %d: an error of %v; want finite values, near those that the model was trained on", first+i/p, i%p, e)
			}
			columns[i%p] = append(columns[i%p], e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.Center, d.Scale = make([]float64, p), make([]float64, p)
	for j, errs := range columns {
		d.Center[j], d.Scale[j] = robust(errs)
	}
	d.floorScales()
	return nil
}

// robust returns the median of errors, and their standard deviation around it
// after the lowest and the highest 5 % were drawn in to the next: strange rows
// among many do not move it far. Errors are sorted.
func robust(errs []float64) (center, scale float64) {
	slices.Sort(errs)
	n := len(errs)
	cut := n / 20
	center = errs[n/2]
	low, high := errs[cut], errs[n-1-cut]
	for _, e := range errs {
		e := min(max(e, low), high) - center
		scale += e * e
	}
	return center, math.Sqrt(scale / float64(n))
}

// floorScales keeps a value that is nearly always rebuilt well, such as that of
// a rare category, from outweighing all others.
func (d *Detector) floorScales() {
	const share, least = 0.1, 1e-6
	sorted := slices.Sorted(slices.Values(d.Scale))
	floor := max(share*sorted[len(sorted)/2], least)
	for j, s := range d.Scale {
		d.Scale[j] = max(s, floor)
	}
}

// measureHeat finds the error that is drawn at full heat.
func (d *Detector) measureHeat(ctx context.Context, m *infer.Model, rows data.Rows, labels []byte) error {
	const share, pixels, least = 0.999, 1 << 22, 1e-12
	if few := max(1, pixels/(rows.H*rows.W)); rows.N > few { // of those drawn any will do
		rows = rows.Slice(0, few)
		if labels != nil {
			labels = labels[:few]
		}
	}
	squares := make([]float32, 0, rows.N*rows.H*rows.W)
	err := batches(ctx, m, rows, labels, func(_ int, b *batch) error {
		s, p := newSmoother(rows.Shape), rows.Size()
		for at := 0; at < len(b.values); at += p {
			for _, v := range s.square(b.values[at:][:p], b.rebuilt[at:][:p]) {
				squares = append(squares, float32(v))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(squares)
	d.FullHeat = max(least, float64(squares[int(share*float64(len(squares)-1))]))
	if !finite(d.FullHeat) {
		return errors.New("detect: fit: errors of pixels are not finite; want finite values")
	}
	return nil
}
