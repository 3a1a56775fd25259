// Package philox draws counter-based random numbers: Philox4x32-10 of Salmon,
// Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011).
//
// A number is a pure function of (seed, purpose, step, row, index), so every
// device, any number of workers and a resumed run draw the same ones.
package philox

import "math/bits"

const (
	multiplier0 = 0xD2511F53
	multiplier1 = 0xCD9E8D57
	weyl0       = 0x9E3779B9 // golden ratio
	weyl1       = 0xBB67AE85 // sqrt(3) - 1
	rounds      = 10
)

// Block returns the four words of one counter under one key.
func Block(key [2]uint32, ctr [4]uint32) [4]uint32 {
	for range rounds {
		hi0, lo0 := bits.Mul32(multiplier0, ctr[0])
		hi1, lo1 := bits.Mul32(multiplier1, ctr[2])
		ctr = [4]uint32{hi1 ^ ctr[1] ^ key[0], lo1, hi0 ^ ctr[3] ^ key[1], lo0}
		key[0] += weyl0
		key[1] += weyl1
	}
	return ctr
}

// Purpose names what numbers are for, so that two uses never share any.
type Purpose uint32

// For hashes a name (FNV-1a, 32 bits), such as "init/encoder.0.weight".
func For(name string) Purpose {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return Purpose(h)
}

// Stream is the numbers of one purpose under one seed.
//
// The key is the seed, low word first; the counter is
// (index/4, row, step, purpose), and index%4 picks the word.
type Stream struct {
	Seed    uint64
	Purpose Purpose
}

// Uint32 returns 32 uniform bits.
func (s Stream) Uint32(step, row, index uint32) uint32 {
	key := [2]uint32{uint32(s.Seed), uint32(s.Seed >> 32)}
	return Block(key, [4]uint32{index / 4, row, step, uint32(s.Purpose)})[index%4]
}

// Float32 returns a multiple of 2^-24 in [0, 1).
func (s Stream) Float32(step, row, index uint32) float32 {
	return float32(s.Uint32(step, row, index)>>8) * (1.0 / (1 << 24))
}

// Uniform fills dst with numbers in [-bound, bound): dst[i] comes from index i.
func (s Stream) Uniform(dst []float32, bound float32) {
	key := [2]uint32{uint32(s.Seed), uint32(s.Seed >> 32)}
	for i := 0; i < len(dst); i += 4 {
		words := Block(key, [4]uint32{uint32(i / 4), 0, 0, uint32(s.Purpose)})
		for j, w := range words[:min(4, len(dst)-i)] {
			u := float32(w>>8) * (1.0 / (1 << 24)) // exact
			dst[i+j] = (2*u - 1) * bound           // 2u-1 is exact: one rounding
		}
	}
}

// Shuffle permutes rows in place (Fisher and Yates), a different way each step.
func (s Stream) Shuffle(rows []int32, step uint32) {
	for i := len(rows) - 1; i > 0; i-- {
		// A multiplication instead of a remainder; the bias is below (i+1)/2^32.
		j := uint64(s.Uint32(step, 0, uint32(i))) * uint64(i+1) >> 32
		rows[i], rows[j] = rows[j], rows[i]
	}
}
