package kernel

import "aegis/data/philox"

// wordsGeneric is
//
//	for b := range turns {
//		for lane := range 16 {
//			word := philox.Block([2]uint32{key0, key1}, [4]uint32{first[lane] + b*stride, row, step, purpose})
//			for j := range 4 {
//				dst[64*b+16*j+lane] = word[j]
//			}
//		}
//	}
func wordsGeneric(dst, first []uint32, turns int, stride, step, row, purpose, key0, key1 uint32) {
	s := philox.Stream{Seed: uint64(key1)<<32 | uint64(key0), Purpose: philox.Purpose(purpose)}
	s.Side(dst, (*[philox.Lanes]uint32)(first), turns, stride, step, row)
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
func belowGeneric(dst []byte, first []uint32, turns int, stride, step, row, purpose, key0, key1, limit uint32) {
	var words [4 * philox.Lanes]uint32
	at := [philox.Lanes]uint32(first)
	for turn := range turns {
		wordsGeneric(words[:], at[:], 1, stride, step, row, purpose, key0, key1)
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
