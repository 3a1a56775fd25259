package detect

import (
	"context"
	"errors"
	"fmt"

	"aegis/data"
	"aegis/internal/infer"
)

// Finding is what was found of a row.
type Finding struct {
	Score     float64
	Anomalous bool // Score exceeds the threshold
	// Columns are why, the strongest first: of vectors that are anomalous, or
	// among the 5 % of the highest scores by the calibration.
	Columns []Reason
}

// Reason is a column that made a row strange.
type Reason struct {
	Column   int     // number of the value in its row, or in its line
	Name     string  // of the column, "" where they have none
	Value    float64 // as the row has it
	Expected float64 // as the model rebuilds it of the values that are not strange
	// Share is which part of the score goes with it, when it becomes what was
	// expected.
	Share float64
}

// Reasons are named until what is left of a row scores like a normal one, but
// no more of them than so many, and none that goes with next to nothing of the
// score beside the strongest.
const (
	maxReasons  = 4
	normalShare = 0.5  // of normal rows that score less than what is left may
	leastShare  = 0.02 // of the strongest one's share
	nearShare   = 0.95 // of normal rows that score less than one that is explained
)

// explained says that a row of a score is strange enough to say why.
func (d *Detector) explained(score float64) bool {
	return score > min(d.Threshold.Value, d.Calibration.quantile(nearShare))
}

// Scores returns the score of each of n rows.
func (d *Detector) Scores(ctx context.Context, m *infer.Model, rows data.Rows, labels ...byte) ([]float64, error) {
	if err := d.Check(m); err != nil {
		return nil, err
	}
	all := make([]float64, 0, rows.N)
	err := batches(ctx, m, rows, labels, func(first int, b *batch) error {
		scores, err := d.scores(ctx, m, b, first)
		all = append(all, scores...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Detect returns what it finds of each of n rows. A row's finding depends on
// nothing beside it.
func (d *Detector) Detect(ctx context.Context, m *infer.Model, rows data.Rows, labels ...byte) ([]Finding, error) {
	if err := d.Check(m); err != nil {
		return nil, err
	}
	if d.OfLines {
		return nil, errors.New("detect: rows for a detector of lines, whose threshold is of lines; want a reader of lines, or a detector that was fitted on windows")
	}
	found := make([]Finding, 0, rows.N)
	err := batches(ctx, m, rows, labels, func(first int, b *batch) error {
		scores, err := d.scores(ctx, m, b, first)
		if err != nil {
			return err
		}
		for _, score := range scores {
			found = append(found, Finding{Score: score, Anomalous: score > d.Threshold.Value})
		}
		if d.Formula != Standardised {
			return nil
		}
		if err := d.explain(ctx, m, b, found[first:]); err != nil {
			return fmt.Errorf("detect: columns of rows from %d on: %w", first, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}
