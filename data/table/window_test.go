package table

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"aegis/data"
	"aegis/data/memory"
)

func TestWindows(t *testing.T) {
	floats := data.Set{Rows: data.Rows{N: 4, Shape: data.Shape{W: 2}, Floats: []float32{1, 2, 3, 4, 5, 6, 7, 8}}, Labels: []byte{0, 1, 2, 3}}
	bytes := data.Set{Rows: data.Rows{N: 4, Shape: data.Shape{W: 1}, Bytes: []byte{1, 2, 3, 4}}}
	for name, c := range map[string]struct {
		lines        data.Set
		window, step int
		want         data.Set
		err          string
	}{
		"one":        {lines: floats, window: 1, step: 1, want: floats},
		"overlap":    {lines: floats, window: 3, step: 1, want: data.Set{Rows: data.Rows{N: 2, Shape: data.Shape{W: 6}, Floats: []float32{1, 2, 3, 4, 5, 6, 3, 4, 5, 6, 7, 8}}, Labels: []byte{2, 3}}},
		"step":       {lines: floats, window: 2, step: 2, want: data.Set{Rows: data.Rows{N: 2, Shape: data.Shape{W: 4}, Floats: []float32{1, 2, 3, 4, 5, 6, 7, 8}}, Labels: []byte{1, 3}}},
		"gap":        {lines: floats, window: 1, step: 3, want: data.Set{Rows: data.Rows{N: 2, Shape: data.Shape{W: 2}, Floats: []float32{1, 2, 7, 8}}, Labels: []byte{0, 3}}},
		"rest":       {lines: bytes, window: 2, step: 3, want: data.Set{Rows: data.Rows{N: 1, Shape: data.Shape{W: 2}, Bytes: []byte{1, 2}}}},
		"all":        {lines: bytes, window: 4, step: 9, want: data.Set{Rows: data.Rows{N: 1, Shape: data.Shape{W: 4}, Bytes: []byte{1, 2, 3, 4}}}},
		"too few":    {lines: bytes, window: 5, step: 1, err: "windows of 5 lines: want at least as many lines, got 4"},
		"no step":    {lines: bytes, window: 2, err: "step 0; want both at least 1"},
		"no window":  {lines: bytes, step: 1, err: "windows of 0 lines"},
		"wrong rows": {lines: data.Set{Rows: data.Rows{N: 3, Shape: data.Shape{W: 1}, Bytes: []byte{1}}}, window: 1, step: 1, err: "want 3 bytes"},
	} {
		got, err := Windows(c.lines, c.window, c.step)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %q", name, err, c.err)
			}
			continue
		}
		if err != nil || got.N != c.want.N || got.Shape != c.want.Shape || !same(got.Floats, c.want.Floats) ||
			!slices.Equal(got.Bytes, c.want.Bytes) || !slices.Equal(got.Labels, c.want.Labels) {
			t.Errorf("%s: %+v, error %v, want %+v", name, got, err, c.want)
		}
	}
}

// TestWindowReader holds windows of a stream to those of the whole table, for
// steps below, at and above the window and any number of rows at a time.
func TestWindowReader(t *testing.T) {
	text := many("a,l", 23, func(i int) string { return fmt.Sprintf("%d,%d", i, i%7) })
	for _, window := range []int{2, 3, 23} {
		for _, step := range []int{1, 2, 3, 5, 30} {
			want, err := read(text, Options{Label: "l", Window: window, Step: step})
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{1, 2, 7, 1000} {
				for _, opt := range []Options{{Form: want.Table}, {Label: "l", Window: window, Step: step}} {
					r, err := NewReader(context.Background(), oneByte{strings.NewReader(text)}, "t.csv", opt)
					if err != nil {
						t.Fatal(err)
					}
					got, err := drain(r, n)
					if err != nil || got.Shape != want.Train.Shape || !same(got.Floats, want.Train.Floats) || !slices.Equal(got.Labels, want.Train.Labels) {
						t.Errorf("window %d, step %d, %d at a time: %v, error %v, want %v", window, step, n, got, err, want.Train)
					}
				}
			}
		}
	}
	r, err := NewReader(context.Background(), strings.NewReader("1,2\n3,4\n"), "t.csv", Options{Window: 3})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(1); err == nil || !strings.Contains(err.Error(), "windows of 3 lines: want at least as many lines, got 2") {
		t.Errorf("of two lines: %v", err)
	}
}

// TestReaderAlone reads numbers without a form, and says what needs more.
func TestReaderAlone(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		opt  Options
		want string // in the error, empty: none
	}{
		"numbers":     {text: "a,b\n1,2\n"},
		"text":        {text: "a,b\n1,2\nx,3\n", want: `row 1 (line 3), column "a": want a number, got "x"`},
		"missing":     {text: "a,b\n1,2\n,3\n", want: `row 1 (line 3), column "a": want a value, got none`},
		"class":       {text: "a,b,c\n1,2,x\n", opt: Options{Label: "c"}, want: `column "c": want a class from 0 to 255, got "x"`},
		"ragged":      {text: "a,b\n1,2\n3\n", want: "line 3: want 2 columns"},
		"header only": {text: "a,b\n", want: "no row"},
		"impute":      {text: "a,b\n1,2\n", opt: Options{Impute: "mean"}, want: "needs the whole table"},
		"one value":   {text: "a\n1\n", want: "rows of one value"},
		"window":      {text: "a,b\n1,2\n", opt: Options{Window: math.MaxInt / 2}, want: "larger than any memory"},
	} {
		r, err := NewReader(context.Background(), strings.NewReader(c.text), "t.csv", c.opt)
		if err == nil {
			_, err = drain(r, 10)
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func TestFits(t *testing.T) {
	err := fits("t.csv", math.MaxInt32, 1<<20)
	if tooLarge := (*memory.Error)(nil); !errors.As(err, &tooLarge) || !strings.Contains(err.Error(), "save the values as a .npy array of float32") {
		t.Errorf("2^31 rows of 2^20 values: %v", err)
	}
	if err := fits("t.csv", 10, 10); err != nil {
		t.Error(err)
	}
}

// TestLines cuts blocks at line ends outside quotes, whatever their size.
func TestLines(t *testing.T) {
	text := "a,\"x\n\ny\"\nb,c\n\n\"" + strings.Repeat("long\n", 10000) + "\",d\nlast"
	for _, most := range []int{1, 7, 1000, blockBytes} {
		l := newLines(oneByte{strings.NewReader(text)}, "t.csv")
		l.most = most
		got, lines := "", 1
		for {
			block, line, err := l.next()
			if err != nil {
				break
			}
			if line != lines {
				t.Errorf("block %.20q begins in line %d, want %d", block, line, lines)
			}
			if strings.Count(string(block), `"`)%2 != 0 {
				t.Errorf("block %.20q is cut in quotes", block)
			}
			got += string(block)
			lines += strings.Count(string(block), "\n")
		}
		if got != text {
			t.Errorf("blocks of %d bytes are not the text", most)
		}
	}
}
