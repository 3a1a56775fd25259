package data

import (
	"slices"
	"strings"
	"testing"
)

// TestDivision holds test and validation rows, of a class or of windows in time,
// to what they should be: drawn, in order, and apart.
func TestDivision(t *testing.T) {
	three := byte(3)
	windows := func(lines, window, step int) *Source {
		n := (lines-window)/step + 1
		rows, err := Vectors(make([]float32, n*window*2), window*2)
		if err != nil {
			t.Fatal(err)
		}
		return &Source{Name: "hours", Train: Set{Rows: rows}, Form: Form{Table: &TableForm{
			Fields: []Field{{Name: "a"}, {Name: "b"}}, Window: window, Step: step,
		}}}
	}
	for name, c := range map[string]struct {
		source           *Source
		by               Division
		train, val, test int
		want             string // in the error
	}{
		"test":             {source: sorted(20, 20), by: Division{Test: 10}, train: 30, test: 10},
		"both":             {source: sorted(20, 20), by: Division{Val: 4, Test: 0.25}, train: 26, val: 4, test: 10},
		"of a class":       {source: sorted(9, 8, 7, 20), by: Division{Class: &three, Val: 2, Test: 0.5}, train: 8, val: 2, test: 10},
		"class, limited":   {source: sorted(9, 8, 7, 20), by: Division{Limit: 30, Class: &three}, train: 6},
		"windows":          {source: windows(103, 4, 1), by: Division{Val: 10, Test: 20}, train: 64, val: 10, test: 20},
		"windows apart":    {source: windows(100, 4, 4), by: Division{Test: 5}, train: 20, test: 5},
		"windows overlap":  {source: windows(100, 5, 2), by: Division{Test: 5}, train: 41, test: 5},
		"none left":        {source: sorted(5), by: Division{Val: 2, Test: 3}, want: "5 validation and test rows of 5 training rows; want 0 to 4"},
		"no such class":    {source: sorted(5), by: Division{Class: &three}, want: "no training row of class 3"},
		"no labels":        {source: &Source{Name: "x", Train: Set{Rows: counting(3, 1, 2)}}, by: Division{Class: &three}, want: "no labels"},
		"too many windows": {source: windows(20, 8, 1), by: Division{Test: 10}, want: "leave none to train on"},
	} {
		c.by.Seed = 5
		s, err := c.source.Split(c.by)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error %v, want %q", name, err, c.want)
			}
			continue
		}
		train := s.Rows()
		if err != nil || len(train) != c.train || len(s.Val) != c.val || len(s.Test) != c.test {
			t.Errorf("%s: %d, %d and %d rows (%v), want %d, %d and %d", name, len(train), len(s.Val), len(s.Test), err, c.train, c.val, c.test)
		}
		all := slices.Concat(train, s.Val, s.Test)
		for i, rows := range [][]int32{train, s.Val, s.Test} {
			if !slices.IsSorted(rows) {
				t.Errorf("%s: set %d is out of order: %v", name, i, rows)
			}
		}
		slices.Sort(all)
		if len(slices.Compact(all)) != c.train+c.val+c.test {
			t.Errorf("%s: sets share rows: %v, %v, %v", name, train, s.Val, s.Test)
		}
		for _, row := range all {
			if c.by.Class != nil && c.source.Train.Labels[row] != *c.by.Class {
				t.Errorf("%s: row %d is of class %d", name, row, c.source.Train.Labels[row])
			}
		}
		if table := c.source.Table; table != nil {
			last := int(train[len(train)-1]) * table.Step
			for _, row := range slices.Concat(s.Val, s.Test) {
				if int(row)*table.Step < last+table.Window {
					t.Errorf("%s: window %d shares lines with one that is trained on", name, row)
				}
			}
		}
	}
}

func TestClass(t *testing.T) {
	named, numbered := Form{Classes: []string{"1", "cat"}}, Form{}
	for _, c := range []struct {
		form Form
		name string
		want byte
		err  string
	}{
		{form: named, name: "cat", want: 1},
		{form: named, name: "1", want: 0}, // a name goes first
		{form: named, name: "0", want: 0},
		{form: named, name: "2", err: `want one of ["1" "cat"]`},
		{form: numbered, name: "7", want: 7},
		{form: numbered, name: "cat", err: "the classes have no names"},
		{form: numbered, name: "256", err: "0 to 255"},
	} {
		got, err := c.form.Class(c.name)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q of %q: %d, error %v", c.name, c.form.Classes, got, err)
		}
	}
	if got := named.ClassName(1) + named.ClassName(2); got != "cat2" {
		t.Errorf("names %q", got)
	}
}
