package generate

import (
	"context"
	"fmt"
	"math"

	"aegis/data"
	"aegis/internal/analysis"
	"aegis/internal/infer"
	"aegis/model"
)

// Interpolate returns rows (n,steps,P) on the way from each of n rows to its
// counterpart, and their codes (n,steps,Z). Both ends are there: they are what
// the model rebuilds of the two rows. Where codes are held to a normal
// distribution the way is spherical (White, "Sampling Generative Networks",
// 2016), else it is a straight line. A model that reads labels decodes the first
// half as the class of the one, and the rest as that of the other.
func Interpolate(ctx context.Context, m *infer.Model, a, b data.Set, steps int) (rows, codes []float32, err error) {
	spec := m.Spec()
	z := spec.Latent
	switch {
	case a.N != b.N:
		return nil, nil, fmt.Errorf("aegis: interpolate between %d rows and %d; want as many", a.N, b.N)
	case steps < 2 || a.N > 0 && steps > math.MaxInt32/a.N/max(1, z):
		return nil, nil, fmt.Errorf("aegis: interpolate in %d steps; want at least 2, the two ends, and codes that memory holds", steps)
	}
	ends := [2][]float32{}
	for at, set := range []data.Set{a, b} {
		if ends[at], err = m.Encode(ctx, set.Rows, spec.Reads(set.Labels)...); err != nil {
			return nil, nil, err
		}
	}
	between := analysis.Lerp
	if Spherical(spec) {
		between = analysis.Slerp
	}
	codes = make([]float32, a.N*steps*z)
	var labels []byte
	for i := range a.N {
		from, to := ends[0][i*z:][:z], ends[1][i*z:][:z]
		for s := range steps {
			code := codes[(i*steps+s)*z:][:z]
			switch s {
			case 0: // the ends are exact
				copy(code, from)
			case steps - 1:
				copy(code, to)
			default:
				between(code, from, to, float64(s)/float64(steps-1))
			}
			if spec.Condition != "" {
				labels = append(labels, half(a.Labels[i], b.Labels[i], s, steps))
			}
		}
	}
	if rows, err = m.Decode(ctx, codes, labels...); err != nil {
		return nil, nil, err
	}
	return rows, codes, nil
}

func half(a, b byte, s, steps int) byte {
	if 2*s < steps {
		return a
	}
	return b
}

// Spherical says that codes lie about the sphere on which a normal distribution
// of many dimensions has nearly all that it draws.
func Spherical(spec model.Spec) bool { return spec.NormalPrior() }
