package session

import (
	"slices"

	"aegis/model"
)

// cleanLoss returns the loss of rows that are read as they are, nil where a
// network has no other.
func (t *trainer) cleanLoss(terms []float64) *float64 {
	i := slices.Index(t.evaluated, model.Clean)
	if i < 0 || i >= len(terms) {
		return nil
	}
	return finite(terms[i])
}

// corrupted returns rows as evaluation corrupts them, scaled, one behind the
// other; nil where nothing is corrupted.
func (t *trainer) corrupted(show shown, rows []int32) ([]float32, error) {
	if t.cfg.Corrupt == "" {
		return nil, nil
	}
	pixels := t.program.PixelCount()
	all, clean := make([]float32, len(rows)*pixels), make([]float32, pixels)
	for i, row := range rows {
		t.read(clean, show, row)
		if err := t.cfg.Corrupted(all[i*pixels:][:pixels], clean, uint64(t.cfg.Seed), show.set, int(row)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// named are the terms of a loss by name, nil where there is but one.
func named(names []string, terms []float64) map[string]float64 {
	if len(terms) < 2 {
		return nil
	}
	all := make(map[string]float64)
	for i, v := range terms {
		all[names[i]] = v
	}
	return all
}
