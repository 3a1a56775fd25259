package data

import (
	"math"
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	whole := func() *Source {
		return &Source{
			Name:  "own",
			Train: Set{Rows: counting(5, 2, 3), Labels: []byte{0, 1, 2, 3, 4}},
			Test:  Set{Rows: counting(2, 2, 3), Labels: []byte{0, 1}},
		}
	}
	cases := []struct {
		name     string
		bend     func(d *Source)
		fragment string // empty: nothing is wrong
	}{
		{name: "whole", bend: func(*Source) {}},
		{name: "no test set", bend: func(d *Source) { d.Test = Set{} }},
		{name: "no labels", bend: func(d *Source) { d.Train.Labels, d.Test.Labels = nil, nil }},
		{name: "classes", bend: func(d *Source) { d.Classes = []string{"a", "b", "c", "d"} }, fragment: "training labels: want 0 to 3, which have names, got 4 in row 4"},
		{name: "no name", bend: func(d *Source) { d.Name, d.Train.Labels = "", nil; d.Test.N = 1 }, fragment: "data: the source: test"},
		{name: "zero", bend: func(d *Source) { *d = Source{} }, fragment: "training rows: 0 of shape [0]"},
		{name: "nil pixels", bend: func(d *Source) { d.Train.Bytes = nil }, fragment: "data: own: training rows: want 30 bytes for 5 rows of shape [1 2 3], got 0"},
		{name: "short pixels", bend: func(d *Source) { d.Train.Bytes = d.Train.Bytes[:29] }, fragment: "got 29"},
		{name: "more pixels", bend: func(d *Source) { d.Test.Bytes = append(d.Test.Bytes, 0) }, fragment: "test rows: want 12 bytes"},
		{name: "short labels", bend: func(d *Source) { d.Train.Labels = d.Train.Labels[:4] }, fragment: "training labels: want 5, one a row, got 4"},
		{name: "labels without images", bend: func(d *Source) { d.Test.Rows = Rows{} }, fragment: "test rows: 0 of shape"},
		{name: "empty labels", bend: func(d *Source) { d.Test.Labels = []byte{} }, fragment: "test labels: want 2, one a row, got 0"},
		{name: "turned", bend: func(d *Source) { d.Test.H, d.Test.W = 3, 2 }, fragment: "test rows: want 2×3 as in training, got 3×2"},
		{name: "channels", bend: func(d *Source) { d.Test.C, d.Test.H = 2, 1 }, fragment: "got 2 channels of 1×3"},
		{name: "negative", bend: func(d *Source) { d.Train.N, d.Train.H = -5, -2 }, fragment: "-5 of shape [1 -2 3]"},
		{name: "negative test", bend: func(d *Source) { d.Test = Set{Rows: Rows{N: -1}} }, fragment: "test rows: -1 of shape"},
		{name: "product overflows", bend: func(d *Source) { d.Train.N, d.Train.C = math.MaxInt/2+1, 4 }, fragment: "in memory's reach"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := whole()
			c.bend(d)
			err := d.Validate()
			if (err == nil) != (c.fragment == "") || err != nil && !strings.Contains(err.Error(), c.fragment) {
				t.Errorf("error %v, want %q", err, c.fragment)
			}
		})
	}
	var none *Source
	if err := none.Validate(); err == nil || !strings.Contains(err.Error(), "nil") {
		t.Errorf("nil dataset: %v", err)
	}
	if err := (Rows{N: 1, Shape: Shape{C: 1, H: 2, W: 2}, Bytes: make([]byte, 3)}).Validate(); err == nil ||
		!strings.HasPrefix(err.Error(), "data: rows: want 4 bytes") {
		t.Errorf("rows: %v", err)
	}
}
