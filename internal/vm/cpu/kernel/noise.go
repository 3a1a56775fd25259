package kernel

import (
	"encoding/binary"
	"math/bits"

	"aegis/data/philox"
)

// Lanes is how many counters are drawn for side by side.
const Lanes = 16

// Draw is what numbers are drawn for, made ready: what the first two rounds of
// Philox have in common for all counters of a step and a row, and the keys of
// the others.
type Draw [20]uint32

// NewDraw makes a step and a row ready.
func NewDraw(s philox.Stream, step, row uint32) (d Draw) {
	const weyl0, weyl1 = 0x9E3779B9, 0xBB67AE85
	low, high := uint32(s.Seed), uint32(s.Seed>>32)
	h, l := bits.Mul32(multiplier1, step) // of the first round
	x := h ^ row ^ low
	d[0] = uint32(s.Purpose) ^ high
	low, high = low+weyl0, high+weyl1
	h0, l0 := bits.Mul32(multiplier0, x) // of the second
	d[1], d[2], d[3] = l^low, h0^high, l0
	for i := 4; i < len(d); i += 2 {
		low, high = low+weyl0, high+weyl1
		d[i], d[i+1] = low, high
	}
	return d
}

// Words draws the words of counters side by side, again and again: in turn b
// those of first[lane] + b·stride. dst[64·b + 16·j + lane] is word j.
func (s *Set) Words(dst []uint32, first *[Lanes]uint32, turns int, stride uint32, d *Draw) {
	if turns <= 0 {
		return
	}
	_ = dst[4*Lanes*turns-1]
	s.words(dst, first[:], turns, stride, d[:])
}

// Below draws as [Set.Words] does and gives a bit for each word: whether its
// upper 24 bits are below a threshold from 1 to 2²⁴−1.
func (s *Set) Below(dst []byte, first *[Lanes]uint32, turns int, stride uint32, d *Draw, threshold uint32) {
	if turns <= 0 {
		return
	}
	_ = dst[4*Lanes/8*turns-1]
	s.below(dst, first[:], turns, stride, d[:], threshold<<8)
}

// Drop multiplies by a factor where a bit is set, else by 0: dst[i] = src[i]·factor
// for bit i%8 of bits[i/8]. bits has a byte more than dst needs.
func (s *Set) Drop(dst, src []float32, bits []byte, factor float32) {
	if len(dst) == 0 {
		return
	}
	atLeast(src, len(dst))
	_ = bits[(len(dst)+7)/8]
	s.drop(dst, src, bits, factor)
}

// bitsPadding is how many bytes of bits lie behind those that are asked for:
// they are written in pieces of 64.
const bitsPadding = 16

// BitBytes is the room that bits of n values want.
func BitBytes(n int) int { return (n+63)/64*8 + bitsPadding }

// Bits draws a bit for each of n values, which is set with the chance threshold ·
// 2⁻²⁴: that of value i is of index i, as [philox.Stream.Bernoullis] draws it.
// space holds what is drawn at once.
func (s *Set) Bits(dst []byte, n int, d *Draw, threshold uint32, space []byte) {
	var first [Lanes]uint32
	for i := range first {
		first[i] = uint32(i)
	}
	turns := (n + 4*Lanes - 1) / (4 * Lanes)
	s.Below(space, &first, turns, Lanes, d, threshold)
	for t := range turns {
		word := uint64(0)
		for j := range 4 {
			word |= spread(binary.LittleEndian.Uint16(space[8*t+2*j:])) << j
		}
		binary.LittleEndian.PutUint64(dst[8*t:], word)
	}
}

// spread puts 16 bits four apart.
func spread(b uint16) uint64 {
	x := uint64(b)
	x = (x | x<<24) & 0x000000ff000000ff
	x = (x | x<<12) & 0x000f000f000f000f
	x = (x | x<<6) & 0x0303030303030303
	return (x | x<<3) & 0x1111111111111111
}

// ImageBits is [Set.Bits] of an image (channels, area) whose values lie with
// channels last: the bit of channel c at position p is of index c·area + p, and
// comes at p·channels + c. Lanes are channels; the index of a channel's first
// value is a number of words behind one that four words begin with, at the same
// word for every fourth channel at least.
func (s *Set) ImageBits(bits []byte, channels, area int, d *Draw, threshold uint32, space []byte) {
	whole := channels%Lanes == 0 // lanes fill their bytes
	if !whole {
		clear(bits[:BitBytes(channels*area)])
	}
	turns := (area + 6) / 4
	for low := 0; low < channels; low += Lanes {
		var first [Lanes]uint32
		var behind [4]uint64 // lanes by the place of their first word
		n := min(Lanes, channels-low)
		for lane := range n {
			index := (low + lane) * area
			first[lane] = uint32(index / 4)
			behind[index%4] |= 1 << lane
		}
		s.Below(space, &first, turns, 1, d, threshold)
		if whole {
			wholeBits(bits[low/8:], channels/8, space[:2*area+6], &behind)
		} else {
			addBits(bits, low, channels, space[:2*area+6], &behind)
		}
	}
}

