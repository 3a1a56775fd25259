package data

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestRowsSlice(t *testing.T) {
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
		if !bytes.Equal(part.ByteRow(i), m.ByteRow(i+1)) {
			t.Errorf("image %d is %v, want %v", i, part.ByteRow(i), m.ByteRow(i+1))
		}
	}
	if got := append(part.ByteRow(0), 77); m.ByteRow(2)[0] == 77 {
		t.Errorf("append to an image wrote into the next one: %v", got)
	}
	if empty := m.Slice(5, 5); empty.N != 0 || len(empty.Bytes) != 0 || empty.Size() != 6 {
		t.Errorf("empty slice: N %d, %d bytes", empty.N, len(empty.Bytes))
	}
}

func TestSetSlice(t *testing.T) {
	s := Set{Rows: counting(4, 2, 2), Labels: []byte{7, 8, 9, 6}}
	part := s.Slice(1, 3)
	if part.Len() != 2 || !bytes.Equal(part.Labels, []byte{8, 9}) || !bytes.Equal(part.ByteRow(0), s.ByteRow(1)) {
		t.Errorf("rows 1 to 2: %d rows, labels %v", part.Len(), part.Labels)
	}
	s.Labels = nil
	if part = s.Slice(1, 3); part.Labels != nil {
		t.Errorf("labels %v of a set without", part.Labels)
	}
}

func TestMakeRows(t *testing.T) {
	m, err := Matrix([][]float32{{1, 2, 3}, {4, 5, 6}})
	if err != nil || m.N != 2 || m.Shape != (Shape{W: 3}) || !slices.Equal(m.FloatRow(1), []float32{4, 5, 6}) || m.RowBytes() != 12 {
		t.Errorf("%+v, %v", m, err)
	}
	i, err := Images(make([]byte, 24), 3, 2, 2)
	if err != nil || i.N != 2 || i.String() != "3 channels of 2×2" || len(i.Memory()) != 24 {
		t.Errorf("%+v, %v", i, err)
	}
	if err := second(Vectors(make([]float32, 10), 3)); err == nil || !strings.Contains(err.Error(), "10 values in rows of 3 values; want whole rows") {
		t.Errorf("a part of a row: %v", err)
	}
	for name, err := range map[string]error{
		"ragged":    second(Matrix([][]float32{{1, 2}, {3}})),
		"no rows":   second(Matrix(nil)),
		"no width":  second(Vectors([]float32{1}, 0)),
		"a part":    second(Vectors([]float32{1, 2, 3}, 2)),
		"negative":  second(Images([]byte{1}, 1, -1, 1)),
		"no pixels": second(Images(nil, 1, 1, 1)),
	} {
		if err == nil || !strings.Contains(err.Error(), "want") && !strings.Contains(err.Error(), "row") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func second(_ Rows, err error) error { return err }

// TestSourceString: a source's name is in the middle of a line.
func TestSourceString(t *testing.T) {
	for name, want := range map[string]string{
		"":            "the source",
		"my rows.npy": "my rows.npy",
		"zählung":     "zählung",
		"a\nb":        `"a\nb"`,
		"\x1b[31mred": `"\x1b[31mred"`,
		"\xff.npy":    `"\xff.npy"`,
	} {
		if got := (&Source{Name: name}).String(); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
	_, err := (&Source{Name: "a\nb"}).Split(Division{Limit: 1, Seed: 1})
	if err == nil || !strings.Contains(err.Error(), `"a\nb"`) {
		t.Errorf("error %v, want the name quoted", err)
	}
}
