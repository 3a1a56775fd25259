package report

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"aegis/data/philox"
)

const (
	subspaceSize  = 12   // vectors iterated for two axes
	subspaceSteps = 30   // at most; a spectrum that flat has no axes to speak of
	subspaceClose = 1e-5 // the residual of an axis, in shares of the largest variance
)

// leadingAxes finds the two first principal components of centered codes (n,z)
// by subspace iteration with Rayleigh-Ritz (Saad, "Numerical Methods for Large
// Eigenvalue Problems", 2011, section 5.2). The covariance is never made: a
// step is two products with the codes. It starts from fixed random vectors.
func leadingAxes(codes *mat.Dense) (components [2][]float64, variances [2]float64, err error) {
	n, z := codes.Dims()
	q := mat.NewDense(subspaceSize, z, nil) // a vector a row
	start := philox.Stream{Purpose: philox.For("principal components")}
	for i, row := range rowsOf(q) {
		for j := range row {
			row[j] = float64(start.Float32(0, uint32(i), uint32(j))) - 0.5
		}
	}
	orthonormalize(q)
	var along, image, small, turned, turnedImage mat.Dense
	for range subspaceSteps {
		along.Mul(codes, q.T())
		image.Mul(along.T(), codes) // covariance · q, a vector a row
		image.Scale(1/float64(max(1, n-1)), &image)
		small.Mul(q, image.T())
		var eigen mat.EigenSym
		if !eigen.Factorize(symmetric(&small), true) {
			return components, variances, errors.New("the eigenvalues of a subspace did not converge")
		}
		var vectors mat.Dense
		eigen.VectorsTo(&vectors)
		values := eigen.Values(nil) // ascending
		turned.Mul(vectors.T(), q)
		turnedImage.Mul(vectors.T(), &image)
		rest := 0.0
		for i := range components {
			at := subspaceSize - 1 - i
			components[i], variances[i] = mat.Row(nil, at, &turned), values[at]
			rest = max(rest, residual(turnedImage.RawRowView(at), components[i], values[at]))
		}
		if rest <= subspaceClose*math.Abs(variances[0]) {
			break
		}
		q.Copy(&turnedImage)
		orthonormalize(q)
	}
	return components, variances, nil
}

// residual is |image − value·vector|.
func residual(image, vector []float64, value float64) float64 {
	sum := 0.0
	for j, v := range image {
		d := v - value*vector[j]
		sum += d * d
	}
	return math.Sqrt(sum)
}

func rowsOf(m *mat.Dense) [][]float64 {
	n, _ := m.Dims()
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = m.RawRowView(i)
	}
	return rows
}

func symmetric(m *mat.Dense) *mat.SymDense {
	n, _ := m.Dims()
	s := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			s.SetSym(i, j, (m.At(i, j)+m.At(j, i))/2)
		}
	}
	return s
}

// orthonormalize makes the rows orthonormal by Gram and Schmidt, the last row
// first: it is the one of the largest variance. It goes over each row twice,
// so that rounding does not bring back what was taken away. A row that depends
// on the others becomes 0.
func orthonormalize(m *mat.Dense) {
	rows := rowsOf(m)
	for i := len(rows) - 1; i >= 0; i-- {
		before := floats.Norm(rows[i], 2)
		for range 2 {
			for j := len(rows) - 1; j > i; j-- {
				floats.AddScaled(rows[i], -floats.Dot(rows[i], rows[j]), rows[j])
			}
		}
		norm := floats.Norm(rows[i], 2)
		if !(norm > 1e-12*before) {
			clear(rows[i])
			continue
		}
		floats.Scale(1/norm, rows[i])
	}
}
