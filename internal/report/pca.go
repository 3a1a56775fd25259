package report

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// project returns the coordinates of n codes (n,z), z ≥ 2, on their first two
// principal components and the share of the variance along each: Pearson,
// "On Lines and Planes of Closest Fit to Systems of Points in Space" (1901).
// A component points where its largest weight is positive. Without any
// variance the shares are 0.
func project(values []float64, n, z int) (coordinates [2][]float64, share [2]float64, err error) {
	codes := mat.NewDense(n, z, values)
	covariance := mat.NewSymDense(z, nil)
	if n > 1 {
		stat.CovarianceMatrix(covariance, codes, nil)
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(covariance, true) {
		return coordinates, share, errors.New("the eigenvalues of the covariance did not converge")
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	variances := eigen.Values(nil) // ascending
	total := mat.Trace(covariance)
	mean := means(codes)
	for i := range coordinates {
		at := z - 1 - i
		component := mat.Col(nil, at, &vectors)
		if pointsBack(component) {
			for j := range component {
				component[j] = -component[j]
			}
		}
		// (codes − mean)·component
		v := mat.NewVecDense(z, component)
		var along mat.VecDense
		along.MulVec(codes, v)
		coordinates[i] = along.RawVector().Data
		offset := mat.Dot(mat.NewVecDense(z, mean), v)
		for row := range coordinates[i] {
			coordinates[i][row] -= offset
		}
		if total > 0 {
			share[i] = max(0, variances[at]) / total // rounding may put 0 below 0
		}
	}
	return coordinates, share, nil
}

func means(m *mat.Dense) []float64 {
	n, z := m.Dims()
	mean := make([]float64, z)
	for j := range mean {
		mean[j] = mat.Sum(m.ColView(j)) / float64(n)
	}
	return mean
}

// pointsBack tells a vector whose first largest weight is negative.
func pointsBack(v []float64) bool {
	largest := 0
	for j := range v {
		if math.Abs(v[j]) > math.Abs(v[largest]) {
			largest = j
		}
	}
	return v[largest] < 0
}
