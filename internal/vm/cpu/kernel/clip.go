package kernel

// Clip bounds the values of a gradient and scales them: dst = min(max(g, −limit),
// limit)·factor. An infinite limit is none.
func (s *Set) Clip(dst, g []float32, limit, factor float32) {
	atLeast(g, len(dst))
	s.clip(dst, g, limit, factor)
}

// SumSquares adds the squares of a gradient's values, bounded as [Set.Clip]
// does, in float64, which they do not leave, in an order that depends on len(g)
// only.
func (s *Set) SumSquares(g []float32, limit float32) float64 { return s.sumSquares(g, limit) }
