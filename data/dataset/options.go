package dataset

import (
	"fmt"
	"strings"

	"aegis/data"
)

// forWhat are the kinds of data that options go with.
type forWhat int

const (
	none     forWhat = 0
	ofImages forWhat = 1 << iota
	ofTables
	ofArchives
)

// set lists the options that were given, in words, what they are for, and
// whether a model has them.
func (opt Options) set() []given {
	return []given{
		{opt.Height != 0 || opt.Width != 0, "a size", ofImages, opt.forModel()},
		{opt.Fit != "", "a fit", ofImages, opt.Form != nil && opt.Form.Images != nil},
		{opt.Gray, "grey", ofImages, opt.forModel()},
		{opt.Strict, "strict reading", ofImages, false},
		{len(opt.Columns) > 0, "columns", ofTables, opt.hasTable()},
		{len(opt.Drop) > 0, "columns to drop", ofTables, opt.hasTable()},
		{opt.Label != "", "a label column", ofTables, false},
		{opt.Header != "", "a header", ofTables, false},
		{opt.Delimiter != "", "a delimiter", ofTables, false},
		{opt.Decimal != "", "a decimal mark", ofTables, false},
		{opt.Impute != "", "values for missing ones", ofTables, opt.hasTable()},
		{opt.Window != 0 || opt.Step != 0, "a window", ofTables, opt.hasTable()},
		{len(opt.Keys) > 0, "names of arrays", ofArchives, false},
	}
}

type given struct {
	is       bool
	what     string
	goesWith forWhat
	ofModel  bool
}

func (opt Options) forModel() bool { return opt.Form != nil || opt.Shape != data.Shape{} }
func (opt Options) hasTable() bool { return opt.Form != nil && opt.Form.Table != nil }

// allow says which options do not go with data of a kind, or are a model's.
func (opt Options) allow(name, is string, kind forWhat) error {
	var other, ofModel []string
	for _, g := range opt.set() {
		switch {
		case !g.is:
		case g.goesWith&kind == 0:
			other = append(other, g.what)
		case g.ofModel:
			ofModel = append(ofModel, g.what)
		}
	}
	switch {
	case other != nil:
		return fmt.Errorf("dataset: %s is %s, which does not go with %s; leave out what is for other data", name, is, strings.Join(other, ", "))
	case ofModel != nil:
		return fmt.Errorf("dataset: %s: the model has its own %s; leave out what says how rows are made", name, strings.Join(ofModel, ", "))
	}
	return nil
}

// fit returns the shape as which a model of a shape, if there is one, reads rows
// of another.
func fit(name string, got, want data.Shape) (data.Shape, error) {
	grey := func(s data.Shape) bool { return s.IsVector() || s.C == 1 }
	switch {
	case want == data.Shape{} || got == want:
		return got, nil
	case got.Size() == want.Size() && got.IsVector() != want.IsVector() && grey(got) && grey(want):
		return want, nil
	}
	return got, fmt.Errorf("dataset: %s: want rows of %v, which the model reads, got rows of %v; give it data like those that it was trained on", name, want, got)
}

// fitSource makes the sets of a source such that a model can read them.
func fitSource(s *data.Source, opt Options) error {
	shape, err := fit(s.String(), s.Train.Shape, opt.Shape)
	if err != nil {
		return err
	}
	for _, set := range []*data.Set{&s.Train, &s.Val, &s.Test} {
		if set.N > 0 {
			set.Shape = shape
		}
	}
	return nil
}
