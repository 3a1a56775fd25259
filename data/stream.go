package data

import (
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/klauspost/compress/gzip"

	"aegis/data/memory"
)

// stream reads a file, out of gzip where its first bytes say so, and counts.
type stream struct {
	r      io.Reader
	name   string
	zipped bool
	got    int  // bytes read, after gzip
	want   int  // bytes in the file; before the header is read, in the header
	sized  bool // the header is read
	onDisk int  // bytes of a plain file, 0 where that is unknown
}

// noReader is the error of a file without a reader.
func noReader(name string) error {
	return fmt.Errorf("data: %s: the reader is nil; want one, such as an open file", name)
}

func newStream(r io.Reader, name string) (*stream, error) {
	if r == nil {
		return nil, noReader(name)
	}
	buffered := bufio.NewReaderSize(r, 1<<16)
	s := &stream{r: buffered, name: name}
	start, err := buffered.Peek(2)
	if err != nil && err != io.EOF {
		return nil, s.failure(err)
	}
	if !bytes.Equal(start, []byte{0x1f, 0x8b}) {
		s.onDisk = fileSize(r)
		return s, nil
	}
	s.zipped = true
	if s.r, err = newMembers(buffered); err != nil {
		return nil, s.failure(err)
	}
	return s, nil
}

// fileSize returns the size of a regular file, 0 of anything else.
func fileSize(r io.Reader) int {
	f, ok := r.(fs.File)
	if !ok {
		return 0
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return int(info.Size())
}

// members reads the streams of a gzip file one after the other, by a reader that
// takes half as long as that of the standard library. Zeros behind
// the last one, with which tapes and some archivers fill a block, are skipped
// as gunzip does.
type members struct {
	packed *bufio.Reader
	*gzip.Reader
}

func newMembers(packed *bufio.Reader) (*members, error) {
	first, err := gzip.NewReader(packed)
	if err != nil {
		return nil, err
	}
	first.Multistream(false)
	return &members{packed: packed, Reader: first}, nil
}

func (m *members) Read(dst []byte) (int, error) {
	for {
		n, err := m.Reader.Read(dst)
		if n > 0 || err != io.EOF {
			if err == io.EOF {
				err = nil // told by the next call
			}
			return n, err
		}
		if err := m.next(); err != nil {
			return 0, err
		}
	}
}

// next goes on to the following stream; io.EOF means that there is none.
func (m *members) next() error {
	start, err := m.packed.Peek(1)
	if err != nil {
		return err
	}
	if start[0] == 0 {
		return m.padding()
	}
	if err := m.Reset(m.packed); err != nil {
		return unexpected(err)
	}
	m.Multistream(false)
	return nil
}

// padding reads zeros up to the end of the file.
func (m *members) padding() error {
	for {
		b, err := m.packed.ReadByte()
		switch {
		case err != nil:
			return err
		case b != 0:
			return gzip.ErrHeader
		}
	}
}

// unexpected is the error of a stream that ends where it should go on.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// fill reads all of dst, which ends want bytes into the file or before.
func (s *stream) fill(dst []byte, want int) error {
	s.want = want
	n, err := io.ReadFull(s.r, dst)
	s.got += n
	if err != nil {
		return s.failure(err)
	}
	return nil
}

// body reads size bytes. A header can claim any size: only that of a file
// which is as large is believed. Else memory grows in steps up to the claim,
// each at most growth times what has arrived, so that reading never holds more
// than a fifth above the size.
func (s *stream) body(size int) ([]byte, error) { return s.piece(size, s.got+size) }

// piece reads size bytes, as body does, of a file that should have want bytes.
func (s *stream) piece(size, want int) ([]byte, error) {
	const first, growth = 1 << 16, 6
	s.sized = true
	room := size
	for s.onDisk < want && room > first {
		room /= growth
	}
	buf, err := s.buffer(room)
	if err != nil {
		return nil, err
	}
	for done := 0; ; {
		if err := s.fill(buf[done:], want); err != nil {
			return nil, err
		}
		if done = len(buf); done == size {
			return buf, nil
		}
		grown, err := s.buffer(nextRoom(size, done, growth))
		if err != nil {
			return nil, err
		}
		copy(grown, buf)
		buf = grown
	}
}

// buffer makes a slice where there is memory for it.
func (s *stream) buffer(size int) ([]byte, error) {
	if err := memory.Fits(uint64(size)); err != nil {
		return nil, fmt.Errorf("data: %s: %w; read fewer rows or raise the limit", s.name, err)
	}
	return make([]byte, size), nil
}

// nextRoom is the step above done among size, size/growth, size/growth², …
func nextRoom(size, done, growth int) int {
	room := size
	for room/growth > done {
		room /= growth
	}
	return room
}

// end checks that the file ends here, and with it gzip's checksum.
func (s *stream) end() error {
	var next [1]byte
	_, err := io.ReadFull(s.r, next[:])
	switch {
	case err == nil:
		return s.trailing()
	case err != io.EOF:
		return s.failure(err)
	}
	return nil
}

func (s *stream) trailing() error {
	return &FormatError{
		File: s.name, Problem: "trailing bytes",
		Want: fmt.Sprintf("%d bytes", s.want), Got: "more", Advice: again,
	}
}

// failure tells a broken file from one that could not be read.
func (s *stream) failure(err error) error {
	want := fmt.Sprintf("%d bytes", s.want)
	if !s.sized {
		want = "at least " + want
	}
	broken := &FormatError{File: s.name, Want: want, Got: fmt.Sprint(s.got), Advice: again, Err: err}
	var corrupt flate.CorruptInputError
	ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	switch {
	case ended && s.got < s.want:
		broken.Problem = "truncated"
	case s.zipped && (ended || errors.As(err, &corrupt) ||
		errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum)):
		broken.Problem, broken.Want = "broken gzip", "a whole gzip stream"
		broken.Got = fmt.Sprintf("%d bytes, then %q", s.got, err)
	default:
		return fmt.Errorf("data: %s: read: %w", s.name, err)
	}
	return broken
}
