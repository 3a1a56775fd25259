package philox

import "math"

// Uniforms fills dst with multiples of 2^-24 in [0, 1): dst[i] comes from
// index i of a step and row, as [Stream.Float32] gives it.
func (s Stream) Uniforms(dst []float32, step, row uint32) {
	s.words(len(dst), step, row, func(i int, words []uint32) {
		for j, w := range words {
			dst[i+j] = float32(w>>8) * (1.0 / (1 << 24))
		}
	})
}

// Bernoullis fills dst with 1, with the chance p rounded to a multiple of
// 2^-24, and 0.
func (s Stream) Bernoullis(dst []float32, step, row uint32, p float64) {
	below := Threshold(p)
	s.words(len(dst), step, row, func(i int, words []uint32) {
		to := dst[i:][:len(words)]
		for j, w := range words {
			to[j] = float32((w>>8 - below) >> 31) // both are at most 2^24: the sign of their difference
		}
	})
}

// Threshold returns a chance in [0, 1] in units of 2^-24.
func Threshold(p float64) uint32 { return uint32(math.RoundToEven(p * (1 << 24))) }

// words calls visit with the words of indices from i on, up to n-1 in all.
func (s Stream) words(n int, step, row uint32, visit func(i int, words []uint32)) {
	key := [2]uint32{uint32(s.Seed), uint32(s.Seed >> 32)}
	var out [16]uint32
	for i := 0; i < n; i += len(out) {
		four(key, uint32(i/4), row, step, uint32(s.Purpose), &out)
		visit(i, out[:min(len(out), n-i)])
	}
}

// Normals fills dst with numbers of the normal distribution, by Box and Muller,
// "A Note on the Generation of Random Normal Deviates" (1958): indices 2k and
// 2k+1 come from the words of both,
//
//	r = √(−2·ln((a+1)·2⁻²⁴)),  dst[2k] = r·cos(2π·b·2⁻²⁴),  dst[2k+1] = r·sin(2π·b·2⁻²⁴)
//
// with a and b the upper 24 bits of the words. All is float32 with every
// operation rounded by itself, so that any processor that adds, multiplies,
// divides and takes roots as IEEE 754 says has the same numbers. The conversions of
// products to float32 say so: without them Go may leave out a product's rounding.
func (s Stream) Normals(dst []float32, step, row uint32) {
	s.words((len(dst)+1)/2*2, step, row, func(i int, words []uint32) {
		for j := 0; j < len(words); j += 2 {
			first, second := Pair(words[j], words[j+1])
			dst[i+j] = first
			if i+j+1 < len(dst) {
				dst[i+j+1] = second
			}
		}
	})
}

// Pair makes two numbers of the normal distribution of two words, as
// [Stream.Normals] does.
func Pair(a, b uint32) (first, second float32) {
	a, b = a>>8, b>>8
	r := float32(math.Sqrt(float64(-2 * logarithm(a+1)))) // rounded once: a float64 holds the root of a float32 to more than twice its bits
	sin, cos := circle(b)
	return float32(r * cos), float32(r * sin)
}

// logarithm returns ln(k·2⁻²⁴) for 1 ≤ k ≤ 2²⁴. With k = m·2ᵉ and m in
// [√½, √2) it is (e−24)·ln 2 + 2·artanh((m−1)/(m+1)), whose series is short.
func logarithm(k uint32) float32 {
	bits := math.Float32bits(float32(k)) // exact
	const half = 0x3F3504F3              // of √½
	e := int32(bits-half) >> 23
	m := math.Float32frombits(bits - uint32(e)<<23)
	s := (m - 1) / (m + 1)
	q := s * s
	p := float32(q * (1.0 / 9))
	p = float32(q * (1.0/7 + p))
	p = float32(q * (1.0/5 + p))
	p = float32(q * (1.0/3 + p))
	s2 := s + s
	series := s2 + float32(s2*p)
	const high, low = 0.693145751953125, 1.4286068203094172321e-6 // ln 2, its upper bits exact in products with e
	n := float32(e - 24)
	return float32(n*high) + float32(series+float32(n*low))
}

// circle returns sine and cosine of 2π·k·2⁻²⁴ for k below 2²⁴. The nearest
// quarter turn is taken off, which is exact; what is left is within π/4.
func circle(k uint32) (sin, cos float32) {
	const quarter = 1 << 22
	k += quarter / 2
	turn := k / quarter % 4
	x := float32(float32(int32(k%quarter)-quarter/2) * (math.Pi / 2 / quarter))
	q := x * x
	s := float32(q * (1.0 / 362880))
	s = float32(q * (-1.0/5040 + s))
	s = float32(q * (1.0/120 + s))
	s = float32(q * (-1.0/6 + s))
	s = x + float32(x*s)
	c := float32(q * (-1.0 / 3628800))
	c = float32(q * (1.0/40320 + c))
	c = float32(q * (-1.0/720 + c))
	c = float32(q * (1.0/24 + c))
	c = float32(q * (-0.5 + c))
	c = 1 + c
	switch turn {
	case 1:
		return c, -s
	case 2:
		return -s, -c
	case 3:
		return -c, s
	}
	return s, c
}
