package images

import "encoding/binary"

// bitReader reads the bits between two markers.
type bitReader struct {
	rest  []byte
	bits  uint64 // the next ones, from the top
	count uint   // how many there are
}

// fill has at least 32 bits ready, where there are so many before a marker.
func (r *bitReader) fill() {
	if r.count > 32 {
		return
	}
	if len(r.rest) >= 4 {
		next := binary.BigEndian.Uint32(r.rest)
		// No byte of it is 0xff, behind which zeros are stuffed.
		if (next&^(next+0x01010101))&0x80808080 == 0 {
			r.bits |= uint64(next) << (32 - r.count)
			r.count += 32
			r.rest = r.rest[4:]
			return
		}
	}
	for r.count <= 56 && len(r.rest) > 0 {
		b := r.rest[0]
		if b == 0xff {
			if len(r.rest) < 2 || r.rest[1] != 0 {
				return
			}
			r.rest = r.rest[1:]
		}
		r.rest = r.rest[1:]
		r.bits |= uint64(b) << (56 - r.count)
		r.count += 8
	}
}

// take drops bits. It is false where there were not so many.
func (r *bitReader) take(n uint) bool {
	if n > r.count {
		return false
	}
	r.bits <<= n
	r.count -= n
	return true
}

// signed reads a number of so many bits, up to 16; one whose first bit is 0 is
// negative.
func (r *bitReader) signed(n uint) (v int32, ok bool) {
	if n == 0 {
		return 0, true
	}
	r.fill()
	v = extend(int32(r.bits>>(64-n)), n)
	return v, r.take(n)
}

// extend makes a signed number of n bits.
func extend(v int32, n uint) int32 {
	if v < 1<<(n-1) {
		v -= 1<<n - 1
	}
	return v
}

// marker takes a marker that follows, when less than a byte is left before it.
func (r *bitReader) marker(want byte) bool {
	r.fill()
	if r.count >= 8 || len(r.rest) < 2 || r.rest[0] != 0xff || r.rest[1] != want {
		return false
	}
	*r = bitReader{rest: r.rest[2:]}
	return true
}

// quickBits are looked up at once.
const quickBits = 10

// huffman is a table of codes.
type huffman struct {
	// quick has, by the next bits, a run of zeros and the value behind it where
	// both are in these bits: value<<16 | run<<8 | bits. 0: they are not.
	quick [1 << quickBits]int32
	// symbols has bits<<8 | symbol of a code, 0: it is longer.
	symbols [1 << quickBits]uint16
	ends    [17]uint32 // behind the last code of so many bits, as 16 bits
	offsets [17]int    // from a code to its place in values
	values  []byte
}

// newHuffman makes a table of the number of codes of each length.
func newHuffman(counts [16]byte, values []byte) (h *huffman, ok bool) {
	h = &huffman{values: values}
	code, at := 0, 0
	for n := 1; n <= 16; n++ {
		h.offsets[n] = at - code
		for range counts[n-1] {
			if code >= 1<<n {
				return nil, false
			}
			h.enter(code, n, values[at])
			code, at = code+1, at+1
		}
		h.ends[n] = uint32(code) << (16 - n)
		code <<= 1
	}
	return h, at > 0
}

// enter has a short code looked up.
func (h *huffman) enter(code, n int, symbol byte) {
	if n > quickBits {
		return
	}
	free := quickBits - n
	for i := range 1 << free {
		bits := code<<free | i
		h.symbols[bits] = uint16(n)<<8 | uint16(symbol)
		if size := int(symbol & 15); size > 0 && size <= free {
			v := extend(int32(i>>(free-size)), uint(size))
			h.quick[bits] = v<<16 | int32(symbol>>4)<<8 | int32(n+size)
		}
	}
}

// symbol reads a code.
func (h *huffman) symbol(r *bitReader) (byte, bool) {
	r.fill()
	if s := h.symbols[r.bits>>(64-quickBits)]; s != 0 {
		return byte(s), r.take(uint(s >> 8))
	}
	next := uint32(r.bits >> 48)
	for n := quickBits + 1; n <= 16; n++ {
		if next < h.ends[n] {
			at := int(next>>(16-n)) + h.offsets[n]
			if at < 0 || at >= len(h.values) {
				return 0, false
			}
			return h.values[at], r.take(uint(n))
		}
	}
	return 0, false
}

// coefficient reads how many zeros there are before a value, and the value: 0
// behind 15 of them are sixteen zeros, behind none the end of a block.
func (h *huffman) coefficient(r *bitReader) (run int, v int32, ok bool) {
	r.fill()
	if q := h.quick[r.bits>>(64-quickBits)]; q != 0 {
		return int(q>>8) & 15, q >> 16, r.take(uint(q & 255))
	}
	s, ok := h.symbol(r)
	if !ok {
		return 0, 0, false
	}
	v, ok = r.signed(uint(s & 15))
	return int(s >> 4), v, ok
}
