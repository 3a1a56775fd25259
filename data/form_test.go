package data

import (
	"io"
	"slices"
	"strings"
	"testing"
)

func TestFormValidate(t *testing.T) {
	image := ImageForm{Channels: 3, Height: 4, Width: 5, Fit: FitPad}
	table := TableForm{Fields: []Field{{Name: "a"}, {Name: "c", Categories: []string{"x", "y"}}}, Window: 4, Step: 2}
	bent := func(bend func(i *ImageForm, t *TableForm)) Form {
		i, t := image, table
		bend(&i, &t)
		if i != image {
			return Form{Images: &i}
		}
		return Form{Table: &t}
	}
	for name, c := range map[string]struct {
		form  Form
		shape Shape
		want  string // in the error; empty: none
	}{
		"none":     {shape: Shape{W: 9}},
		"images":   {form: Form{Images: &image}, shape: Shape{C: 3, H: 4, W: 5}},
		"table":    {form: Form{Table: &table}, shape: Shape{W: 12}},
		"names":    {form: Form{Columns: []string{"a"}}, shape: Shape{W: 2}, want: "1 names of columns; want 2"},
		"both":     {form: Form{Images: &image, Table: &table}, shape: Shape{W: 12}, want: "at once"},
		"shape":    {form: Form{Images: &image}, shape: Shape{C: 1, H: 4, W: 5}, want: "3 channels of 4×5"},
		"channels": {form: bent(func(i *ImageForm, _ *TableForm) { i.Channels = 2 }), shape: Shape{C: 2, H: 4, W: 5}, want: "2 channels"},
		"fit":      {form: bent(func(i *ImageForm, _ *TableForm) { i.Fit = "zoom" }), shape: image.Shape(), want: `fit "zoom"`},
		"width":    {form: Form{Table: &table}, shape: Shape{W: 3}, want: "4 lines of 3 values"},
		"step":     {form: bent(func(_ *ImageForm, t *TableForm) { t.Step = 0 }), shape: Shape{W: 12}, want: "step 0"},
	} {
		err := c.form.Validate(c.shape)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	if got, want := table.Columns(), []string{"a", "c=x", "c=y"}; !slices.Equal(got, want) {
		t.Errorf("columns %q, want %q", got, want)
	}
}

func TestReader(t *testing.T) {
	set := Set{Rows: vectors(t, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), Labels: []byte{4, 3, 2, 1, 0}}
	r := NewReader(set)
	var sizes []int
	for {
		c, err := r.Next(2)
		if err == io.EOF {
			break
		}
		if err != nil || c.Shape != r.Shape() || len(c.Labels) != c.N {
			t.Fatalf("%+v, error %v", c, err)
		}
		sizes = append(sizes, c.N)
	}
	if want := []int{2, 2, 1}; !slices.Equal(sizes, want) {
		t.Errorf("chunks of %v rows, want %v", sizes, want)
	}
	all, names, err := ReadAll(NewReader(set))
	if err != nil || names != nil || all.N != set.N || !slices.Equal(all.Floats, set.Floats) || !slices.Equal(all.Labels, set.Labels) {
		t.Errorf("%+v, names %q, error %v", all, names, err)
	}
}

func TestPickReader(t *testing.T) {
	set := Set{Rows: counting(6, 1, 2), Labels: []byte{0, 1, 2, 3, 4, 5}}
	r := NewPickReader(set, []int32{4, 1, 5})
	if n := Len(r); n != 3 {
		t.Errorf("%d rows", n)
	}
	all, _, err := ReadAll(r)
	if err != nil || !slices.Equal(all.Labels, []byte{4, 1, 5}) || !slices.Equal(all.ByteRow(1), set.ByteRow(1)) {
		t.Errorf("%+v, error %v", all, err)
	}
}
