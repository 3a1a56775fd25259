package table

import (
	"errors"
	"fmt"
	"io"
	"math"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"

	"aegis/data"
	"aegis/data/memory"
)

const (
	parquetMagic = "PAR1"
	parquetRows  = 4096 // that are taken at once
)

// parquetTable is a Parquet file.
type parquetTable struct {
	name   string
	file   *parquet.File
	leaves []leaf // its columns
	taken  int    // rows, in all passes
	pages  pageChecker
}

// leaf is a column of a Parquet file.
type leaf struct {
	name  string
	index int                       // among the columns of a row group
	of    *parquet.Column           // as the file has it
	read  func(parquet.Value) value // nil: the column can be no value
	why   string                    // it cannot
}

func openParquet(r io.ReaderAt, size int64, name string) (t *parquetTable, err error) {
	t = &parquetTable{name: name, pages: pageChecker{file: r, size: size}}
	err = guard(name, func() error {
		whole, size, err := checkFooter(r, size)
		if err != nil {
			return damaged(name, err)
		}
		t.file, err = parquet.OpenFile(whole, size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
		if err != nil {
			return damaged(name, err)
		}
		columns := t.file.Root().Columns()
		if len(columns) == 0 || len(columns) > mostColumns {
			return &data.UnsupportedError{File: name, Problem: "table", Want: fmt.Sprintf("1 to %d columns", mostColumns), Got: fmt.Sprint(len(columns)), Advice: "check that it is the right file"}
		}
		for _, c := range columns {
			if !utf8.ValidString(c.Name()) {
				return damaged(name, fmt.Errorf("a column called %q", c.Name()))
			}
			l := leaf{name: c.Name(), index: c.Index(), of: c}
			l.read, l.why = reading(c)
			t.leaves = append(t.leaves, l)
		}
		return nil
	})
	return t, err
}

func (t *parquetTable) columns() []string {
	var names []string
	for _, l := range t.leaves {
		names = append(names, l.name)
	}
	return unique(names)
}

func (t *parquetTable) refused(column int) string { return t.leaves[column].why }

func (t *parquetTable) notes() []string { return nil }

func (t *parquetTable) done() (done, of int) {
	const passes = 2
	return t.taken, passes * int(t.file.NumRows())
}

func (t *parquetTable) begin(use []int, width int) (parts, error) {
	if n := t.file.NumRows(); n < 0 || n > math.MaxInt32 {
		return nil, &data.UnsupportedError{File: t.name, Problem: "table", Want: fmt.Sprintf("at most %d rows", math.MaxInt32), Got: fmt.Sprint(n), Advice: "make several files of it"}
	}
	p := &parquetParts{table: t, most: min(parquetRows, max(1, partValues/max(1, width)))}
	for _, column := range use {
		p.use = append(p.use, t.leaves[column])
	}
	return p, guard(t.name, func() error {
		p.groups = t.file.RowGroups()
		return nil
	})
}

// parquetParts takes some rows at a time out of one row group after the other.
type parquetParts struct {
	table  *parquetTable
	use    []leaf
	groups []parquet.RowGroup // to come
	group  int                // number of the next
	open   []*leafReader      // of use, in the row group at hand
	left   int                // rows of the row group at hand
	most   int                // rows of a part
}

func (p *parquetParts) ready() bool { return true }

func (p *parquetParts) next() (next part, err error) {
	err = guard(p.table.name, func() error {
		for p.left == 0 {
			if err := p.nextGroup(); err != nil {
				return err
			}
		}
		n := min(p.most, p.left)
		cells := make([]value, n*len(p.use))
		for i, l := range p.open {
			if err := l.take(cells[i:], len(p.use), n); err != nil {
				return damaged(p.table.name, fmt.Errorf("column %q: %w", l.name, err))
			}
		}
		p.left -= n
		p.table.taken += n
		next = cellPart{rows: n, width: len(p.use), cells: cells}
		return nil
	})
	return next, err
}

// nextGroup opens the columns of the next row group.
func (p *parquetParts) nextGroup() error {
	for _, l := range p.open {
		if err := l.close(); err != nil {
			return damaged(p.table.name, fmt.Errorf("column %q: %w", l.name, err))
		}
	}
	p.open = nil
	if len(p.groups) == 0 {
		return io.EOF
	}
	group := p.groups[0]
	p.groups = p.groups[1:]
	rows := group.NumRows()
	if rows < 0 || rows > math.MaxInt32 {
		return damaged(p.table.name, fmt.Errorf("a row group of %d rows", rows))
	}
	p.left = int(rows)
	if err := p.check(rows); err != nil {
		return err
	}
	chunks := group.ColumnChunks()
	for _, l := range p.use {
		p.open = append(p.open, &leafReader{leaf: l, pages: chunks[l.index].Pages()})
	}
	return nil
}

// check looks through the pages of the row group at hand, once in all passes.
func (p *parquetParts) check(rows int64) error {
	t := p.table
	chunks := t.file.Metadata().RowGroups[p.group].Columns
	for _, l := range p.use {
		if l.index >= len(chunks) {
			return damaged(t.name, fmt.Errorf("a row group without column %q", l.name))
		}
		of := &chunks[l.index].MetaData
		if !inflates(of.Codec) {
			return &data.UnsupportedError{
				File: t.name, Problem: fmt.Sprintf("column %q", l.name), Want: "values that are not compressed, or as SNAPPY, GZIP or ZSTD",
				Got: fmt.Sprint(of.Codec), Advice: "write the file with one of these",
			}
		}
		err := t.pages.check(p.group, l.of, of, rows)
		var much *memory.Error
		switch {
		case errors.As(err, &much):
			return fmt.Errorf("table: %s: column %q: %w; write the file with smaller pages", t.name, l.name, err)
		case err != nil:
			return damaged(t.name, fmt.Errorf("column %q: %w", l.name, err))
		}
	}
	p.group++
	return nil
}

// leafReader reads the values of one column of a row group.
type leafReader struct {
	leaf
	pages  parquet.Pages
	page   parquet.Page
	values parquet.ValueReader
	buf    [256]parquet.Value
}

// take reads n values into every step-th place.
func (l *leafReader) take(to []value, step, n int) error {
	for at := 0; at < n; {
		if l.values == nil {
			page, err := l.pages.ReadPage()
			if err == io.EOF {
				return io.ErrUnexpectedEOF
			}
			if err != nil {
				return err
			}
			l.page, l.values = page, page.Values()
		}
		got, err := l.values.ReadValues(l.buf[:min(len(l.buf), n-at)])
		for _, v := range l.buf[:got] {
			if !v.IsNull() {
				to[at*step] = l.read(v)
			}
			at++
		}
		switch {
		case err == io.EOF:
			l.release()
		case err != nil:
			return err
		case got == 0:
			return io.ErrNoProgress
		}
	}
	return nil
}

func (l *leafReader) release() {
	parquet.Release(l.page)
	l.page, l.values = nil, nil
}

// close says whether the column has more values than its row group has rows.
func (l *leafReader) close() error {
	for {
		if l.values == nil {
			page, err := l.pages.ReadPage()
			if err == io.EOF {
				return l.pages.Close()
			}
			if err != nil {
				return errors.Join(err, l.pages.Close())
			}
			l.page, l.values = page, page.Values()
		}
		if n, err := l.values.ReadValues(l.buf[:1]); n > 0 {
			return errors.Join(errors.New("more values than rows"), l.pages.Close())
		} else if err != io.EOF {
			return errors.Join(err, l.pages.Close())
		}
		l.release()
	}
}

// cellPart is rows of cells.
type cellPart struct {
	rows, width int
	cells       []value // (rows, width)
}

func (p cellPart) atMost() int { return p.rows }

func (p cellPart) each(visit func(row []value, line int) error) error {
	for i := range p.rows {
		if err := visit(p.cells[i*p.width:(i+1)*p.width], 0); err != nil {
			return err
		}
	}
	return nil
}

// guard calls f; a panic of the library, which trusts what is in a file, is the
// error of a damaged one.
func guard(name string, f func() error) (err error) {
	defer func() {
		if caught := recover(); caught != nil {
			err = damaged(name, fmt.Errorf("%v", caught))
		}
	}()
	return f()
}

func damaged(name string, err error) error {
	return &data.FormatError{File: name, Problem: "broken Parquet", Want: "a whole file", Got: fmt.Sprintf("%q", clip(err.Error())), Advice: again, Err: err}
}
