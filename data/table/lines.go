package table

import (
	"bytes"
	"fmt"
	"io"
)

const (
	blockBytes  = 1 << 20  // of text that is parsed at once
	mostLine    = 64 << 20 // bytes of one line
	sampleLines = 100      // that are looked at to find what a table is
	sampleBytes = 64 << 10 // from which on two lines are enough
)

// lines cuts text into blocks of whole lines. A line end in quotes is none.
type lines struct {
	r    io.Reader
	name string
	buf  []byte // room; its first n bytes are text that no block has yet
	n    int
	line int  // number of the first line in buf, from 1
	full bool // the last reading filled the room
	end  bool
}

func newLines(r io.Reader, name string) *lines {
	return &lines{r: r, name: name, buf: make([]byte, blockBytes), line: 1}
}

// text is what no block has yet.
func (l *lines) text() []byte { return l.buf[:l.n] }

// read reads what there is: at least a byte, or the end.
func (l *lines) read() error {
	if l.n == len(l.buf) {
		if l.n >= mostLine {
			return fmt.Errorf("table: %s: line %d: want at most %d MiB in a line, got more; check that its quotes are closed and that this is a table",
				l.name, l.line, mostLine>>20)
		}
		l.buf = append(l.buf, make([]byte, len(l.buf))...)
	}
	for range 100 {
		n, err := l.r.Read(l.buf[l.n:])
		l.n += n
		l.full = l.n == len(l.buf)
		switch {
		case err == io.EOF:
			l.end = true
			return nil
		case err != nil:
			return broken(l.name, err)
		case n > 0:
			return nil
		}
	}
	return broken(l.name, io.ErrNoProgress)
}

// next returns the next block and the number of its first line, io.EOF after
// the last one.
func (l *lines) next() (block []byte, line int, err error) {
	var s seam
	for {
		if s.scan(l.text()); l.end {
			s.cut = l.n
		}
		switch {
		case s.cut > 0:
			block, line = l.take(s.cut)
			return block, line, nil
		case l.end:
			return nil, 0, io.EOF
		}
		if err := l.read(); err != nil {
			return nil, 0, err
		}
	}
}

// take hands the first bytes over.
func (l *lines) take(n int) (block []byte, line int) {
	block, line = bytes.Clone(l.buf[:n]), l.line
	l.line += bytes.Count(block, []byte{'\n'})
	l.n = copy(l.buf, l.buf[n:l.n])
	return block, line
}

// sample returns the first lines without taking them: the same ones however
// the text arrives. Empty lines before them are taken.
func (l *lines) sample() ([]byte, error) {
	for {
		if empty := l.n - len(bytes.TrimLeft(l.text(), "\r\n")); empty > 0 {
			l.take(empty)
		}
		text := l.text()
		count, cut := 0, 0
		for s := (seam{one: true}); count < sampleLines && (count < 2 || cut < sampleBytes); count++ {
			s.scan(text)
			if s.cut == cut {
				break
			}
			cut = s.cut
		}
		switch {
		case count == sampleLines || count >= 2 && cut >= sampleBytes:
			return text[:cut], nil
		case l.end:
			return text, nil
		}
		if err := l.read(); err != nil {
			return nil, err
		}
	}
}

// seam finds where text can be cut: behind the last line end outside quotes.
type seam struct {
	one     bool // the next line end is enough
	cut     int  // behind that line end, 0: none yet
	scanned int
	quoted  bool // what was scanned ends in quotes
}

// scan goes on in a text that has grown.
func (s *seam) scan(text []byte) {
	for s.scanned < len(text) {
		rest := text[s.scanned:]
		quote := bytes.IndexByte(rest, '"')
		if quote >= 0 {
			rest = rest[:quote]
		}
		if !s.quoted {
			at := bytes.LastIndexByte(rest, '\n')
			if s.one {
				at = bytes.IndexByte(rest, '\n')
			}
			if at >= 0 {
				s.cut = s.scanned + at + 1
				if s.one {
					s.scanned = s.cut
					return
				}
			}
		}
		if s.scanned += len(rest); quote >= 0 {
			s.scanned++
			s.quoted = !s.quoted
		}
	}
}
