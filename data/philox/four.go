package philox

import "math/bits"

// four is [Block] for the counters first to first+3: four chains of products,
// none of which waits for another's.
func four(key [2]uint32, first, row, step, purpose uint32, out *[16]uint32) {
	a0, a1, a2, a3 := first, row, step, purpose
	b0, b1, b2, b3 := first+1, row, step, purpose
	c0, c1, c2, c3 := first+2, row, step, purpose
	d0, d1, d2, d3 := first+3, row, step, purpose
	k0, k1 := key[0], key[1]
	for range rounds {
		h, l := bits.Mul32(multiplier0, a0)
		m, n := bits.Mul32(multiplier1, a2)
		a0, a1, a2, a3 = m^a1^k0, n, h^a3^k1, l
		h, l = bits.Mul32(multiplier0, b0)
		m, n = bits.Mul32(multiplier1, b2)
		b0, b1, b2, b3 = m^b1^k0, n, h^b3^k1, l
		h, l = bits.Mul32(multiplier0, c0)
		m, n = bits.Mul32(multiplier1, c2)
		c0, c1, c2, c3 = m^c1^k0, n, h^c3^k1, l
		h, l = bits.Mul32(multiplier0, d0)
		m, n = bits.Mul32(multiplier1, d2)
		d0, d1, d2, d3 = m^d1^k0, n, h^d3^k1, l
		k0 += weyl0
		k1 += weyl1
	}
	*out = [16]uint32{a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3}
}
