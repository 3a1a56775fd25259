package report

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// denseCodes is the most values in a code for which the whole covariance is
// factorized. Above, only the axes that are drawn are looked for.
const denseCodes = 128

// project returns the coordinates of n codes (n,z), z ≥ 2, on their first two
// principal components and the share of the variance along each: Pearson,
// "On Lines and Planes of Closest Fit to Systems of Points in Space" (1901).
// A component points where its largest weight is positive. Without any
// variance the shares are 0. The values are changed: they lose their mean.
func project(values []float64, n, z int) (coordinates [2][]float64, share [2]float64, err error) {
	codes := mat.NewDense(n, z, values)
	total := center(codes)
	find := leadingAxes
	if z <= denseCodes {
		find = allAxes
	}
	components, variances, err := find(codes)
	if err != nil {
		return coordinates, share, err
	}
	for i, component := range components {
		if pointsBack(component) {
			floats.Scale(-1, component)
		}
		var along mat.VecDense
		along.MulVec(codes, mat.NewVecDense(z, component))
		coordinates[i] = along.RawVector().Data
		if total > 0 {
			share[i] = max(0, variances[i]) / total // rounding may put 0 below 0
		}
	}
	return coordinates, share, nil
}

// center takes the mean of each column away and returns the sum of their
// variances.
func center(codes *mat.Dense) (total float64) {
	n, z := codes.Dims()
	mean := make([]float64, z)
	for i := range n {
		floats.AddScaled(mean, 1/float64(n), codes.RawRowView(i))
	}
	for i := range n {
		row := codes.RawRowView(i)
		floats.Sub(row, mean)
		total += floats.Dot(row, row)
	}
	return total / float64(max(1, n-1))
}

// allAxes factorizes the covariance.
func allAxes(codes *mat.Dense) (components [2][]float64, variances [2]float64, err error) {
	n, z := codes.Dims()
	covariance := mat.NewSymDense(z, nil)
	if n > 1 {
		stat.CovarianceMatrix(covariance, codes, nil)
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(covariance, true) {
		return components, variances, errors.New("the eigenvalues of the covariance did not converge")
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	values := eigen.Values(nil) // ascending
	for i := range components {
		components[i], variances[i] = mat.Col(nil, z-1-i, &vectors), values[z-1-i]
	}
	return components, variances, nil
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
