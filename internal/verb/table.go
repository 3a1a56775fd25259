package verb

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"aegis/internal/cli"
)

// column is one of a table that a verb writes.
type column struct {
	name string
	text bool // else numbers
}

// numbers are columns of numbers.
func numbers(names ...string) []column {
	var all []column
	for _, name := range names {
		all = append(all, column{name: name})
	}
	return all
}

// numbered returns names with a number from 1 on: z1, z2, ….
func numbered(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = prefix + strconv.Itoa(i+1)
	}
	return names
}

// The formats of a table.
const (
	formatCSV   = "csv"
	formatTSV   = "tsv"
	formatJSONL = "jsonl"
	formatNPY   = "npy"
)

func formats() []string { return []string{formatCSV, formatTSV, formatJSONL, formatNPY} }

// isStandard says that an output is standard output.
func isStandard(out string) bool { return out == "" || out == "-" }

// formatOf is that of a file by its ending, or the one that was asked for.
func formatOf(out, asked string) (string, error) {
	if asked != "" {
		if !slices.Contains(formats(), asked) {
			return "", cli.Usage(fmt.Errorf("unknown format %q; want one of %s", asked, strings.Join(formats(), ", ")))
		}
		return asked, nil
	}
	if isStandard(out) {
		return formatCSV, nil
	}
	ending := strings.TrimPrefix(strings.ToLower(filepath.Ext(out)), ".")
	if !slices.Contains(formats(), ending) {
		return "", cli.Usage(fmt.Errorf("--out %s: want a name that ends in .%s, or - for standard output", out, strings.Join(formats(), ", .")))
	}
	return ending, nil
}

// outFlags say where a table goes.
type outFlags struct{ out, format string }

// write writes a table of so many rows, −1 where that is unknown, to where it
// belongs: a file is there whole or not at all.
func (o outFlags) write(p *cli.Process, columns []column, rows int, fill func(*table) error) error {
	format, err := formatOf(o.out, o.format)
	if err != nil {
		return err
	}
	write := func(w io.Writer) error {
		t := &table{out: w, format: format, columns: columns}
		defer t.drop()
		if err := t.begin(rows); err != nil {
			return err
		}
		if err := fill(t); err != nil {
			return err
		}
		return t.end()
	}
	if !isStandard(o.out) {
		return p.WriteFile(o.out, write)
	}
	b := bufio.NewWriterSize(p.Stdout, 1<<16)
	err = write(b)
	if flushed := b.Flush(); err == nil && flushed != nil {
		err = fmt.Errorf("standard output: %w", flushed)
	}
	return err
}

// table writes rows under a header, a value after the other. A .npy holds the
// numbers alone.
type table struct {
	out     io.Writer
	format  string
	columns []column

	at    int    // column of the next value
	line  []byte // the row in progress
	rows  int
	want  int    // rows, −1: unknown
	array *array // of a .npy
	row   []float32
}

// width is how many numbers a row has.
func (t *table) width() (n int) {
	for _, c := range t.columns {
		if !c.text {
			n++
		}
	}
	return n
}

func (t *table) begin(rows int) error {
	t.want = rows
	switch t.format {
	case formatCSV, formatTSV:
		for _, c := range t.columns {
			t.separate()
			t.line = t.appendText(t.line, c.name)
			t.at++
		}
		return t.endLine()
	case formatNPY:
		t.array = &array{out: t.out, kind: "<f4", shape: []int{t.width()}}
		return t.array.begin(rows)
	}
	return nil
}

// text is the value of a column of text.
func (t *table) text(s string) {
	if t.format == formatNPY {
		t.at++
		return
	}
	t.separate()
	t.line = t.appendText(t.line, s)
	t.at++
}

// float is the value of a column of numbers, as short as float32 can be told.
func (t *table) float(v float32) { t.number(float64(v), 32) }

// double is one with float64's digits.
func (t *table) double(v float64) { t.number(v, 64) }

func (t *table) number(v float64, bits int) {
	switch t.format {
	case formatNPY:
		t.row = append(t.row, float32(v))
	case formatJSONL:
		t.separate()
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.line = append(t.line, "null"...)
			break
		}
		t.line = strconv.AppendFloat(t.line, v, 'g', -1, bits)
	default:
		t.separate()
		t.line = strconv.AppendFloat(t.line, v, 'g', -1, bits)
	}
	t.at++
}

// separate writes what stands before a value.
func (t *table) separate() {
	switch {
	case t.format == formatJSONL:
		mark := byte(',')
		if t.at == 0 {
			mark = '{'
		}
		t.line = append(t.line, mark)
		t.line = appendJSON(t.line, t.columns[t.at].name)
		t.line = append(t.line, ':')
	case t.at == 0:
	case t.format == formatTSV:
		t.line = append(t.line, '\t')
	default:
		t.line = append(t.line, ',')
	}
}

func (t *table) appendText(line []byte, s string) []byte {
	marks := ",\"\r\n"
	switch t.format {
	case formatJSONL:
		return appendJSON(line, s)
	case formatTSV:
		marks = "\t\"\r\n"
	}
	if s != "" && !strings.ContainsAny(s, marks) && s[0] != ' ' {
		return append(line, s...)
	}
	line = append(line, '"')
	line = append(line, strings.ReplaceAll(s, `"`, `""`)...)
	return append(line, '"')
}

func appendJSON(line []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always can be
	return append(line, bytes.TrimRight(b.Bytes(), "\n")...)
}

// endRow ends a row, all of whose values were given.
func (t *table) endRow() error {
	if t.at != len(t.columns) {
		return fmt.Errorf("aegis: a row of %d values under %d columns", t.at, len(t.columns))
	}
	t.rows++
	return t.endLine()
}

func (t *table) endLine() error {
	var err error
	switch t.format {
	case formatNPY:
		err = t.array.floats(1, t.row)
		t.row = t.row[:0]
	case formatJSONL:
		t.line = append(t.line, '}', '\n')
	default:
		t.line = append(t.line, '\n')
	}
	if err == nil && t.array == nil {
		_, err = t.out.Write(t.line)
	}
	t.line, t.at = t.line[:0], 0
	return err
}

// end writes what is left once all rows are there.
func (t *table) end() error {
	if t.array != nil {
		return t.array.end()
	}
	if t.want >= 0 && t.rows != t.want {
		return errChanged
	}
	return nil
}

// drop removes what was put aside.
func (t *table) drop() {
	if t.array != nil {
		t.array.drop()
	}
}
