package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"github.com/klauspost/compress/huff0"
)

// Reader reads codes, block by block, in the memory of a block. A block is
// given out only once its checksum has been right; what was given out of a
// file that turns out to be damaged further on is to be thrown away.
type Reader struct {
	from    io.Reader
	header  Header
	offset  int64
	sum     uint32
	total   uint64
	buffer  bytes.Buffer
	codes   []float32 // of the block: (rows, z)
	left    []float32 // what of it has not been read
	plane   []byte
	scratch *huff0.Scratch
	err     error // what every further call returns
}

// NewReader reads a file's header.
func NewReader(from io.Reader) (*Reader, error) {
	r := &Reader{from: from}
	start, err := r.take(len(magic) + 4)
	var damaged *DamagedError
	if errors.As(err, &damaged) {
		return nil, &ForeignError{Got: "a file too short for one"}
	} else if err != nil {
		return nil, err
	}
	if string(start[:len(magic)]) != magic {
		return nil, &ForeignError{Got: "another file"}
	}
	if v := binary.LittleEndian.Uint32(start[len(magic):]); v != version {
		return nil, &ForeignError{Got: fmt.Sprintf("version %d", v)}
	}
	fixed, err := r.take(32 + 12)
	if err != nil {
		return nil, err
	}
	copy(r.header.Model[:], fixed)
	r.header.Z = int(binary.LittleEndian.Uint32(fixed[32:]) & math.MaxInt32)
	r.header.BlockRows = int(binary.LittleEndian.Uint32(fixed[36:]) & math.MaxInt32)
	sides := binary.LittleEndian.Uint32(fixed[40:])
	if sides > MaxSides {
		return nil, r.damaged("%d sides of a row", sides)
	}
	shape, err := r.take(int(sides) * 4)
	if err != nil {
		return nil, err
	}
	for i := range int(sides) {
		r.header.Shape = append(r.header.Shape, int(binary.LittleEndian.Uint32(shape[4*i:])&math.MaxInt32))
	}
	if err := r.checksum(); err != nil {
		return nil, err
	}
	if err := r.header.check(); err != nil {
		return nil, r.damaged("%v", err)
	}
	return r, nil
}

// Header returns what the file says of its codes.
func (r *Reader) Header() Header { return r.header }

// Rows returns how many rows the blocks read so far have; after [io.EOF], all.
func (r *Reader) Rows() int { return int(r.total) }

func (r *Reader) damaged(format string, args ...any) error {
	return &DamagedError{Offset: r.offset, What: fmt.Sprintf(format, args...)}
}

// take reads n bytes, which stay as they are until the next call. Memory grows
// with what is there, not with n.
func (r *Reader) take(n int) ([]byte, error) {
	r.buffer.Reset()
	got, err := io.CopyN(&r.buffer, r.from, int64(n))
	r.offset += got
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, r.damaged("it ends")
	} else if err != nil {
		return nil, fmt.Errorf("codec: read: %w", err)
	}
	r.sum = crc32.Update(r.sum, castagnoli, r.buffer.Bytes())
	return r.buffer.Bytes(), nil
}

// checksum reads the checksum of all before it.
func (r *Reader) checksum() error {
	want := r.sum
	got, err := r.take(4)
	if err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(got) != want {
		return r.damaged("a wrong checksum before it")
	}
	return nil
}

// Read fills dst with whole codes and returns how many; [io.EOF] after the last
// one, when the end has been read and all checksums were right. dst has room
// for one code at least.
func (r *Reader) Read(dst []float32) (rows int, err error) {
	z := r.header.Z
	if len(dst) < z {
		return 0, fmt.Errorf("codec: read: want room for a code of %d values, got %d", z, len(dst))
	}
	for len(r.left) == 0 {
		if r.err == nil {
			r.err = r.block()
		}
		if r.err != nil {
			return 0, r.err
		}
	}
	n := copy(dst[:len(dst)/z*z], r.left)
	r.left = r.left[n:]
	return n / z, nil
}

