package infer

import (
	"fmt"
	"math"

	"aegis/data"
)

// Bytes turns rows as Reconstruct and Decode return them into bytes: 0 is black and 255 white, what is beyond is cut off. Of images that were
// standardised these are three deviations below and above the mean. Of a model
// of vectors it is an error.
func (m *Model) Bytes(values []float32) ([]byte, error) {
	spec := m.Spec()
	if spec.Image[0] == 0 {
		return nil, fmt.Errorf("aegis: bytes of %s, a model of vectors; want one of images", spec.Model)
	}
	size := spec.Image[0] * spec.Image[1] * spec.Image[2]
	if len(values)%size != 0 {
		return nil, fmt.Errorf("aegis: bytes of %d values; want whole images of %d", len(values), size)
	}
	lo, hi := m.Pixels()
	if spec.Scaling != nil && spec.Scaling.Kind != data.ScaleRange {
		values = append([]float32(nil), values...)
		spec.Scaling.Apply(values)
		if spec.Scaling.Kind == data.ScaleStandard {
			const deviations = 3 // black and white
			lo, hi = -deviations, deviations
		}
	}
	out := make([]byte, len(values))
	for i, v := range values {
		share := (float64(v) - float64(lo)) / (float64(hi) - float64(lo))
		out[i] = byte(math.Round(255 * min(max(share, 0), 1))) // NaN is 0
	}
	return out, nil
}

// Corrupt returns rows with noise of a kind that a network learns to take away,
// drawn by a seed. First is the number of the first row, so that pieces of a set
// get other noise each. Bytes stay bytes.
func (m *Model) Corrupt(rows data.Rows, kind string, seed uint64, first int) (data.Rows, error) {
	if err := m.Check(rows); err != nil {
		return data.Rows{}, err
	}
	spec := m.Spec()
	spec.Corrupt = kind
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
