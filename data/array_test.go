package data

import (
	"archive/zip"
	"bytes"
	"reflect"
	"strings"
	"testing"
)

// TestHeadersNPZ lists what an archive holds, of types that no rows are made of
// too.
func TestHeadersNPZ(t *testing.T) {
	npy := func(head string) string {
		return "\x93NUMPY\x01\x00" + string(rune(len(head))) + "\x00" + head
	}
	var file bytes.Buffer
	w := zip.NewWriter(&file)
	for _, f := range []struct{ name, text string }{
		{"x_train.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }") + strings.Repeat("\x00", 24)},
		{"names.npy", npy("{'descr': '<U5', 'fortran_order': True, 'shape': (0,), }")},
		{"readme.txt", "text"},
	} {
		out, err := w.Create(f.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte(f.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := HeadersNPZ(bytes.NewReader(file.Bytes()), int64(file.Len()), "a.npz")
	if err != nil {
		t.Fatal(err)
	}
	want := []Array{
		{Name: "x_train", Type: "<f4", Shape: []int{2, 3}, Bytes: 93},
		{Name: "names", Type: "<U5", Shape: []int{0}, Fortran: true, Bytes: 66},
		{Name: "readme.txt", Bytes: 4},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("arrays %+v, want %+v", got, want)
	}
	for n := range file.Len() {
		if _, err := HeadersNPZ(bytes.NewReader(file.Bytes()[:n]), int64(n), "a.npz"); err == nil {
			t.Fatalf("an archive of %d of %d bytes was read", n, file.Len())
		}
	}
}
