package table

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"aegis/data"
)

// mostColumns is as many as a table may have.
const mostColumns = 1 << 16

// layout is how the text of a table is laid out.
type layout struct {
	delimiter rune
	comma     bool // before decimals
	header    bool
	names     []string // of the columns
	found     []string // what was found, for notes
}

// notes says what was found.
func (l layout) notes() []string { return l.found }

// find finds the layout of a table by its first lines, of which the first one
// has a number in the file.
func find(sample []byte, line int, name string, opt Options) (layout, error) {
	if i := bytes.IndexByte(sample, 0); i >= 0 {
		return layout{}, &data.FormatError{File: name, Problem: "binary", Want: "text in UTF-8", Got: "a zero byte", Advice: "check that it is a table of text, and save it as UTF-8"}
	}
	l, cells, err := delimited(sample, line, name, opt)
	if err != nil {
		return layout{}, err
	}
	if len(cells[0]) > mostColumns {
		return layout{}, &data.UnsupportedError{File: name, Problem: "table", Want: fmt.Sprintf("at most %d columns", mostColumns), Got: fmt.Sprint(len(cells[0])), Advice: "leave some out"}
	}
	if slices.ContainsFunc(cells[0], func(s string) bool { return strings.Contains(strings.TrimSpace(s), "\r") }) {
		return layout{}, &data.UnsupportedError{File: name, Problem: "text", Want: "lines that end with LF or CR LF", Got: "CR alone", Advice: "save it with other line ends"}
	}
	l.comma = opt.Decimal == "," || opt.Decimal == "" && l.delimiter == ';' && commas(cells)
	l.header = opt.Header == "yes" || opt.Header == "" && l.hasHeader(cells, opt)
	return l, l.name(cells[0], name)
}

// delimited splits the first lines by the delimiter that fits best: that by
// which most lines have as many columns as the first one, then that with the
// largest share of numbers, then that with the most columns.
func delimited(sample []byte, line int, name string, opt Options) (layout, [][]string, error) {
	if opt.Delimiter != "" {
		d, _ := utf8.DecodeRuneInString(opt.Delimiter)
		cells, err := split(sample, d)
		if len(cells) == 0 {
			return layout{}, nil, lineError(name, line-1, err, "", 0)
		}
		return layout{delimiter: d}, cells, nil
	}
	best, bestCells, bestFit := ',', [][]string(nil), fit{}
	var failed error
	for _, d := range ",;\t|" {
		cells, err := split(sample, d)
		if len(cells) == 0 {
			failed = errors.Join(failed, err)
			continue
		}
		if f := fitOf(cells); bestCells == nil || f.better(bestFit) {
			best, bestCells, bestFit = d, cells, f
		}
	}
	if bestCells == nil {
		return layout{}, nil, lineError(name, line-1, failed, "", 0)
	}
	l := layout{delimiter: best}
	if len(bestCells[0]) > 1 && best != ',' {
		l.found = append(l.found, fmt.Sprintf("columns are separated by %q", best))
	}
	return l, bestCells, nil
}

// split reads lines up to the first that is broken.
func split(sample []byte, delimiter rune) (cells [][]string, err error) {
	in := newCSV(sample, delimiter)
	for {
		record, err := in.Read()
		if err == io.EOF {
			return cells, nil
		}
		if err != nil && !errors.Is(err, csv.ErrFieldCount) {
			return cells, err
		}
		cells = append(cells, slices.Clone(record))
	}
}

// fit is how well a delimiter fits.
type fit struct {
	alike, numbers float64 // the share of lines like the first, of cells with numbers
	columns        int
}

func fitOf(cells [][]string) fit {
	f := fit{columns: len(cells[0])}
	if f.columns < 2 {
		return f
	}
	all := 0
	for _, line := range cells {
		if len(line) == f.columns {
			f.alike++
		}
		for _, cell := range line {
			all++
			if ofText(cell, false).kind != text || ofText(cell, true).kind != text {
				f.numbers++
			}
		}
	}
	f.alike /= float64(len(cells))
	f.numbers /= float64(all)
	return f
}

func (f fit) better(than fit) bool {
	switch {
	case f.alike != than.alike:
		return f.alike > than.alike
	case f.numbers != than.numbers:
		return f.numbers > than.numbers
	}
	return f.columns > than.columns
}

// commas says that numbers have commas before their decimals.
func commas(cells [][]string) bool {
	for _, line := range cells {
		for _, cell := range line {
			if strings.Contains(cell, ",") && ofText(cell, true).kind == number {
				return true
			}
		}
	}
	return false
}

// hasHeader says whether the first line has names. It has where all names of a
// model are there, unless these are numbers, as of a table without a header.
func (l layout) hasHeader(cells [][]string, opt Options) bool {
	if opt.Form != nil {
		names, words := unique(cells[0]), 0
		absent := slices.ContainsFunc(opt.Form.Fields, func(f data.Field) bool {
			if ofText(f.Name, l.comma).kind == text {
				words++
			}
			return !slices.Contains(names, f.Name)
		})
		if !absent && words > 0 {
			return true
		}
	}
	first, rest := cells[0], cells[1:]
	again, numbers := false, false
	for column, name := range first {
		header := ofText(name, l.comma)
		numeric, texts := 0, 0
		for _, line := range rest {
			if column >= len(line) {
				continue
			}
			switch v := ofText(line[column], l.comma); v.kind {
			case missing:
			case text:
				texts++
				again = again || v.text == header.text
			default:
				numeric++
			}
		}
		if numbers = numbers || header.kind == number || header.kind == huge || numeric > 0; header.kind == text && numeric > 0 && texts == 0 {
			return true
		}
	}
	return !numbers && !again
}

// name names the columns, and checks what it finds.
func (l *layout) name(first []string, file string) error {
	l.names = make([]string, len(first))
	if !l.header {
		for i := range first {
			l.names[i] = strconv.Itoa(i + 1)
		}
		l.found = append(l.found, fmt.Sprintf("no header: the columns are called 1 to %d", len(first)))
	} else {
		for i, n := range first {
			if !utf8.ValidString(n) {
				return &data.UnsupportedError{File: file, Problem: "text", Want: "UTF-8", Got: fmt.Sprintf("%q as the name of column %d", clip(n), i+1), Advice: "save it as UTF-8"}
			}
		}
		l.names = unique(first)
		for i, n := range l.names {
			if given := strings.TrimSpace(first[i]); given != n {
				l.found = append(l.found, fmt.Sprintf("column %d is called %q in place of %q", i+1, n, given))
			}
		}
	}
	if l.comma {
		l.found = append(l.found, "numbers have a comma before their decimals")
	}
	return nil
}

// unique makes names of those of a header: without spaces around them, an empty
// one becomes the column's number, and a second one like another gets a number.
func unique(header []string) []string {
	names := make([]string, len(header))
	given, taken := make(map[string]bool, len(header)), make(map[string]bool, len(header))
	for i, n := range header {
		names[i] = strings.TrimSpace(n)
		given[names[i]] = true
	}
	for i, own := range names {
		base := cmp.Or(own, strconv.Itoa(i+1))
		name := base
		for k := 2; taken[name] || name != own && given[name]; k++ {
			name = fmt.Sprintf("%s.%d", base, k)
		}
		names[i], taken[name] = name, true
	}
	return names
}