// block reads a block, or the end.
func (r *Reader) block() error {
	head, err := r.take(4)
	if err != nil {
		return err
	}
	rows := int(binary.LittleEndian.Uint32(head) & math.MaxInt32)
	if rows == 0 {
		return r.end()
	}
	if rows > r.header.BlockRows {
		return r.damaged("a block of %d rows", rows)
	}
	if head, err = r.take(4); err != nil {
		return err
	}
	size, most := int64(binary.LittleEndian.Uint32(head)), int64(r.header.Z)*int64(rangeBytes+planeBytes+rows)
	if size > most {
		return r.damaged("a block of %d bytes", size)
	}
	payload, err := r.take(int(size))
	if err != nil {
		return err
	}
	payload = bytes.Clone(payload)
	if err := r.checksum(); err != nil {
		return err
	}
	if err := r.decode(payload, rows); err != nil {
		return err
	}
	r.total += uint64(rows)
	return nil
}

// end reads what follows the last block, and that nothing follows it.
func (r *Reader) end() error {
	count, err := r.take(8)
	if err != nil {
		return err
	}
	total := binary.LittleEndian.Uint64(count)
	if err := r.checksum(); err != nil {
		return err
	}
	if total != r.total {
		return r.damaged("an end of %d rows after %d", total, r.total)
	}
	switch n, err := io.ReadFull(r.from, make([]byte, 1)); {
	case n > 0:
		return r.damaged("more behind the end")
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("codec: read: %w", err)
	}
	return io.EOF
}

// decode makes codes of a payload.
func (r *Reader) decode(payload []byte, rows int) error {
	z := r.header.Z
	if len(payload) < z*rangeBytes {
		return r.damaged("a block without ranges")
	}
	ranges, rest := payload[:z*rangeBytes], payload[z*rangeBytes:]
	if cap(r.codes) < rows*z {
		r.codes = make([]float32, rows*z)
	}
	codes := r.codes[:rows*z]
	for j := range z {
		lo := math.Float32frombits(binary.LittleEndian.Uint32(ranges[j*rangeBytes:]))
		hi := math.Float32frombits(binary.LittleEndian.Uint32(ranges[j*rangeBytes+4:]))
		if !(lo <= hi) || lo-lo != 0 || hi-hi != 0 {
			return r.damaged("a range from %v to %v", lo, hi)
		}
		if len(rest) < planeBytes || int64(binary.LittleEndian.Uint32(rest[1:])) > int64(len(rest)-planeBytes) {
			return r.damaged("a block without plane %d", j)
		}
		size := planeBytes + int(binary.LittleEndian.Uint32(rest[1:]))
		plane, err := r.unpack(rest[0], rest[planeBytes:size], rows)
		if err != nil {
			return err
		}
		rest = rest[size:]
		for i, q := range plane {
			codes[i*z+j] = value(q, lo, hi)
		}
	}
	if len(rest) > 0 {
		return r.damaged("a block with %d bytes too many", len(rest))
	}
	r.left = codes
	return nil
}

// unpack returns the values of a plane.
func (r *Reader) unpack(kind byte, coded []byte, rows int) ([]byte, error) {
	switch {
	case kind == planeRaw && len(coded) == rows:
		return coded, nil
	case kind == planeOne && len(coded) == 1:
		r.plane = append(r.plane[:0], bytes.Repeat(coded, rows)...)
		return r.plane, nil
	case kind != planeHuffman:
		return nil, r.damaged("a plane of kind %d with %d bytes for %d rows", kind, len(coded), rows)
	}
	scratch, rest, err := huff0.ReadTable(coded, r.scratch)
	if err != nil {
		return nil, r.damaged("a plane that cannot be decoded (%v)", err)
	}
	r.scratch = scratch
	scratch.MaxDecodedSize = rows
	if cap(r.plane) < rows {
		r.plane = make([]byte, rows)
	}
	plane, err := scratch.Decoder().Decompress1X(r.plane[:0:rows], rest)
	if err != nil || len(plane) != rows {
		return nil, r.damaged("a plane of %d values for %d rows (%v)", len(plane), rows, err)
	}
	return plane, nil
}
