package data

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// sorted is a training set sorted by class; rows[c] are of class c.
func sorted(rows ...int) *Source {
	var labels []byte
	for class, n := range rows {
		labels = append(labels, slices.Repeat([]byte{byte(class)}, n)...)
	}
	return &Source{Name: "small", Train: Set{Rows: counting(len(labels), 2, 3), Labels: labels}}
}

func TestSplit(t *testing.T) {
	d := sorted(10)
	cases := []struct {
		name       string
		limit      int
		held       Held
		train, val int
		fragment   string
	}{
		{name: "all", train: 10},
		{name: "limit", limit: 4, train: 4},
		{name: "limit of all", limit: 10, train: 10},
		{name: "validation", held: 3, train: 7, val: 3},
		{name: "share", held: 0.3, train: 7, val: 3},
		{name: "small share", held: 0.001, train: 9, val: 1},
		{name: "both", limit: 6, held: 2, train: 4, val: 2},
		{name: "one left", held: 9, train: 1, val: 9},
		{name: "none left", held: 10, fragment: "data: small: 10 validation rows of 10 training rows; want 0 to 9"},
		{name: "share leaves none", held: 0.99, fragment: "10 validation rows of 10 training rows"},
		{name: "none left of limit", limit: 2, held: 5, fragment: "5 validation rows of 2 training rows; want 0 to 1"},
		{name: "limit too large", limit: 11, fragment: "data: small: limit of 11 training rows; want 1 to 10, or 0 for all"},
		{name: "negative limit", limit: -1, fragment: "limit of -1 "},
		{name: "negative validation", held: -1, fragment: "-1 rows to hold out"},
		{name: "half a row", held: 1.5, fragment: "1.5 rows to hold out"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			split, err := d.Split(Division{Limit: c.limit, Val: c.held, Seed: 1})
			if c.fragment != "" {
				if err == nil || !strings.Contains(err.Error(), c.fragment) {
					t.Fatalf("error %v, want %q", err, c.fragment)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			train, val := split.Rows(), split.Held
			if split.Trained() != c.train || len(train) != c.train || len(val) != c.val || !slices.IsSorted(train) || !slices.IsSorted(val) {
				t.Errorf("train %v, val %v; want %d and %d in order", train, val, c.train, c.val)
			}
			both := slices.Concat(train, val)
			slices.Sort(both)
			for i, row := range both {
				if int(row) != i {
					t.Fatalf("train %v and val %v are not all rows once", train, val)
				}
			}
		})
	}
}

// Of data sorted by class every class is trained on, and gives its share.
func TestSplitByClass(t *testing.T) {
	cases := []struct {
		classes []int
		held    Held
		want    []int
	}{
		{classes: []int{100, 100, 100}, held: 30, want: []int{10, 10, 10}},
		{classes: []int{100, 50, 10}, held: 0.1, want: []int{10, 5, 1}},
		{classes: []int{5, 5, 5}, held: 4, want: []int{2, 1, 1}},
		{classes: []int{90, 1, 1, 1}, held: 0.5, want: []int{47, 0, 0, 0}},
		{classes: []int{1, 1, 1}, held: 2, want: []int{1, 1, 0}},
		{classes: []int{0, 8, 0, 8}, held: 4, want: []int{0, 2, 0, 2}},
	}
	for _, c := range cases {
		d := sorted(c.classes...)
		split, err := d.Split(Division{Val: c.held, Seed: 7})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]int, len(c.classes))
		for _, row := range split.Held {
			got[d.Train.Labels[row]]++
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v rows, %v held out: %v, want %v", c.classes, c.held, got, c.want)
		}
	}
}

func TestSplitBySeed(t *testing.T) {
	d := sorted(500)
	d.Train.Labels = nil
	var drawn [3][]int32
	for i, seed := range []uint64{1, 1, 2} {
		split, err := d.Split(Division{Val: 50, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		drawn[i] = split.Held
	}
	if !slices.Equal(drawn[0], drawn[1]) || slices.Equal(drawn[0], drawn[2]) {
		t.Errorf("seeds 1, 1, 2 drew %v", drawn)
	}
	if drawn[0][0] > 100 || drawn[0][49] < 400 {
		t.Errorf("rows %v are not from everywhere", drawn[0])
	}
}

func TestSample(t *testing.T) {
	for _, c := range []struct{ n, count, want int }{{n: 10, count: 4, want: 4}, {n: 3, count: 9, want: 3}, {n: 5, count: 0}, {}, {n: many + 7, count: 1000, want: 1000}} {
		rows := Sample(c.n, c.count, 1, "test")
		if len(rows) != c.want || !slices.IsSorted(rows) || len(slices.Compact(slices.Clone(rows))) != c.want {
			t.Errorf("%d of %d: %v", c.count, c.n, rows)
		}
	}
	if slices.Equal(Sample(100, 10, 1, "test"), Sample(100, 10, 1, "val")) {
		t.Error("two purposes drew the same rows")
	}
}

func TestHeldText(t *testing.T) {
	for text, want := range map[string]Held{
		"0": 0, "5000": 5000, "10%": 0.1, "7%": 0.07, "0.5%": 0.005, "33.3%": 0.333, "12.5%": 0.125, "99.9%": 0.999, "0.00001%": 1e-7, "0.0000000001%": 1e-12,
	} {
		h, err := ParseHeld(text)
		if err != nil || h != want || h.String() != text {
			t.Errorf("%q is %v (%v), as text %q; want %v", text, float64(h), err, h, float64(want))
		}
		var back struct{ Val Held }
		file, err := json.Marshal(struct{ Val Held }{h})
		if err == nil {
			err = json.Unmarshal(file, &back)
		}
		if err != nil || back.Val != want {
			t.Errorf("%s came back from JSON as %v (%v)", file, float64(back.Val), err)
		}
	}
	var old struct{ Val Held }
	if err := json.Unmarshal([]byte(`{"Val":5000}`), &old); err != nil || old.Val != 5000 {
		t.Errorf("a number in JSON: %v (%v)", float64(old.Val), err)
	}
	for _, text := range []string{"", "ten", "-1", "1.5", "100%", "-5%", "NaN", "Inf", "5000000000", "%", "0x1p3"} {
		if h, err := ParseHeld(text); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q rows", text)) {
			t.Errorf("%q was read as %v (%v)", text, float64(h), err)
		}
	}
}
