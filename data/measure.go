package data

import (
	"context"
	"fmt"
	"math"
)

// Column is what was measured of one value of all rows.
type Column struct {
	Mean, Deviation, Min, Max float64
}

// Measured is what one pass over training rows found.
type Measured struct{ Columns []Column }

// sums are those of a column so far. Values are counted from the first one, so
// that a column of large numbers close together loses nothing.
type sums struct{ first, sum, squares, min, max float64 }

// measureEvery is how many bytes are measured between two looks at the context.
const measureEvery = 16 << 20

// Measure goes once through all rows of a source: those that a split trains on
// are measured, and a value of any set that is no finite number is an error
// that names row and column. Progress, which may be nil, hears how many rows of
// how many are done.
func (s *Source) Measure(ctx context.Context, split Split, progress func(done, of int)) (*Measured, error) {
	var found []sums
	held := split.Held
	all, done := split.N+s.Val.N+s.Test.N, 0
	for _, set := range []struct {
		which string
		rows  Rows
	}{{"training", s.Train.Slice(0, split.N).Rows}, {"validation", s.Val.Rows}, {"test", s.Test.Rows}} {
		scan := scanner{source: s, which: set.which, rows: set.rows, row: make([]float32, s.Train.Size())}
		every := max(1, measureEvery/max(1, set.rows.RowBytes()))
		for i := range set.rows.N {
			if i%every == 0 {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				if progress != nil {
					progress(done+i, all)
				}
			}
			row, err := scan.read(i)
			if err != nil {
				return nil, err
			}
			switch {
			case set.which != "training":
			case len(held) > 0 && int(held[0]) == i:
				held = held[1:]
			default:
				found = add(found, row)
			}
		}
		done += set.rows.N
	}
	if progress != nil {
		progress(done, all)
	}
	m := &Measured{Columns: make([]Column, len(found))}
	for j, f := range found {
		m.Columns[j] = f.column(split.Trained())
	}
	return m, nil
}

// scanner reads the rows of a set and refuses what is no finite number.
type scanner struct {
	source *Source
	which  string
	rows   Rows
	row    []float32 // of bytes
}

func (s scanner) read(i int) ([]float32, error) {
	if s.rows.IsBytes() {
		for j, v := range s.rows.ByteRow(i) {
			s.row[j] = float32(v)
		}
		return s.row, nil
	}
	row := s.rows.FloatRow(i)
	for j, v := range row {
		if !finite(v) {
			return nil, s.source.notFinite(s.which, i, j, v)
		}
	}
	return row, nil
}

// notFinite is the error of a value that cannot be trained on. Row and column
// count from 0.
func (s *Source) notFinite(which string, row, column int, v float32) error {
	name := ""
	if column < len(s.Columns) {
		name = fmt.Sprintf(" (%s)", s.Columns[column])
	}
	return fmt.Errorf("data: %s: row %d of the %s set, column %d%s, both counted from 0: want a finite number, got %v; fill in or leave out such rows",
		s, row, which, column, name, v)
}

// add counts a row in; the first one makes the sums.
func add(found []sums, row []float32) []sums {
	if found == nil {
		found = make([]sums, len(row))
		for j, x := range row {
			v := float64(x)
			found[j] = sums{first: v, min: v, max: v}
		}
	}
	for j, x := range row {
		f, v := &found[j], float64(x)
		d := v - f.first
		f.sum += d
		f.squares += d * d
		f.min, f.max = min(f.min, v), max(f.max, v)
	}
	return found
}

// column is what the sums over n rows say.
func (f sums) column(n int) Column {
	mean := f.sum / float64(n)
	variance := max(0, f.squares/float64(n)-mean*mean)
	return Column{Mean: f.first + mean, Deviation: math.Sqrt(variance), Min: f.min, Max: f.max}
}

// All is all columns as one.
func (m *Measured) All() Column {
	columns := m.Columns
	all := Column{Min: columns[0].Min, Max: columns[0].Max}
	for _, c := range columns {
		all.Mean += c.Mean / float64(len(columns))
		all.Min, all.Max = min(all.Min, c.Min), max(all.Max, c.Max)
	}
	variance := 0.0
	for _, c := range columns {
		d := c.Mean - all.Mean
		variance += (c.Deviation*c.Deviation + d*d) / float64(len(columns))
	}
	all.Deviation = math.Sqrt(variance)
	return all
}
