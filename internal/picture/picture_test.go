package picture

import (
	"context"
	"math"
	"slices"
	"testing"

	"aegis/data"
)

// TestSampleRows: rows keep their order and labels; another seed draws others.
func TestSampleRows(t *testing.T) {
	all := data.Set{Rows: data.Rows{N: 600, Shape: data.Shape{W: 2}, Floats: make([]float32, 2*600)}, Labels: make([]byte, 600)}
	for i := range 600 {
		all.Floats[2*i], all.Labels[i] = float32(i), byte(i)
	}
	draw := func(seed uint64, n int) (numbers []int) {
		s, of, err := sampleRows(context.Background(), data.NewReader(all), CodesPlot{Rows: n, Seed: seed, Progress: func(string, int, int) {}})
		if err != nil || of != 600 {
			t.Fatal(of, err)
		}
		for i := range s.N {
			number := int(s.FloatRow(i)[0])
			if s.Labels[i] != byte(number) {
				t.Errorf("row %d has label %d", number, s.Labels[i])
			}
			numbers = append(numbers, number)
		}
		return numbers
	}
	a := draw(1, 100)
	if len(a) != 100 || !slices.IsSorted(a) || !slices.Equal(a, draw(1, 100)) || slices.Equal(a, draw(2, 100)) {
		t.Errorf("drawn rows %v", a)
	}
	late := 0
	for _, v := range a {
		if v >= 300 {
			late++
		}
	}
	if late < 30 || late > 70 {
		t.Errorf("%d of 100 rows are of the second half", late)
	}
	if got := draw(1, 1000); len(got) != 600 {
		t.Errorf("%d rows of 600", len(got))
	}
}

func TestRunNames(t *testing.T) {
	for _, c := range []struct{ dirs, want []string }{
		{[]string{"/a/x", "/a/y"}, []string{"x", "y"}},
		{[]string{"/a/x", "/b/x"}, []string{"a/x", "b/x"}},
		{[]string{"/a/x", "/a/x"}, []string{"/a/x", "/a/x"}},
	} {
		var runs []Run
		for _, dir := range c.dirs {
			runs = append(runs, Run{Dir: dir})
		}
		if got := runNames(runs); !slices.Equal(got, c.want) {
			t.Errorf("%q are called %q, want %q", c.dirs, got, c.want)
		}
	}
}

func TestFormatOf(t *testing.T) {
	for path, want := range map[string]Format{"a.png": PNG, "b/a.SVG": SVG, "a.jpg": "", "png": "", "": ""} {
		if got, err := FormatOf(path); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, error %v", path, got, err)
		}
	}
}

func TestQuantile(t *testing.T) {
	values := []float64{0, 1, 2, 10}
	for share, want := range map[float64]float64{0: 0, 0.5: 1.5, 1: 10, normal(0): 1.5} {
		if got := quantile(values, share); math.Abs(got-want) > 1e-12 {
			t.Errorf("quantile %v is %v, want %v", share, got, want)
		}
	}
}