// turned is the bits of all lanes at one position: drawn has four words of them,
// of which each lane takes the one that it is behind by.
func turned(drawn uint64, behind *[4]uint64) uint64 {
	return drawn&behind[0] | drawn>>16&behind[1] | drawn>>32&behind[2] | drawn>>48&behind[3]
}

// wholeBits puts the bits of each position where they belong, step bytes apart.
func wholeBits(bits []byte, step int, space []byte, behind *[4]uint64) {
	for ; len(space) >= 8 && len(bits) >= 2; space, bits = space[2:], bits[min(step, len(bits)):] {
		binary.LittleEndian.PutUint16(bits, uint16(turned(binary.LittleEndian.Uint64(space), behind)))
	}
}

// addBits adds the bits of each position to those that are there, which begin at
// bit low and lie channels bits apart.
func addBits(bits []byte, low, channels int, space []byte, behind *[4]uint64) {
	for at := low; len(space) >= 8; at, space = at+channels, space[2:] {
		to := bits[at/8:][:8]
		word := turned(binary.LittleEndian.Uint64(space), behind) << (at % 8)
		binary.LittleEndian.PutUint64(to, binary.LittleEndian.Uint64(to)|word)
	}
}

// BitSpace is the space that bits of n values, or of an image, want for drawing.
func BitSpace(n, channels int) int {
	return 8*max((n+4*Lanes-1)/(4*Lanes), (n/max(1, channels)+6)/4) + 8
}

// NoiseSpace is the space that a row of numbers wants while it is drawn.
type NoiseSpace struct {
	words [4 * Lanes]uint32
	pairs [4 * Lanes]float32
}

// Normals fills dst as [philox.Stream.Normals] does.
func (s *Set) Normals(dst []float32, d *Draw, space *NoiseSpace) {
	s.fours(dst, d, space, func(out *[4 * Lanes]float32, w *[4 * Lanes]uint32) {
		s.normals(out[:Lanes], out[Lanes:2*Lanes], w[:Lanes], w[Lanes:2*Lanes])
		s.normals(out[2*Lanes:3*Lanes], out[3*Lanes:], w[2*Lanes:3*Lanes], w[3*Lanes:])
	})
}

// Uniforms fills dst as [philox.Stream.Uniforms] does.
func (s *Set) Uniforms(dst []float32, d *Draw, space *NoiseSpace) {
	s.fours(dst, d, space, func(out *[4 * Lanes]float32, w *[4 * Lanes]uint32) {
		for i, v := range w {
			out[i] = float32(v>>8) * (1.0 / (1 << 24))
		}
	})
}

// Bernoullis fills dst as [philox.Stream.Bernoullis] does with a threshold.
func (s *Set) Bernoullis(dst []float32, d *Draw, threshold uint32, space *NoiseSpace) {
	s.fours(dst, d, space, func(out *[4 * Lanes]float32, w *[4 * Lanes]uint32) {
		for i, v := range w {
			out[i] = float32((v>>8 - threshold) >> 31)
		}
	})
}

// fours draws a row of numbers, 16 counters at a time: out and w have the first
// of all, then the second of all, and so on, and dst the four of each counter
// together.
func (s *Set) fours(dst []float32, d *Draw, space *NoiseSpace, of func(out *[4 * Lanes]float32, w *[4 * Lanes]uint32)) {
	var first [Lanes]uint32
	for i := range first {
		first[i] = uint32(i)
	}
	for len(dst) > 0 {
		s.Words(space.words[:], &first, 1, Lanes, d)
		of(&space.pairs, &space.words)
		for i := range first {
			first[i] += Lanes
		}
		for lane := range Lanes {
			four := [4]float32{space.pairs[lane], space.pairs[Lanes+lane], space.pairs[2*Lanes+lane], space.pairs[3*Lanes+lane]}
			if dst = dst[copy(dst, four[:]):]; len(dst) == 0 {
				return
			}
		}
	}
}
