package table

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"aegis/data"
)

const (
	again   = "the file is damaged; get it again"
	utf8BOM = "\ufeff"
)

// textTable is a table of text. What a table is made of is found in its first
// lines.
type textTable struct {
	name   string
	file   io.ReadSeeker // nil: it can be read once
	size   int64         // of the file, 0: unknown
	passed atomic.Int64  // bytes read, in all passes

	lines *lines // at the first line
	layout
}

// openText opens text that can be read again.
func openText(f io.ReadSeeker, size int64, name string, opt Options) (*textTable, error) {
	t := &textTable{name: name, file: f, size: size}
	return t, t.open(f, opt)
}

// newText opens text that is read once.
func newText(r io.Reader, name string, opt Options) (*textTable, error) {
	t := &textTable{name: name}
	return t, t.open(r, opt)
}

func (t *textTable) open(r io.Reader, opt Options) error {
	if err := t.start(r); err != nil {
		return err
	}
	sample, err := t.lines.sample()
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(sample)) == 0 {
		return &data.FormatError{File: t.name, Problem: "empty", Want: "a table with at least one row", Got: "no line", Advice: "check that it is the right file"}
	}
	t.layout, err = find(sample, t.lines.line, t.name, opt)
	return err
}

// start inflates gzip and looks at the very first bytes.
func (t *textTable) start(r io.Reader) error {
	buffered := bufio.NewReaderSize(&counting{r, &t.passed}, 64<<10)
	start, err := buffered.Peek(2)
	if err != nil && err != io.EOF {
		return broken(t.name, err)
	}
	var in io.Reader = buffered
	if bytes.Equal(start, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return broken(t.name, err)
		}
		buffered = bufio.NewReader(z)
		in = buffered
		if start, err = buffered.Peek(len(utf8BOM)); err != nil && err != io.EOF {
			return broken(t.name, err)
		}
	}
	if bytes.HasPrefix(start, []byte{0xff, 0xfe}) || bytes.HasPrefix(start, []byte{0xfe, 0xff}) {
		return &data.UnsupportedError{File: t.name, Problem: "text", Want: "UTF-8", Got: "UTF-16", Advice: "save it as UTF-8 (Excel: CSV UTF-8)"}
	}
	if start, _ := buffered.Peek(len(utf8BOM)); string(start) == utf8BOM {
		if _, err := buffered.Discard(len(utf8BOM)); err != nil {
			return broken(t.name, err)
		}
	}
	t.lines = newLines(in, t.name)
	return nil
}

func (t *textTable) columns() []string { return t.layout.names }

func (t *textTable) refused(int) string { return "" }

func (t *textTable) done() (done, of int) {
	const passes = 2
	return int(t.passed.Load() >> 10), int(passes * t.size >> 10)
}

// begin starts, and starts anew where something has been read.
func (t *textTable) begin(use []int) (parts, error) {
	if t.lines == nil {
		if _, err := t.file.Seek(0, io.SeekStart); err != nil {
			return nil, broken(t.name, err)
		}
		if err := t.start(t.file); err != nil {
			return nil, err
		}
		if _, err := t.lines.sample(); err != nil { // takes empty lines
			return nil, err
		}
	}
	p := &textParts{lines: t.lines, layout: &t.layout, name: t.name, use: use, header: t.header}
	t.lines = nil
	return p, nil
}

// textParts is blocks of lines.
type textParts struct {
	*layout
	lines  *lines
	name   string
	use    []int
	header bool // comes next
}

func (p *textParts) ready() bool { return p.lines.full }

func (p *textParts) next() (part, error) {
	block, line, err := p.lines.next()
	if err != nil {
		return nil, err
	}
	b := &textPart{textParts: p, block: block, line: line, header: p.header}
	p.header = false
	return b, nil
}

// textPart is a block of lines, with the header before them or not.
type textPart struct {
	*textParts
	block  []byte
	line   int // of its first
	header bool
}

func (p *textPart) each(visit func(row []value, line int) error) error {
	in := newCSV(p.block, p.delimiter)
	in.FieldsPerRecord = len(p.names)
	row := make([]value, len(p.use))
	for first := true; ; first = false {
		fields, err := in.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return p.refuse(err, len(fields))
		}
		if first && p.header {
			continue
		}
		for i, column := range p.use {
			row[i] = ofText(fields[column], p.comma)
		}
		line, _ := in.FieldPos(0)
		if err := visit(row, p.line+line-1); err != nil {
			return err
		}
	}
}

// refuse is the error of a line that is none of the table's.
func (p *textPart) refuse(err error, fields int) error {
	return lineError(p.name, p.line-1, err, fmt.Sprintf("%d columns, as in the first line", len(p.names)), fields)
}

// lineError is what package csv says of a line behind a number of others.
func lineError(name string, before int, err error, want string, fields int) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return broken(name, err)
	}
	e := &data.FormatError{File: name, Err: parse.Err, Problem: fmt.Sprintf("line %d", before+parse.Line)}
	switch {
	case errors.Is(err, csv.ErrFieldCount):
		e.Problem = fmt.Sprintf("line %d", before+parse.StartLine)
		e.Want, e.Got = want, fmt.Sprint(fields)
		e.Advice = "correct the line, and put texts that hold the delimiter in quotes"
	case errors.Is(err, csv.ErrBareQuote):
		e.Want, e.Got = "quotes around a whole text", "a quote within a text"
		e.Advice = `put the text in quotes, and double those within it: "5"" tape"`
	default:
		e.Want, e.Got = "a text in quotes that ends with one, before a delimiter or the line's end", "none"
		e.Advice = fmt.Sprintf("close the quotes that begin in line %d, and double those within a text", before+parse.StartLine)
	}
	return e
}

func newCSV(text []byte, delimiter rune) *csv.Reader {
	in := csv.NewReader(bytes.NewReader(text))
	in.Comma = delimiter
	in.ReuseRecord = true
	in.TrimLeadingSpace = delimiter != '\t' && delimiter != ' '
	in.FieldsPerRecord = -1
	return in
}

// broken tells a damaged file from one that could not be read.
func broken(name string, err error) error {
	var corrupt flate.CorruptInputError
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &corrupt) {
		return &data.FormatError{File: name, Problem: "broken gzip", Want: "a whole gzip stream", Got: fmt.Sprintf("%q", err), Advice: again, Err: err}
	}
	return fmt.Errorf("table: %s: read: %w", name, err)
}

// counting counts what is read.
type counting struct {
	io.Reader
	n *atomic.Int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}
