// Package table reads tables as rows to train on: text with a line for each
// row, as CSV and TSV are, plain or in gzip, and Parquet.
//
// # What becomes of a column
//
// A column of numbers is one value of a row. A column with any text is
// categories: one value for each text that it has, sorted, of which a row has a
// 1 in the place of its own and zeros elsewhere. true and false are texts as
// any other. Dates, and more than 256 different texts, are an error. What is
// empty, or one of ?, NA, N/A, null and NaN in capitals or not, is missing.
// Spaces around a text do not belong to it.
//
// A label column gives each row its class and is never a value. Whole numbers
// from 0 to 255 are classes as they are; all else are names of classes, sorted,
// numbers by size.
//
// # Numbers of rows
//
// Errors count rows from 0, without the header and empty lines, and add the
// line of the file, from 1.
//
// N are the rows of a set, W the lines of a window.
package table

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"aegis/data"
)

// Options say how a table is read. The zero value finds all by content and
// takes every column.
type Options struct {
	// Columns are those that are values, in the order that a row has them, by
	// the names of the header, or by numbers from 1 ("1", "2", …) that are no
	// names themselves. Empty: all, in the order of the file.
	Columns []string
	Drop    []string // columns that are no values, in the same way
	// Label is the column with each row's class, in the same way, empty: none. A
	// label column is never a value.
	Label string
	// Header says whether the first line has the names of the columns: "yes",
	// "no", or empty: found by content. It is a header where a column has text in
	// the first line and numbers in those behind it; in a table without numbers,
	// where no text of the first line comes again in its column.
	Header    string
	Delimiter string // between columns, empty: that of comma, semicolon, tab and | which fits
	// Decimal is "." or ",", empty: the comma where the delimiter is a semicolon
	// and numbers have commas.
	Decimal string
	// Impute is what a missing number becomes: the "mean" or the "median" of its
	// column in the rows that are read. A missing text becomes zeros for all
	// categories. Empty: a missing value is an error.
	Impute string
	// Window is how many lines that follow each other are one row, Step how many
	// lines on the next row begins (0: 1). A Window of 0: each line is a row.
	Window, Step int
	// Form is that of a model: fields, categories, fills, label, window and step
	// are these, and columns that it does not have are left out. Columns, Drop,
	// Impute, Window and Step must be unset then. A Label beside it is taken in
	// place of the form's; a form's label that the file does not have is none.
	Form *data.TableForm
	// Classes are, with Form, the names of a model's labels, of which a row's
	// must be one. Empty: numbers, or names that are found.
	Classes []string
	// OtherClasses takes labels that Classes lacks, of rows that are read some at
	// a time, as further classes, in the order in which they come: see
	// [data.Named].
	OtherClasses bool
	// Progress hears how much of how much is done, in kibibytes of text or in
	// rows of Parquet, where that is known; nil: nobody asks.
	Progress func(done, of int)
}

// The ways to fill in a missing number.
const (
	imputeMean   = "mean"
	imputeMedian = "median"
)

// What an option of a configuration would do to errors, as package advice has it.
const (
	imputing = "impute mean"
	dropping = "drop"
)

// Open reads a table from a file, whose first bytes say whether it is text, in
// gzip or not, or Parquet. A file is read twice: once to see what its columns
// are, once for the values, so that no more than these lie in memory. A pipe is
// read as by [Read].
func Open(ctx context.Context, path string, opt Options) (*data.Source, error) {
	name := filepath.ToSlash(path)
	if err := opt.check(name); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("table: %w", err)
	}
	s, err := openFile(ctx, f, name, opt)
	return s, errors.Join(err, f.Close())
}

func openFile(ctx context.Context, f *os.File, name string, opt Options) (*data.Source, error) {
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("table: %w", err)
	case info.IsDir():
		return nil, fmt.Errorf("table: %s is a folder; want a file: CSV, TSV or Parquet", name)
	case !info.Mode().IsRegular():
		return Read(ctx, f, name, opt)
	}
	start := make([]byte, len(parquetMagic))
	if _, err := f.ReadAt(start, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("table: %s: read: %w", name, err)
	}
	if string(start) == parquetMagic {
		p, err := openParquet(f, info.Size(), name)
		if err != nil {
			return nil, err
		}
		return load(ctx, p, name, opt)
	}
	t, err := openText(f, info.Size(), name, opt)
	if err != nil {
		return nil, err
	}
	return load(ctx, t, name, opt)
}

// Read reads a table of text, plain or in gzip, to its end, such as from a
// pipe. What is more than some megabytes lies in a temporary file until it has
// been read twice. Errors call it name.
func Read(ctx context.Context, r io.Reader, name string, opt Options) (*data.Source, error) {
	if r == nil {
		return nil, noReader(name)
	}
	if err := opt.check(name); err != nil {
		return nil, err
	}
	kept, err := keep(ctx, r, name, keptInMemory)
	if err != nil {
		return nil, err
	}
	s, err := readKept(ctx, kept, name, opt)
	return s, errors.Join(err, kept.Close())
}

func readKept(ctx context.Context, kept *kept, name string, opt Options) (*data.Source, error) {
	t, err := openText(kept, kept.size, name, opt)
	if err != nil {
		return nil, err
	}
	return load(ctx, t, name, opt)
}

// NewReader reads a table of text, plain or in gzip, some rows at a time, by
// the Form of a model. Without a Form all columns must be numbers, as no more than
// the first lines are known when it begins, and nothing can be filled in. Labels
// are of Classes, or numbers from 0 to 255. It does not close r.
func NewReader(ctx context.Context, r io.Reader, name string, opt Options) (data.Reader, error) {
	if r == nil {
		return nil, noReader(name)
	}
	if err := opt.check(name); err != nil {
		return nil, err
	}
	t, err := newText(r, name, opt)
	if err != nil {
		return nil, err
	}
	return stream(ctx, t, name, opt)
}

// NewParquetReader reads a Parquet file some rows at a time, by the Form of a
// model, or where all columns are numbers, as [NewReader] does. It does not
// close r.
func NewParquetReader(ctx context.Context, r io.ReaderAt, size int64, name string, opt Options) (data.Reader, error) {
	if r == nil {
		return nil, noReader(name)
	}
	if err := opt.check(name); err != nil {
		return nil, err
	}
	p, err := openParquet(r, size, name)
	if err != nil {
		return nil, err
	}
	return stream(ctx, p, name, opt)
}
