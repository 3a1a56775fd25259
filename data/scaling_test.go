package data

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// vectors are rows of float32.
func vectors(t testing.TB, width int, values ...float32) Rows {
	t.Helper()
	r, err := Vectors(values, width)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// whole is a split of all rows.
func whole(r Rows) Split { return Split{N: r.N} }

func TestFit(t *testing.T) {
	rows := vectors(t, 3, 1, 5, 1e8, 3, 5, 1e8+8, 5, 5, 1e8+16)
	colour := Rows{N: 2, Shape: Shape{C: 1, H: 1, W: 2}, Floats: []float32{0, 2, 4, 10}}
	deviation := math.Sqrt(8. / 3)
	unit, sym := Range{0, 1}, Range{-1, 1}
	for name, c := range map[string]struct {
		kind          Scale
		rows          Rows
		pixels        Range
		shift, factor []float64
	}{
		"none":             {kind: ScaleNone, rows: rows},
		"minmax":           {ScaleMinMax, rows, unit, []float64{1, 5, 1e8}, []float64{0.25, 1, 1. / 16}},
		"minmax in [-1,1]": {ScaleMinMax, rows, sym, []float64{3, 5, 1e8 + 8}, []float64{0.5, 1, 1. / 8}},
		"standard":         {ScaleStandard, rows, unit, []float64{3, 5, 1e8 + 8}, []float64{1 / deviation, 1, 1 / (4 * deviation)}},
		"an image":         {ScaleMinMax, colour, unit, []float64{0}, []float64{0.1}},
		"a standard image": {ScaleStandard, colour, unit, []float64{4}, []float64{1 / math.Sqrt(14)}},
		"bytes":            {ScaleStandard, Rows{N: 2, Shape: Shape{W: 1}, Bytes: []byte{10, 14}}, unit, []float64{12}, []float64{0.5}},
	} {
		s := Source{Train: Set{Rows: c.rows}}
		m, err := s.Measure(t.Context(), whole(c.rows), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.kind.Fit(m, c.rows.Shape, c.pixels)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Shift) != len(c.shift) || len(got.Factor) != len(c.factor) {
			t.Fatalf("%s: %+v", name, got)
		}
		for i := range c.shift {
			if math.Abs(float64(got.Shift[i])-c.shift[i]) > 1e-6*(1+math.Abs(c.shift[i])) || math.Abs(float64(got.Factor[i])-c.factor[i]) > 1e-6*c.factor[i] {
				t.Errorf("%s: column %d: shift %v, factor %v; want %v and %v", name, i, got.Shift[i], got.Factor[i], c.shift[i], c.factor[i])
			}
		}
		if err := got.Validate(c.rows.Size()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		text, err := json.Marshal(got)
		var back Scaling
		if err = errors.Join(err, json.Unmarshal(text, &back)); err != nil || !reflect.DeepEqual(back, got) {
			t.Errorf("%s: came back from JSON as %+v (%v)", name, back, err)
		}
	}
}

// Rows that are held out have no part in a scaling, and those of other sets.
func TestFitOnTrainedRows(t *testing.T) {
	rows := vectors(t, 1, 100, 1, 3, -100, 5)
	s := Source{Train: Set{Rows: rows}, Test: Set{Rows: vectors(t, 1, 1e6)}}
	m, err := s.Measure(t.Context(), Split{N: 5, Held: []int32{0, 3}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c := m.Columns[0]; c.Min != 1 || c.Max != 5 || math.Abs(c.Mean-3) > 1e-12 {
		t.Errorf("%+v; want 1 to 5, mean 3", c)
	}
}

// What is scaled and undone is what it was, within rounding.
func TestUndo(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	values := make([]float32, 7*100)
	for i := range values {
		values[i] = float32(r.NormFloat64())*float32(i%7+1) + float32(100*(i%7))
	}
	rows := vectors(t, 7, values...)
	s := Source{Train: Set{Rows: rows}}
	m, err := s.Measure(t.Context(), whole(rows), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range Scales() {
		scaling, err := kind.Fit(m, rows.Shape, Range{-1, 1})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, len(values))
		for i := range rows.N {
			scaling.Read(got[i*7:][:7], rows, i)
		}
		if kind == ScaleMinMax && (slices.Min(got) < -1.00001 || slices.Max(got) > 1.00001) {
			t.Errorf("minmax: from %v to %v", slices.Min(got), slices.Max(got))
		}
		all := slices.Clone(values)
		if scaling.Apply(all); !slices.Equal(all, got) {
			t.Errorf("%s: Apply and Read differ", kind)
		}
		scaling.Undo(got)
		for i, v := range got {
			if math.Abs(float64(v-values[i])) > 1e-4 {
				t.Fatalf("%s: value %d came back as %v, was %v", kind, i, v, values[i])
			}
		}
	}
}

func TestMeasureErrors(t *testing.T) {
	nan := float32(math.NaN())
	good := vectors(t, 2, 1, 2, 3, 4)
	for name, c := range map[string]struct {
		source Source
		want   string
	}{
		"NaN":      {Source{Name: "a.npy", Train: Set{Rows: vectors(t, 2, 1, 2, 3, nan)}}, "data: a.npy: row 1 of the training set, column 1, both counted from 0: want a finite number, got NaN"},
		"infinite": {Source{Name: "b", Train: Set{Rows: good}, Test: Set{Rows: vectors(t, 2, float32(math.Inf(-1)), 0)}, Form: Form{Columns: []string{"x", "y"}}}, "row 0 of the test set, column 0 (x), both counted from 0: want a finite number, got -Inf"},
		"val":      {Source{Train: Set{Rows: good}, Val: Set{Rows: vectors(t, 2, 0, nan)}}, "validation set"},
	} {
		if _, err := c.source.Measure(t.Context(), whole(c.source.Train.Rows), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := Source{Train: Set{Rows: good}}
	if _, err := s.Measure(ctx, whole(good), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
	wide := vectors(t, 1, math.MaxFloat32, -math.MaxFloat32)
	s = Source{Train: Set{Rows: wide}}
	m, err := s.Measure(t.Context(), whole(wide), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ScaleStandard.Fit(m, wide.Shape, Range{0, 1}); err == nil || !strings.Contains(err.Error(), "span") {
		t.Errorf("a span that float32 does not hold: error %v", err)
	}
}

func TestScalingValidate(t *testing.T) {
	inf := float32(math.Inf(1))
	for name, c := range map[string]struct {
		s    Scaling
		want string
	}{
		"unknown":   {Scaling{Kind: "log"}, `unknown scaling "log"`},
		"lengths":   {Scaling{Kind: ScaleStandard, Shift: []float32{1}, Factor: []float32{1, 2}}, "1 shifts and 2 factors"},
		"width":     {Scaling{Kind: ScaleStandard, Shift: []float32{1, 2}, Factor: []float32{1, 2}}, "or 3 for as many"},
		"none":      {Scaling{Kind: ScaleStandard}, "0 shifts"},
		"of none":   {Scaling{Kind: ScaleNone, Shift: []float32{1}, Factor: []float32{1}}, "scaling none"},
		"zero":      {Scaling{Kind: ScaleMinMax, Shift: []float32{1}, Factor: []float32{0}}, "factor 0"},
		"infinite":  {Scaling{Kind: ScaleMinMax, Shift: []float32{inf}, Factor: []float32{1}}, "shift +Inf"},
		"no pixels": {Scaling{Kind: ScaleRange}, "pixels in [0,0]"},
	} {
		if err := c.s.Validate(3); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}
