package table

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/format"

	"aegis/data/memory"
)

// plainDictionary is what earlier writers call both a dictionary and the indexes
// into one.
const plainDictionary format.Encoding = 2

// values goes over the values of a page, of which so many are there: where few
// bytes can stand for any number of values.
func (w *walk) values(encoding format.Encoding, there int64) error {
	switch encoding {
	case plainDictionary, format.RLEDictionary:
		if there == 0 && len(w.rest) == 0 {
			return nil
		}
		width, err := w.byte()
		if err != nil {
			return err
		}
		_, err = w.runs(uint(width), there)
		return err
	case format.RLE:
		of, err := w.sized()
		if err != nil {
			return err
		}
		_, err = of.runs(1, there)
		return err
	case format.DeltaBinaryPacked, format.DeltaLengthByteArray:
		return w.deltas(there)
	case format.DeltaByteArray:
		return w.prefixes(there)
	}
	return nil
}

// sized is what stands behind its length.
func (w *walk) sized() (walk, error) {
	const length = 4
	if len(w.rest) < length {
		return walk{}, io.ErrUnexpectedEOF
	}
	n := uint64(binary.LittleEndian.Uint32(w.rest))
	from := w.rest[length:]
	w.rest = from
	if err := w.skip(n); err != nil {
		return walk{}, err
	}
	return walk{from[:n]}, nil
}

// runs goes over numbers of so many bits, in runs that repeat one or have each,
// eight at a time. There are as many as are wanted, and no more than fill the
// last run. Of numbers of one bit it counts the ones.
func (w *walk) runs(width uint, want int64) (ones int64, err error) {
	const most, spare = 32, 512 // bits; numbers, since some write the last run full
	if width > most {
		return 0, fmt.Errorf("numbers of %d bits", width)
	}
	have := uint64(0)
	for len(w.rest) > 0 {
		head, err := w.varint()
		if err != nil {
			return 0, err
		}
		n, bytes := head>>1, uint64(width+7)/8
		if head&1 != 0 {
			n, bytes = 8*(head>>1), uint64(width)*(head>>1)
		}
		if head>>1 > uint64(want)+spare || have+n > uint64(want)+spare {
			return 0, fmt.Errorf("more than %d numbers where %d are", have+n, want)
		}
		run := w.rest
		if err := w.skip(bytes); err != nil {
			return 0, err
		}
		if width == 1 && want > 0 {
			ones += onesOf(run[:bytes], head&1 != 0, min(n, uint64(want)-min(have, uint64(want))))
		}
		have += n
	}
	if have < uint64(want) {
		return 0, fmt.Errorf("%d numbers where %d are", have, want)
	}
	return ones, nil
}

// onesOf counts the ones in the first n of a run.
func onesOf(run []byte, each bool, n uint64) (ones int64) {
	if !each {
		return int64(run[0]&1) * int64(n)
	}
	for ; n >= 8; n -= 8 {
		ones, run = ones+int64(bits.OnesCount8(run[0])), run[1:]
	}
	if n > 0 {
		ones += int64(bits.OnesCount8(run[0] & (1<<n - 1)))
	}
	return ones
}

// deltas goes over at most so many numbers that are written as differences, in
// blocks of some small blocks each.
func (w *walk) deltas(most int64) error {
	block, err := w.varint()
	if err != nil {
		return err
	}
	parts, err := w.varint()
	if err != nil {
		return err
	}
	n, err := w.varint()
	if err != nil {
		return err
	}
	if _, err := w.varint(); err != nil { // the first number
		return err
	}
	const largest = 1 << 16 // numbers of a block
	if block == 0 || block > largest || parts == 0 || block%parts != 0 || block/parts%32 != 0 || n > uint64(most) {
		return fmt.Errorf("%d numbers where %d are, in blocks of %d in %d", n, most, block, parts)
	}
	for left := n; left > 1; { // the first stands before the blocks
		if left, err = w.deltaBlock(left, block/parts, parts); err != nil {
			return err
		}
	}
	return nil
}

// deltaBlock goes over a block, and says how many numbers are left.
func (w *walk) deltaBlock(left, each, parts uint64) (uint64, error) {
	if _, err := w.varint(); err != nil { // the least difference
		return 0, err
	}
	widths := w.rest
	if err := w.skip(parts); err != nil {
		return 0, err
	}
	for _, width := range widths[:parts] {
		if left == 1 {
			break
		}
		if width > 64 {
			return 0, fmt.Errorf("differences of %d bits", width)
		}
		// The last part may be cut off where its numbers end.
		if err := w.skip(min(each*uint64(width)/8, uint64(len(w.rest)))); err != nil {
			return 0, err
		}
		left -= min(left-1, each)
	}
	return left, nil
}

// prefixes goes over texts of which each repeats some bytes of that before.
func (w *walk) prefixes(there int64) error {
	from := w.rest
	if err := w.deltas(there); err != nil {
		return err
	}
	lengths, err := new(delta.BinaryPackedEncoding).DecodeInt32(nil, from[:len(from)-len(w.rest)])
	if err != nil {
		return err
	}
	if err := w.deltas(there); err != nil {
		return err
	}
	total := uint64(len(w.rest))
	for _, n := range lengths {
		if n < 0 {
			return fmt.Errorf("a prefix of %d bytes", n)
		}
		total += uint64(n)
	}
	return memory.Fits(total)
}
