package data

import (
	"math"
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	whole := func() *Dataset {
		return &Dataset{
			Name:  "own",
			Train: Set{Images: counting(5, 2, 3), Labels: []byte{0, 1, 2, 3, 4}},
			Test:  Set{Images: counting(2, 2, 3), Labels: []byte{0, 1}},
		}
	}
	cases := []struct {
		name     string
		bend     func(d *Dataset)
		fragment string // empty: nothing is wrong
	}{
		{name: "whole", bend: func(*Dataset) {}},
		{name: "no test set", bend: func(d *Dataset) { d.Test = Set{} }},
		{name: "no labels", bend: func(d *Dataset) { d.Train.Labels, d.Test.Labels = nil, nil }},
		{name: "zero", bend: func(d *Dataset) { *d = Dataset{} }, fragment: "training images: shape (0,0,0,0)"},
		{name: "nil pixels", bend: func(d *Dataset) { d.Train.Pixels = nil }, fragment: "data: own: training images: want 30 bytes for shape (5,1,2,3), got 0"},
		{name: "short pixels", bend: func(d *Dataset) { d.Train.Pixels = d.Train.Pixels[:29] }, fragment: "got 29"},
		{name: "more pixels", bend: func(d *Dataset) { d.Test.Pixels = append(d.Test.Pixels, 0) }, fragment: "test images: want 12 bytes"},
		{name: "short labels", bend: func(d *Dataset) { d.Train.Labels = d.Train.Labels[:4] }, fragment: "training labels: want 5, one an image, got 4"},
		{name: "labels without images", bend: func(d *Dataset) { d.Test.Images = Images{} }, fragment: "test images: shape"},
		{name: "empty labels", bend: func(d *Dataset) { d.Test.Labels = []byte{} }, fragment: "test labels: want 2, one an image, got 0"},
		{name: "turned", bend: func(d *Dataset) { d.Test.H, d.Test.W = 3, 2 }, fragment: "test images: want 2×3 as in training, got 3×2"},
		{name: "channels", bend: func(d *Dataset) { d.Test.C, d.Test.H = 2, 1 }, fragment: "got 2 channels of 1×3"},
		{name: "negative", bend: func(d *Dataset) { d.Train.N, d.Train.H = -5, -2 }, fragment: "shape (-5,1,-2,3)"},
		{name: "negative test", bend: func(d *Dataset) { d.Test = Set{Images: Images{N: -1}} }, fragment: "test images: shape (-1,0,0,0)"},
		{name: "product overflows", bend: func(d *Dataset) { d.Train.N, d.Train.C = math.MaxInt/2+1, 4 }, fragment: "in memory's reach"},
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
	var none *Dataset
	if err := none.Validate(); err == nil || !strings.Contains(err.Error(), "nil") {
		t.Errorf("nil dataset: %v", err)
	}
	if err := (Images{N: 1, C: 1, H: 2, W: 2, Pixels: make([]byte, 3)}).Validate(); err == nil ||
		!strings.HasPrefix(err.Error(), "data: images: want 4 bytes") {
		t.Errorf("images: %v", err)
	}
}
