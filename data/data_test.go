package data

import (
	"bytes"
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
