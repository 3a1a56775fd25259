package detect

import (
	"context"
	"fmt"

	"aegis/data"
	"aegis/internal/infer"
)

// batchValues is about how many values are rebuilt at once.
const batchValues = 1 << 20

// batch is some rows as the network reads them, and what it makes of them.
type batch struct {
	rows    data.Rows
	labels  []byte
	values  []float32 // (n,P)
	rebuilt []float32 // (n,P), of images
	exact   []float64 // (n,P), of vectors
}

// rebuild gives rows to a model: vectors in float64, since their errors are divided
// by scales that can be a hundredth of the values, and what float32 rounds would
// show in scores.
func rebuild(ctx context.Context, m *infer.Model, rows data.Rows, labels []byte) (*batch, error) {
	b := &batch{rows: rows, labels: labels}
	var err error
	if b.values, err = m.Values(rows); err != nil {
		return nil, err
	}
	if formulaOf(m) == Standardised {
		b.exact, err = m.RebuildExactly(ctx, b.values, labels...)
	} else {
		b.rebuilt, err = m.Rebuild(ctx, b.values, labels...)
	}
	return b, err
}

// batches visits rows some at a time, in order; first is the number of a
// batch's first row.
func batches(ctx context.Context, m *infer.Model, rows data.Rows, labels []byte, visit func(first int, b *batch) error) error {
	if len(labels) != 0 && len(labels) != rows.N {
		return fmt.Errorf("detect: %d labels of %d rows; want one each, or none", len(labels), rows.N)
	}
	if rows.N != 0 || len(rows.Bytes)+len(rows.Floats) > 0 {
		if err := m.Check(rows); err != nil {
			return err
		}
	}
	some := max(1, batchValues/max(1, rows.Size()))
	for from := 0; from < rows.N; from += some {
		to := min(from+some, rows.N)
		var classes []byte
		if len(labels) > 0 {
			classes = labels[from:to]
		}
		b, err := rebuild(ctx, m, rows.Slice(from, to), classes)
		if err != nil {
			return err
		}
		if err := visit(from, b); err != nil {
			return err
		}
	}
	return nil
}

// scores computes those of a batch. first is the number of its first row, for
// errors.
func (d *Detector) scores(ctx context.Context, m *infer.Model, b *batch, first int) (scores []float64, err error) {
	p := b.rows.Size()
	switch d.Formula {
	case Likelihood:
		scores, err = m.Score(ctx, b.rows, b.labels...)
	case Smoothed:
		s := newSmoother(b.rows.Shape)
		for at := 0; at < len(b.values); at += p {
			scores = append(scores, s.mean(b.values[at:][:p], b.rebuilt[at:][:p]))
		}
	default:
		for at := 0; at < len(b.values); at += p {
			scores = append(scores, energy(d, b.values[at:][:p], b.exact[at:][:p], nil)/float64(p))
		}
	}
	if err != nil {
		return nil, err
	}
	for i, score := range scores {
		if !finite(score) {
			return nil, fmt.Errorf("detect: row %d has score %v; are its values finite, and near those that the model was trained on?", first+i, score)
		}
	}
	return scores, nil
}

// deviation is a value's standardised error.
func (d *Detector) deviation(j int, value float32, rebuilt float64) float64 {
	return (float64(value) - rebuilt - d.Center[j]) / d.Scale[j]
}

// energy is the sum of a row's squared deviations, but for those left out.
func energy[T float32 | float64](d *Detector, values []float32, rebuilt []T, leftOut []bool) (sum float64) {
	for j, v := range values {
		if leftOut == nil || !leftOut[j] {
			e := d.deviation(j, v, float64(rebuilt[j]))
			sum += e * e
		}
	}
	return sum
}
