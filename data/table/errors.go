package table

import "fmt"

// CellError is a value of a table that cannot be read.
type CellError struct {
	File   string // its name
	Row    int    // from 0, without the header
	Line   int    // of the file, from 1; 0 where a file has no lines, as Parquet
	Column string // its name
	Want   string
	Got    string
	Advice string // what to do
}

func (e *CellError) Error() string {
	line := ""
	if e.Line > 0 {
		line = fmt.Sprintf(" (line %d)", e.Line)
	}
	return fmt.Sprintf("table: %s: row %d%s, column %q: want %s, got %s; %s", e.File, e.Row, line, e.Column, e.Want, e.Got, e.Advice)
}

// clip shortens a text for an error.
func clip(text string) string {
	const most = 40
	runes := []rune(text)
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

func quoted(text string) string { return fmt.Sprintf("%q", clip(text)) }

// listed names the first few of many.
func listed(names []string) string {
	const most = 10
	text := ""
	for i, n := range names[:min(most, len(names))] {
		if i > 0 {
			text += ", "
		}
		text += quoted(n)
	}
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// streamed is the error of a reader that is asked for what only a whole table
// has.
func streamed(file string) error {
	return fmt.Errorf("table: %s: a mean or median needs the whole table, which is read a row at a time; open it whole, or give the form of a model", file)
}

// noReader is the error of a file without a reader.
func noReader(file string) error {
	return fmt.Errorf("table: %s: the reader is nil; want one, such as an open file", file)
}
