package table

import (
	"fmt"
	"math"
	"slices"

	"aegis/data"
	"aegis/internal/advice"
)

// filler makes values of rows by the fields of a form.
type filler struct {
	choice
	file    string
	fields  []data.Field
	places  []map[string]int // of the categories of each field
	width   int              // values of a row
	impute  bool             // a missing number becomes NaN, for later
	classes []string
	class   map[string]byte // nil: numbers
	others  bool            // labels that class lacks are further classes
}

func newFiller(c choice, file string, fields []data.Field, classes []string, impute bool) *filler {
	f := &filler{choice: c, file: file, fields: fields, places: make([]map[string]int, len(fields)), impute: impute, classes: classes}
	for i, field := range fields {
		f.width += field.Values()
		if field.Categories != nil {
			f.places[i] = make(map[string]int, len(field.Categories))
			for k, name := range field.Categories {
				f.places[i][name] = k
			}
		}
	}
	if classes != nil {
		f.class = make(map[string]byte, len(classes))
		for i, name := range classes {
			f.class[name] = byte(i)
		}
	}
	return f
}

// filled is the values of some rows.
type filled struct {
	rows   int
	values []float32
	labels []byte
	fills  []int // missing values of each field that were filled in

	unknown []unknownLabel // labels of further classes
}

// unknownLabel is the label of a row whose class has no number yet.
type unknownLabel struct {
	row  int
	name string
}

// part makes values of the rows of a part.
func (f *filler) part(p part) (*filled, error) {
	out := &filled{fills: make([]int, len(f.fields)), values: make([]float32, 0, p.atMost()*f.width)}
	err := p.each(func(row []value, line int) error {
		at := out.rows
		out.rows++
		for i := range f.fields {
			var cell *CellError
			if out.values, cell = f.append(out.values, row[i], i, &out.fills[i]); cell != nil {
				cell.File, cell.Column, cell.Row, cell.Line = f.file, f.names[i], at, line
				if row[i].kind == missing {
					return advice.With(cell, imputing)
				}
				return cell
			}
		}
		if !f.label {
			return nil
		}
		label, further, cell := f.labelOf(row[len(row)-1])
		if cell != nil {
			cell.File, cell.Column, cell.Row, cell.Line = f.file, f.labelName(), at, line
			return cell
		}
		if further {
			out.unknown = append(out.unknown, unknownLabel{len(out.labels), row[len(row)-1].class()})
		}
		out.labels = append(out.labels, label)
		return nil
	})
	return out, err
}

// append appends the values of a cell of field i.
func (f *filler) append(to []float32, v value, i int, fills *int) ([]float32, *CellError) {
	field := &f.fields[i]
	if v.kind == missing {
		switch {
		case f.impute && field.Categories == nil:
			*fills++
			return append(to, float32(math.NaN())), nil
		case field.Fill == nil:
			return to, &CellError{Want: "a value", Got: v.missed(), Advice: "fill it in, leave the row or the column out, or let the column's mean or median be taken in training"}
		}
		*fills++
		for range field.Values() {
			to = append(to, float32(*field.Fill))
		}
		return to, nil
	}
	if field.Categories != nil {
		return f.appendCategory(to, v, i)
	}
	if v.kind != number {
		e := &CellError{Want: "a number", Got: quoted(v.String()), Advice: "correct it, or leave the row or the column out"}
		if v.kind != text {
			e.Want = fmt.Sprintf("a finite number, at most %g", float32(math.MaxFloat32))
		}
		return to, e
	}
	return append(to, float32(v.number)), nil
}

// appendCategory appends a 1 among zeros.
func (f *filler) appendCategory(to []float32, v value, i int) ([]float32, *CellError) {
	place, known := f.places[i][v.String()]
	if !known {
		return to, &CellError{
			Want: "one of the categories " + listed(f.fields[i].Categories), Got: quoted(v.String()),
			Advice: "leave the row out, or train a model with rows that have it",
		}
	}
	for k := range f.fields[i].Categories {
		one := float32(0)
		if k == place {
			one = 1
		}
		to = append(to, one)
	}
	return to, nil
}

// labelOf is the class of a row; further says that it is one that has no number
// yet.
func (f *filler) labelOf(v value) (label byte, further bool, cell *CellError) {
	switch {
	case v.kind == missing:
		return 0, false, &CellError{Want: "a label", Got: v.missed(), Advice: "fill it in, or leave the row out"}
	case f.class == nil && v.isClass():
		return byte(v.number), false, nil
	case f.class == nil && f.others:
		return 0, true, nil
	case f.class == nil:
		return 0, false, &CellError{Want: "a class from 0 to 255", Got: quoted(v.String()), Advice: "correct it, or leave the row out"}
	}
	label, known := f.class[v.class()]
	if !known && !f.others {
		return 0, false, &CellError{Want: "one of the classes " + listed(f.classes), Got: quoted(v.class()), Advice: "correct it, or leave the row out"}
	}
	return label, !known, nil
}

// number gives further classes numbers, in the order of their rows.
func (f *filler) number(found []*filled) error {
	for _, some := range found {
		for _, u := range some.unknown {
			label, known := f.class[u.name]
			if !known {
				if len(f.classes) == mostClasses {
					return fmt.Errorf("table: %s: label column: want at most %d classes, got more; choose a column with each row's class", f.file, mostClasses)
				}
				if f.class == nil {
					f.class = make(map[string]byte)
				}
				label = byte(len(f.classes))
				f.class[u.name], f.classes = label, append(slices.Clip(f.classes), u.name)
			}
			some.labels[u.row] = label
		}
	}
	return nil
}
