package kernel

import (
	"math/bits"

	"aegis/data/philox"
)

// The multipliers of Philox4x32-10.
const multiplier0, multiplier1 = 0xD2511F53, 0xCD9E8D57

// wordsGeneric is
//
//	for b := range turns {
//		for lane := range 16 {
//			// of the step and the row that table was made of
//			word := philox.Block(key, [4]uint32{first[lane] + b*stride, row, step, purpose})
//			for j := range 4 {
//				dst[64*b+16*j+lane] = word[j]
//			}
//		}
//	}
func wordsGeneric(dst, first []uint32, turns int, stride uint32, table []uint32) {
	for turn := range turns {
		words := (*[64]uint32)(dst[64*turn:])
		for lane, c := range first[:16] {
			words[lane], words[16+lane], words[32+lane], words[48+lane] = philoxed(c+uint32(turn)*stride, (*[20]uint32)(table))
		}
	}
}

// philoxed is the words of a counter.
func philoxed(c uint32, table *[20]uint32) (a0, a1, a2, a3 uint32) {
	h, l := bits.Mul32(multiplier0, c)
	m, n := bits.Mul32(multiplier1, h^table[0])
	a0, a1, a2, a3 = m^table[1], n, l^table[2], table[3]
	for i := 4; i < len(table); i += 2 {
		h, l = bits.Mul32(multiplier0, a0)
		m, n = bits.Mul32(multiplier1, a2)
		a0, a1, a2, a3 = m^a1^table[i], n, h^a3^table[i+1], l
	}
	return a0, a1, a2, a3
}

// belowGeneric is wordsGeneric, of whose words it says which are below a limit:
//
//	for i, word := range words {
//		if word < limit {
//			dst[i/8] |= 1 << (i % 8)
//		}
//	}
//
// with dst zero before.
func belowGeneric(dst []byte, first []uint32, turns int, stride uint32, table []uint32, limit uint32) {
	var words [4 * Lanes]uint32
	at := [Lanes]uint32(first)
	for turn := range turns {
		wordsGeneric(words[:], at[:], 1, stride, table)
		for i := range at {
			at[i] += stride
		}
		for i := range 8 {
			b := byte(0)
			for j, word := range words[8*i:][:8] {
				b |= byte((uint64(word)-uint64(limit))>>63) << j
			}
			dst[8*turn+i] = b
		}
	}
}

// dropGeneric is
//
//	for i := range dst {
//		dst[i] = src[i] * factor // or times 0, where bit i%8 of bits[i/8] is 0
//	}
func dropGeneric(dst, src []float32, bits []byte, factor float32) {
	by := [2]float32{0, factor}
	for i, v := range src[:len(dst)] {
		dst[i] = v * by[bits[i/8]>>(i%8)&1]
	}
}

// normalsGeneric is
//
//	for i := range first {
//		first[i], second[i] = philox.Pair(a[i], b[i])
//	}
func normalsGeneric(first, second []float32, a, b []uint32) {
	a, b, second = a[:len(first)], b[:len(first)], second[:len(first)]
	for i := range first {
		first[i], second[i] = philox.Pair(a[i], b[i])
	}
}
