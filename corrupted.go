package aegis

import (
	"fmt"

	"aegis/data"
)

// Corrupt returns rows with noise of a kind, such as gaussian:0.5, mask:0.3 or
// saltpepper:0.1, drawn by a seed: the noise that a network learns to take away
// by [Config].Corrupt. First is the number of the first row, so that pieces of a
// set get other noise each. Bytes stay bytes.
func (m *Model) Corrupt(rows data.Rows, kind string, seed uint64, first int) (data.Rows, error) {
	if err := m.loaded().Check(rows); err != nil {
		return data.Rows{}, err
	}
	spec := m.Spec()
	spec.Corrupt = kind
	if err := spec.Validate(); err != nil {
		return data.Rows{}, &ConfigError{Err: err}
	}
	scaling, size := spec.Scaled(), rows.Size()
	out := data.Rows{N: rows.N, Shape: rows.Shape, Floats: make([]float32, rows.N*size)}
	clean := make([]float32, size)
	for i := range rows.N {
		scaling.Read(clean, rows, i)
		if err := spec.Corrupted(out.FloatRow(i), clean, seed, "test", first+i); err != nil {
			return data.Rows{}, fmt.Errorf("aegis: %w", err)
		}
	}
	if scaling.Undo(out.Floats); !rows.IsBytes() {
		return out, nil
	}
	pixels, err := m.Bytes(out.Floats)
	if err != nil {
		return data.Rows{}, err
	}
	out.Bytes, out.Floats = pixels, nil
	return out, nil
}
