package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"github.com/klauspost/compress/huff0"
)

// Writer writes codes, block by block, in the memory of a block.
type Writer struct {
	to      io.Writer
	header  Header
	sum     uint32
	total   uint64
	pending []float32 // less than a block of rows
	plane   []byte    // (rows of a block)
	out     []byte
	scratch huff0.Scratch
	err     error // what ended the file

	block func(codes []float32) error
}

// NewWriter begins a file. [Writer.Close] ends it; without that it is damaged.
func NewWriter(to io.Writer, header Header) (*Writer, error) {
	if header.BlockRows == 0 {
		header.BlockRows = max(1, min(4096, maxBlock/4/max(1, header.Z)))
	}
	if err := header.check(); err != nil {
		return nil, fmt.Errorf("codec: write: %w", err)
	}
	w := &Writer{to: to, header: header}
	w.scratch.Reuse = huff0.ReusePolicyNone
	out := append([]byte(magic), 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(out[len(magic):], version)
	out = append(out, header.Model[:]...)
	for _, v := range append([]int{header.Z, header.BlockRows, len(header.Shape)}, header.Shape...) {
		out = binary.LittleEndian.AppendUint32(out, uint32(v))
	}
	return w, w.flush(out)
}

// OnBlock has f called with the codes of each block as they will be read, (rows,
// z), once they are written. They are valid until f returns, whose error ends the
// file.
func (w *Writer) OnBlock(f func(codes []float32) error) { w.block = f }

// flush writes bytes and the checksum of all so far.
func (w *Writer) flush(out []byte) error {
	w.sum = crc32.Update(w.sum, castagnoli, out)
	out = binary.LittleEndian.AppendUint32(out, w.sum)
	w.sum = crc32.Update(w.sum, castagnoli, out[len(out)-4:])
	n, err := w.to.Write(out)
	if err == nil && n < len(out) {
		err = io.ErrShortWrite
	}
	if err != nil {
		w.err = fmt.Errorf("codec: write: %w", err)
	}
	w.out = out[:0]
	return w.err
}

// Write adds codes, (rows, z).
func (w *Writer) Write(codes []float32) error {
	if w.err != nil {
		return w.err
	}
	z := w.header.Z
	if len(codes)%z != 0 {
		return fmt.Errorf("codec: write: want codes of %d values, got %d values", z, len(codes))
	}
	for i, v := range codes {
		if v-v != 0 {
			return fmt.Errorf("codec: write: want finite codes, got %v in row %d, value %d", v, w.total+uint64((len(w.pending)+i)/z), i%z)
		}
	}
	block := w.header.BlockRows * z
	for len(codes) > 0 {
		n := min(len(codes), block-len(w.pending))
		w.pending = append(w.pending, codes[:n]...)
		codes = codes[n:]
		if len(w.pending) == block {
			if err := w.writeBlock(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close writes what is pending and the end. It does not close what it writes
// to.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	if len(w.pending) > 0 {
		if err := w.writeBlock(); err != nil {
			return err
		}
	}
	out := binary.LittleEndian.AppendUint32(w.out[:0], 0)
	if err := w.flush(binary.LittleEndian.AppendUint64(out, w.total)); err != nil {
		return err
	}
	w.err = errors.New("codec: write: the file has been closed")
	return nil
}

// writeBlock writes the pending rows.
func (w *Writer) writeBlock() error {
	z := w.header.Z
	rows := len(w.pending) / z
	out := binary.LittleEndian.AppendUint32(w.out[:0], uint32(rows))
	out = append(out, 0, 0, 0, 0) // the payload's length
	if cap(w.plane) < rows {
		w.plane = make([]byte, rows)
	}
	ranges := len(out)
	out = append(out, make([]byte, z*rangeBytes)...)
	for j := range z {
		lo, hi := w.pending[j], w.pending[j]
		for i := range rows {
			lo, hi = min(lo, w.pending[i*z+j]), max(hi, w.pending[i*z+j])
		}
		binary.LittleEndian.PutUint32(out[ranges+j*rangeBytes:], math.Float32bits(lo))
		binary.LittleEndian.PutUint32(out[ranges+j*rangeBytes+4:], math.Float32bits(hi))
		plane := w.plane[:rows]
		for i := range plane {
			plane[i] = quantise(w.pending[i*z+j], lo, hi)
			w.pending[i*z+j] = value(plane[i], lo, hi)
		}
		var err error
		if out, err = w.append(out, plane); err != nil {
			w.err = fmt.Errorf("codec: write: %w", err)
			return w.err
		}
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	w.total += uint64(rows)
	codes := w.pending
	w.pending = w.pending[:0]
	if err := w.flush(out); err != nil || w.block == nil {
		return err
	}
	if w.err = w.block(codes); w.err != nil {
		return w.err
	}
	return nil
}

// append appends a plane in the way that is the shortest.
func (w *Writer) append(out, plane []byte) ([]byte, error) {
	kind, coded := byte(planeHuffman), plane
	packed, _, err := huff0.Compress1X(plane, &w.scratch)
	switch {
	case same(plane):
		kind, coded = planeOne, plane[:1]
	case errors.Is(err, huff0.ErrIncompressible), errors.Is(err, huff0.ErrUseRLE), err == nil && len(packed) >= len(plane):
		kind = planeRaw
	case err != nil:
		return nil, err
	default:
		coded = packed
	}
	out = append(out, kind)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(coded)))
	return append(out, coded...), nil
}

func same(plane []byte) bool {
	for _, v := range plane {
		if v != plane[0] {
			return false
		}
	}
	return true
}

// quantise returns the nearest of 256 steps from lo to hi.
func quantise(v, lo, hi float32) byte {
	if lo == hi {
		return 0
	}
	return byte(math.Round((float64(v) - float64(lo)) / (float64(hi) - float64(lo)) * 255))
}

// value is the value of a step: not more than half a step off what was
// quantised, but for rounding to float32.
func value(q byte, lo, hi float32) float32 {
	return float32(float64(lo) + float64(q)*((float64(hi)-float64(lo))/255))
}
