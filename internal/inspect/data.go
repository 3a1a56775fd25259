package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"aegis/data"
)

// Data is rows to train on.
type Data struct {
	Name    string    `json:"name"`
	Shape   string    `json:"shape"`  // of a row: 28×28, 3 channels of 64×64, 30 values
	Row     [3]int    `json:"row"`    // channels, height, width; of a vector 0, 0, width
	Values  string    `json:"values"` // bytes or float32
	Sets    []Set     `json:"sets"`
	All     Column    `json:"all"`               // all values of all rows
	Columns []Column  `json:"columns,omitempty"` // of vectors
	Form    data.Form `json:"form,omitzero"`
}

// Set is one of its sets.
type Set struct {
	Name    string  `json:"name"` // train, val or test
	Rows    int     `json:"rows"`
	Classes []Class `json:"classes,omitempty"`
}

// Class is how many rows of a set have a label.
type Class struct {
	Name string `json:"name"`
	Rows int    `json:"rows"`
}

// Column is what one value of the rows of all sets is like. Values that are no
// finite number are missing and are left out.
type Column struct {
	Name    string  `json:"name,omitempty"`
	Mean    float64 `json:"mean"`
	Min     float64 `json:"min"`
	Max     float64 `json:"max"`
	Missing int     `json:"missing,omitempty"`

	n   int
	sum float64
}

// source reads rows.
func (i *inspection) source() error {
	src, err := i.open(i.ctx, i.Path, false)
	if err != nil {
		filled, failed := i.open(i.ctx, i.Path, true)
		if failed != nil {
			return err
		}
		src = filled
		i.Notes = append(i.Notes, "values are missing; below they are filled in by the mean of their column, in training only where that is asked for")
	}
	defer func() { _ = src.Close() }() // it was read only
	i.Kind = KindData
	i.Notes = append(i.Notes, src.Notes...)
	return src.Guard(func() (err error) {
		i.Data, err = describe(i.ctx, src)
		return err
	})
}

// archive reads a .npz: its arrays, and rows where it has some.
func (i *inspection) archive() error {
	f, err := os.Open(i.Path)
	if err != nil {
		return fmt.Errorf("aegis: inspect: %w", err)
	}
	defer func() { _ = f.Close() }() // it was read only
	if i.Arrays, err = data.HeadersNPZ(f, i.Bytes, i.Path); err != nil {
		return err
	}
	return i.sourceOrArrays()
}

// array reads a .npy.
func (i *inspection) array() error {
	f, err := os.Open(i.Path)
	if err != nil {
		return fmt.Errorf("aegis: inspect: %w", err)
	}
	defer func() { _ = f.Close() }() // it was read only
	a, err := data.HeaderNPY(f, i.Bytes, i.Path)
	if err != nil {
		return err
	}
	i.Arrays = []data.Array{a}
	return i.sourceOrArrays()
}

// sourceOrArrays reads rows of arrays. Where that cannot be done their headers
// are all there is to say, and why.
func (i *inspection) sourceOrArrays() error {
	err := i.source()
	var broken *data.FormatError
	if err == nil || errors.As(err, &broken) || i.ctx.Err() != nil {
		return err
	}
	i.Kind = KindArrays
	i.Notes = append(i.Notes, "no rows to train on: "+err.Error())
	return nil
}

// describe goes once through all rows.
func describe(ctx context.Context, src *data.Source) (*Data, error) {
	shape := src.Train.Shape
	d := &Data{
		Name: src.String(), Shape: shape.String(), Row: [3]int{shape.C, shape.H, shape.W}, Values: "float32", Form: src.Form,
	}
	if src.Train.IsBytes() {
		d.Values = "bytes"
	}
	columns := make([]Column, shape.Size())
	for at, name := range src.Form.Columns {
		columns[at].Name = name
	}
	for _, set := range []struct {
		name string
		data.Set
	}{{"train", src.Train}, {"val", src.Val}, {"test", src.Test}} {
		if set.N == 0 {
			continue
		}
		d.Sets = append(d.Sets, Set{Name: set.name, Rows: set.N, Classes: classes(src.Form, set.Labels)})
		if err := measure(ctx, columns, set.Rows); err != nil {
			return nil, err
		}
	}
	d.All = together(columns)
	if shape.IsVector() {
		for at := range columns {
			columns[at].finish()
		}
		d.Columns = columns
	}
	return d, nil
}

// classes counts labels. Classes that have names are listed without rows too.
func classes(form data.Form, labels []byte) []Class {
	if labels == nil {
		return nil
	}
	var counts [256]int
	for _, label := range labels {
		counts[label]++
	}
	var all []Class
	for label, n := range counts {
		if n > 0 || label < len(form.Classes) {
			all = append(all, Class{Name: form.ClassName(byte(label)), Rows: n})
		}
	}
	return all
}

// measure takes rows in.
func measure(ctx context.Context, columns []Column, rows data.Rows) error {
	const every = 1 << 12 // rows between two looks at the context
	for i := range rows.N {
		if i%every == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if rows.IsBytes() {
			for j, v := range rows.ByteRow(i) {
				columns[j].add(float64(v))
			}
			continue
		}
		for j, v := range rows.FloatRow(i) {
			columns[j].add(float64(v))
		}
	}
	return nil
}

func (c *Column) add(v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		c.Missing++
		return
	}
	if c.n == 0 {
		c.Min, c.Max = v, v
	}
	c.n++
	c.sum += v
	c.Min, c.Max = min(c.Min, v), max(c.Max, v)
}

// finish makes the mean, 0 where all values are missing.
func (c *Column) finish() { c.Mean = c.sum / float64(cmp.Or(c.n, 1)) }

// together is all columns as one.
func together(columns []Column) Column {
	var all Column
	for _, c := range columns {
		if all.n == 0 {
			all.Min, all.Max = c.Min, c.Max
		}
		if c.n > 0 {
			all.Min, all.Max = min(all.Min, c.Min), max(all.Max, c.Max)
		}
		all.n, all.sum, all.Missing = all.n+c.n, all.sum+c.sum, all.Missing+c.Missing
	}
	all.finish()
	return all
}
