package generate

import (
	"context"
	"fmt"
	"math"

	"aegis/internal/infer"
)

// Options says which rows are generated.
type Options struct {
	Seed uint64
	// Class is that of all rows, by name or number, of a model that reads labels;
	// "": all classes by turns.
	Class string
	// Codes is what the codes of a plain model are drawn from. Without it codes
	// are drawn from the model's prior.
	Codes *Codes
}

// Draw returns n codes (n,Z) drawn under a seed, and their labels (n), nil where
// the model reads none.
func Draw(m *infer.Model, n int, o Options) (codes []float32, labels []byte, err error) {
	if labels, err = classes(m, n, o.Class); err != nil {
		return nil, nil, fmt.Errorf("aegis: generate: %w", err)
	}
	spec := m.Spec()
	switch z := spec.Latent; {
	case o.Codes != nil && len(o.Codes.Min) != z:
		return nil, nil, fmt.Errorf("aegis: generate: fitted on codes of %d values; the model has %d: fit its own", len(o.Codes.Min), z)
	case n < 0 || n > math.MaxInt32/max(1, z):
		return nil, nil, fmt.Errorf("aegis: generate: %d rows; want 0 to %d", n, math.MaxInt32/max(1, z))
	case o.Codes != nil:
		return o.Codes.mixture.Sample(n, o.Seed), labels, nil
	case z > 0 && !spec.Variational() && !spec.Adversarial():
		return nil, nil, fmt.Errorf("aegis: generate: %s is a plain model, whose codes have no prior; fit a mixture on codes of its training rows first", spec.Model)
	}
	if codes, err = m.Prior(n, o.Seed); err != nil {
		return nil, nil, err
	}
	return codes, labels, nil
}

// Rows returns n rows (n,P) decoded from codes that are drawn, and the codes
// (n,Z). Row i is the same however many there are.
func Rows(ctx context.Context, m *infer.Model, n int, o Options) (rows, codes []float32, err error) {
	codes, labels, err := Draw(m, n, o)
	if err != nil {
		return nil, nil, err
	}
	if rows, err = m.Decode(ctx, codes, labels...); err != nil {
		return nil, nil, err
	}
	return rows, codes, nil
}

// classes are the labels of n rows, nil where the model reads none.
func classes(m *infer.Model, n int, class string) ([]byte, error) {
	spec := m.Spec()
	if spec.Condition == "" && class != "" {
		return nil, fmt.Errorf("class %s, but %s reads no labels; want no class, or codes that are fitted on rows of it", class, spec.Model)
	}
	if spec.Condition == "" || n < 0 || n > math.MaxInt32/spec.Latent { // which drawing codes refuses
		return nil, nil
	}
	labels := make([]byte, n)
	if class == "" {
		for i := range labels {
			labels[i] = byte(i % spec.Classes)
		}
		return labels, nil
	}
	label, err := spec.Form.Class(class)
	if err != nil {
		return nil, err
	}
	if int(label) >= spec.Classes {
		return nil, fmt.Errorf("class %s; the model knows 0 to %d", class, spec.Classes-1)
	}
	for i := range labels {
		labels[i] = label
	}
	return labels, nil
}
