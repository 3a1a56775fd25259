package analysis

import (
	"context"
	"math"
)

// Plane is rows on their first two principal components, for a picture.
type Plane struct {
	Axes   [2][]float64 // (n) each: coordinates
	Shares [2]float64   // of the whole variance, along each; 0 where there is none
}

// planeExact is the most columns whose covariance is factorised for two
// components.
const planeExact = 128

// FitPlane finds the first two principal components of rows of at least two
// values, as [FitPCA] does, and the rows' coordinates on them. Values may be of
// any size that is finite. One row alone has no variance.
func FitPlane(ctx context.Context, m Matrix) (*Plane, error) {
	if err := m.check("plane"); err != nil {
		return nil, err
	}
	p := &Plane{Axes: [2][]float64{make([]float64, m.Rows), make([]float64, m.Rows)}}
	if m.Rows < 2 {
		return p, nil
	}
	m, scale := m.within1()
	a, err := fitPCA(ctx, m.Blocks(pcaRows), m.Cols, len(p.Axes), planeExact)
	if err != nil {
		return nil, err
	}
	along := make([]float32, m.Rows*a.K)
	if err := a.Project(ctx, along, m.Values); err != nil {
		return nil, err
	}
	for i, v := range along {
		p.Axes[i%a.K][i/a.K] = math.Ldexp(float64(v), scale)
	}
	copy(p.Shares[:], a.Shares())
	return p, nil
}

// within1 is the matrix divided by a power of two, the least with which all values
// are below 1, so that squares of very large and of very small ones are numbers
// too.
func (m Matrix) within1() (_ Matrix, power int) {
	largest := 0.0
	for _, v := range m.Values {
		largest = max(largest, math.Abs(float64(v)))
	}
	_, power = math.Frexp(largest)
	values := make([]float32, len(m.Values))
	for i, v := range m.Values {
		values[i] = float32(math.Ldexp(float64(v), -power))
	}
	m.Values = values
	return m, power
}
