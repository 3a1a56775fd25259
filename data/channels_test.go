package data

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestColour(t *testing.T) {
	cases := []struct {
		dims    [4]int
		c, h, w int
		note    string
	}{
		{dims: [4]int{2, 3, 8, 6}, c: 3, h: 8, w: 6, note: "(2,3,8,6) is taken as images, channels, height, width"},
		{dims: [4]int{2, 8, 6, 3}, c: 3, h: 8, w: 6, note: "(2,8,6,3) is taken as images, height, width, channels"},
		{dims: [4]int{2, 1, 8, 6}, c: 1, h: 8, w: 6},
		{dims: [4]int{2, 8, 6, 1}, c: 1, h: 8, w: 6},
		{dims: [4]int{3, 2, 5, 4}, c: 2, h: 5, w: 4}, // both could be: the second dimension
		{dims: [4]int{2, 12, 20, 16}, c: 12, h: 20, w: 16},
		{dims: [4]int{2, 20, 16, 13}, c: 13, h: 20, w: 16},
		{dims: [4]int{2, 8, 8, 8}, c: 8, h: 8, w: 8},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.dims), func(t *testing.T) {
			n := c.dims[0]
			want := counting(n, c.c*c.h, c.w)
			want.C, want.H = c.c, c.h
			last := c.dims[1] != c.c
			var file []byte
			for _, i := range order(n, c.c, c.h, c.w, last) {
				file = append(file, want.Bytes[i])
			}
			var dims []uint32
			for _, d := range c.dims {
				dims = append(dims, uint32(d))
			}
			got, read, err := readImages(bytes.NewReader(idx(0x08, dims, file...)), "colour")
			if err != nil {
				t.Fatal(err)
			}
			if got.N != n || got.C != c.c || got.H != c.h || got.W != c.w || !bytes.Equal(got.Bytes, want.Bytes) {
				t.Errorf("got (%d,%d,%d,%d), or other pixels", got.N, got.C, got.H, got.W)
			}
			if note := arranged(read); c.note != "" && note != c.note {
				t.Errorf("said %q, want %q", note, c.note)
			}
			back, err := ReadImages(bytes.NewReader(imageFile(t, got)), "again")
			if err != nil || back.C != c.c || !bytes.Equal(back.Bytes, want.Bytes) {
				t.Errorf("written and read again: %d channels of %d×%d, error %v", back.C, back.H, back.W, err)
			}
		})
	}
}

// order lists where in (N,C,H,W) the elements of a file lie, in its order.
func order(n, c, h, w int, channelsLast bool) []int {
	var at []int
	for i := range n * c * h * w {
		if !channelsLast {
			at = append(at, i)
			continue
		}
		ch, x, y, image := i%c, i/c%w, i/c/w%h, i/c/w/h
		at = append(at, ((image*c+ch)*h+y)*w+x)
	}
	return at
}

func TestReadColour(t *testing.T) {
	files := map[string][]byte{
		"train-images-idx4-ubyte": idx(0x08, []uint32{3, 5, 6, 3}, make([]byte, 270)...),
		"t10k-images-idx4-ubyte":  idx(0x08, []uint32{1, 5, 6, 3}, make([]byte, 90)...),
	}
	d, err := Read(mapFS(files), "colour")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"train-images-idx4-ubyte: (3,5,6,3) is taken as images, height, width, channels"}
	if d.Train.C != 3 || d.Train.H != 5 || d.Test.W != 6 || !slices.Equal(d.Notes, want) {
		t.Errorf("train (%d,%d,%d,%d), notes %q", d.Train.N, d.Train.C, d.Train.H, d.Train.W, d.Notes)
	}
	files["t10k-images-idx4-ubyte"] = imageFile(t, counting(1, 5, 6))
	if _, err := Read(mapFS(files), "colour"); err == nil || !strings.Contains(err.Error(), "want 3 channels of 5×6 as in training, got 5×6") {
		t.Errorf("a grey test set: %v", err)
	}
}

// QMNIST's labels are eight columns of int32, the class first.
func TestClasses(t *testing.T) {
	cases := []struct {
		name string
		file []byte
	}{
		{name: "int32 columns", file: idx(0x0C, []uint32{3, 2}, 0, 0, 0, 7, 1, 2, 3, 4, 0, 0, 0, 0, 9, 9, 9, 9, 0, 0, 0, 255, 0, 0, 0, 1)},
		{name: "byte columns", file: idx(0x08, []uint32{3, 2}, 7, 1, 0, 9, 255, 3)},
		{name: "int16", file: idx(0x0B, []uint32{3}, 0, 7, 0, 0, 0, 255)},
	}
	for _, c := range cases {
		for _, file := range [][]byte{c.file, zipped(t, c.file)} {
			got, err := ReadLabels(bytes.NewReader(file), "labels")
			if err != nil || !bytes.Equal(got, []byte{7, 0, 255}) {
				t.Errorf("%s: %v, error %v", c.name, got, err)
			}
		}
	}
}
