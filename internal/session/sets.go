package session

import (
	"fmt"
	"slices"

	"aegis/data"
	"aegis/internal/train"
)

// The sets of a source, as a run divides it.
const (
	SetTrain = "train" // rows that are trained on
	SetVal   = "val"   // rows to validate on: a set of its own, or those that are held out
	SetTest  = "test"  // rows to test with, of all classes: a set of its own, or those that are held out
	SetAll   = "all"   // the training set as it is, in its order
)

// Sets returns the names of all.
func Sets() []string { return []string{SetTrain, SetVal, SetTest, SetAll} }

// Pick returns the rows of a set of a source as a run with a configuration
// divides it, in ascending order. An empty name is the test set or, without
// one, all of the training set.
func Pick(c Config, src *data.Source, name string) (data.Set, []int32, error) {
	t := &trainer{cfg: c, dataset: src}
	if err := src.Validate(); err != nil {
		return data.Set{}, nil, err
	}
	if err := t.divide(); err != nil {
		return data.Set{}, nil, &ConfigError{err}
	}
	if name == "" {
		if name = SetTest; src.Test.Len() == 0 && len(t.rows.test) == 0 {
			name = SetAll
		}
	}
	var from data.Set
	var rows []int32
	switch name {
	case SetTrain:
		from, rows = t.train, t.rows.split.Rows()
	case SetVal:
		from, rows = t.set(t.rows.valSet), t.rows.val
	case SetTest:
		from, rows = t.set(t.rows.testSet), t.rows.test
		switch n := src.Test.Len(); {
		case n > 0:
			rows = train.Rows(n)
		case len(rows) > 0:
			rows = t.withOthers(rows)
		}
	case SetAll:
		from, rows = src.Train, train.Rows(src.Train.Len())
	default:
		return data.Set{}, nil, configErrorf("aegis: unknown set %q; want one of %q", name, Sets())
	}
	if len(rows) == 0 {
		return data.Set{}, nil, fmt.Errorf("aegis: %s has no set %s; want another one of %q", src, name, Sets())
	}
	return from, rows, nil
}

// PickLines returns the lines from to to-1 of a table that the windows of a set
// of a source cover, as a run with a configuration divides it; the test set's
// reach to the last that the run read, whatever the class of their windows. An
// empty name is the test set or, without one, all windows.
func PickLines(c Config, src *data.Source, name string) (from, to int, err error) {
	t := &trainer{cfg: c, dataset: src}
	_, rows, err := Pick(c, src, name)
	if err != nil {
		return 0, 0, err
	}
	if err := t.divide(); err != nil {
		return 0, 0, &ConfigError{err}
	}
	if held := t.rows.test; len(held) > 0 && (name == "" || name == SetTest) {
		rows = []int32{held[0], int32(t.train.N - 1)}
	}
	form := src.Table
	return int(rows[0]) * form.Step, int(rows[len(rows)-1])*form.Step + form.Window, nil
}

// withOthers adds to the normal rows that were held out to test with all rows
// of other classes, none of which is trained on.
func (t *trainer) withOthers(held []int32) []int32 {
	if t.cfg.NormalClass == "" {
		return held
	}
	normal := t.train.Labels[held[0]]
	rows := slices.Clone(held)
	for row, label := range t.train.Labels {
		if label != normal {
			rows = append(rows, int32(row))
		}
	}
	slices.Sort(rows)
	return rows
}
