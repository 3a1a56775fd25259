package kernel

// Affine multiplies and adds: dst = x·scale + shift, two roundings, and where it
// is told so its ReLU.
func (s *Set) Affine(dst, x, scale, shift []float32, relu bool) {
	for _, operand := range [][]float32{x, scale, shift} {
		atLeast(operand, len(dst))
	}
	if relu {
		s.affineReLU(dst, x, scale, shift)
		return
	}
	s.affine(dst, x, scale, shift)
}

// Affine2 is shift + x·scale + y·scaleY, added up in this order, each product and
// sum rounded.
func (s *Set) Affine2(dst, x, scale, y, scaleY, shift []float32) {
	for _, operand := range [][]float32{x, scale, y, scaleY, shift} {
		atLeast(operand, len(dst))
	}
	s.affine2(dst, x, scale, y, scaleY, shift)
}

// AddSquares adds squares around a mean: dst += (x − mean)², each step rounded.
func (s *Set) AddSquares(dst, x, mean []float32) {
	atLeast(x, len(dst))
	atLeast(mean, len(dst))
	s.addSquares(dst, x, mean)
}

// AddCentred adds products and their second factors: dst += (x − mean)·g, each
// step rounded, and sum += g.
func (s *Set) AddCentred(dst, sum, x, mean, g []float32) {
	for _, operand := range [][]float32{sum, x, mean, g} {
		atLeast(operand, len(dst))
	}
	s.addCentred(dst, sum, x, mean, g)
}
