package data

import (
	"bytes"
	"strings"
	"testing"
)

func TestImagesSlice(t *testing.T) {
	m := counting(5, 3, 2)
	m.C, m.H = 3, 1 // three channels take the same path
	if m.Size() != 6 {
		t.Fatalf("size %d, want 6", m.Size())
	}
	part := m.Slice(1, 4)
	if part.N != 3 || part.C != 3 || part.H != 1 || part.W != 2 {
		t.Errorf("shape (%d,%d,%d,%d), want (3,3,1,2)", part.N, part.C, part.H, part.W)
	}
	for i := range part.N {
		if !bytes.Equal(part.Image(i), m.Image(i+1)) {
			t.Errorf("image %d is %v, want %v", i, part.Image(i), m.Image(i+1))
		}
	}
	if got := append(part.Image(0), 77); m.Image(2)[0] == 77 {
		t.Errorf("append to an image wrote into the next one: %v", got)
	}
	if empty := m.Slice(5, 5); empty.N != 0 || len(empty.Pixels) != 0 || empty.Size() != 6 {
		t.Errorf("empty slice: N %d, %d bytes", empty.N, len(empty.Pixels))
	}
}

func TestSetSlice(t *testing.T) {
	s := Set{Images: counting(4, 2, 2), Labels: []byte{7, 8, 9, 6}}
	part := s.Slice(1, 3)
	if part.Len() != 2 || !bytes.Equal(part.Labels, []byte{8, 9}) || !bytes.Equal(part.Image(0), s.Image(1)) {
		t.Errorf("rows 1 to 2: %d rows, labels %v", part.Len(), part.Labels)
	}
	s.Labels = nil
	if part = s.Slice(1, 3); part.Labels != nil {
		t.Errorf("labels %v of a set without", part.Labels)
	}
}

func TestSplit(t *testing.T) {
	d := &Dataset{
		Name:  "small",
		Train: Set{Images: counting(10, 2, 3), Labels: []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		Test:  Set{Images: counting(4, 2, 3), Labels: []byte{9, 9, 9, 9}},
	}
	cases := []struct {
		name        string
		limit, held int
		train, val  string // labels
		fragment    string
	}{
		{name: "all", train: "0123456789"},
		{name: "limit", limit: 4, train: "0123"},
		{name: "limit of all", limit: 10, train: "0123456789"},
		{name: "validation", held: 3, train: "0123456", val: "789"},
		{name: "both", limit: 6, held: 2, train: "0123", val: "45"},
		{name: "one left", held: 9, train: "0", val: "123456789"},
		{name: "none left", held: 10, fragment: "data: small: 10 validation rows of 10 training rows; want 0 to 9"},
		{name: "none left of limit", limit: 2, held: 5, fragment: "5 validation rows of 2 training rows; want 0 to 1"},
		{name: "limit too large", limit: 11, fragment: "data: small: limit of 11 training rows; want 1 to 10, or 0 for all"},
		{name: "negative limit", limit: -1, fragment: "limit of -1 "},
		{name: "negative validation", held: -1, fragment: "-1 validation rows"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			train, val, test, err := d.Split(c.limit, c.held)
			if c.fragment != "" {
				if err == nil || !strings.Contains(err.Error(), c.fragment) {
					t.Fatalf("error %v, want %q", err, c.fragment)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkRows(t, "train", train, d.Train, c.train)
			checkRows(t, "val", val, d.Train, c.val)
			checkRows(t, "test", test, d.Test, "9999")
			if val.Size() != d.Train.Size() {
				t.Errorf("validation images have %d bytes, want %d", val.Size(), d.Train.Size())
			}
		})
	}
}

// checkRows holds a set whose labels are digits to them; in the training set of
// TestSplit a label is also the row of its image.
func checkRows(t *testing.T, name string, got, all Set, labels string) {
	t.Helper()
	if got.Len() != len(labels) || len(got.Labels) != len(labels) {
		t.Fatalf("%s: %d rows, %d labels, want %d", name, got.Len(), len(got.Labels), len(labels))
	}
	for i := range got.Len() {
		row := int(labels[i] - '0')
		if got.Labels[i] != byte(row) {
			t.Errorf("%s: label %d is %d, want %d", name, i, got.Labels[i], row)
		}
		if row < all.Len() && !bytes.Equal(got.Image(i), all.Image(row)) {
			t.Errorf("%s: image %d is not row %d", name, i, row)
		}
	}
}
