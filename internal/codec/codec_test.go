package codec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"testing"
	"testing/iotest"
)

// normals makes codes that lie about 0, dimension j j times as wide; the
// first never changes.
func normals(rows, z int) []float32 {
	codes := make([]float32, rows*z)
	state := uint32(7)
	for i := range codes {
		var sum float32
		for range 6 {
			state = state*1664525 + 1013904223
			sum += float32(state>>8)/(1<<24) - 0.5
		}
		codes[i] = sum*float32(i%z) + 3
	}
	return codes
}

func write(t testing.TB, h Header, codes []float32, rowsEach int) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := NewWriter(&file, h)
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(codes, rowsEach*h.Z) {
		if err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func read(file io.Reader, rowsEach int) (Header, []float32, error) {
	r, err := NewReader(file)
	if err != nil {
		return Header{}, nil, err
	}
	var codes []float32
	dst := make([]float32, rowsEach*r.Header().Z+1)
	for {
		n, err := r.Read(dst)
		codes = append(codes, dst[:n*r.Header().Z]...)
		if err == io.EOF && r.Rows()*r.Header().Z == len(codes) {
			return r.Header(), codes, nil
		} else if err != nil {
			return r.Header(), codes, err
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, c := range []struct{ rows, z, block, each int }{
		{0, 3, 0, 1}, {1, 1, 0, 1}, {2, 12, 0, 1}, {100, 12, 32, 7}, {64, 5, 32, 64}, {5000, 12, 0, 999}, {300, 200, 100, 300},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			h := Header{Model: [32]byte{1, 2, 3}, Z: c.z, Shape: []int{1, 28, 28}, BlockRows: c.block}
			codes := normals(c.rows, c.z)
			file := write(t, h, codes, c.each)
			got, back, err := read(iotest.HalfReader(bytes.NewReader(file)), c.each)
			if err != nil || len(back) != len(codes) {
				t.Fatalf("%d of %d values, %v", len(back), len(codes), err)
			}
			if got.Model != h.Model || got.Z != h.Z || !reflect.DeepEqual(got.Shape, h.Shape) {
				t.Errorf("header %+v, want %+v", got, h)
			}
			for j := range c.z {
				lo, hi := math.Inf(1), math.Inf(-1)
				for i := range c.rows {
					lo, hi = min(lo, float64(codes[i*c.z+j])), max(hi, float64(codes[i*c.z+j]))
				}
				for i := range c.rows {
					if off := math.Abs(float64(back[i*c.z+j]) - float64(codes[i*c.z+j])); off > (hi-lo)/510*(1+1e-5)+1e-6 {
						t.Fatalf("row %d, value %d: %v off of a range of %v", i, j, off, hi-lo)
					}
				}
			}
			if each := float64(len(file)) / float64(max(1, c.rows*c.z)); c.rows == 5000 && each > 0.95 {
				t.Errorf("%.2f bytes a value", each)
			}
		})
	}
}

// TestDamaged changes each bit, cuts at each byte and adds one.
func TestDamaged(t *testing.T) {
	h := Header{Z: 3, Shape: []int{4}, BlockRows: 40}
	file := write(t, h, normals(100, 3), 100)
	broken := func(what string, err error) {
		t.Helper()
		var damaged *DamagedError
		var foreign *ForeignError
		if !errors.As(err, &damaged) && !errors.As(err, &foreign) {
			t.Fatalf("%s: %v", what, err)
		}
	}
	for i := range len(file) * 8 {
		changed := bytes.Clone(file)
		changed[i/8] ^= 1 << (i % 8)
		_, _, err := read(bytes.NewReader(changed), 10)
		broken(fmt.Sprintf("bit %d of byte %d", i%8, i/8), err)
	}
	for n := range len(file) {
		_, _, err := read(bytes.NewReader(file[:n]), 10)
		broken(fmt.Sprintf("%d of %d bytes", n, len(file)), err)
	}
	_, _, err := read(bytes.NewReader(append(bytes.Clone(file), 0)), 10)
	broken("a byte more", err)
}

// TestDamagedStays keeps failing after the first error.
func TestDamagedStays(t *testing.T) {
	file := write(t, Header{Z: 2, BlockRows: 4}, normals(8, 2), 8)
	r, err := NewReader(bytes.NewReader(file[:len(file)-1]))
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, 8)
	for range 2 {
		if n, err := r.Read(dst); n != 4 || err != nil {
			t.Fatal(n, err)
		}
	}
	for range 2 {
		if n, err := r.Read(dst); n != 0 || err == nil || err == io.EOF {
			t.Fatalf("%d rows, %v", n, err)
		}
	}
}

func TestReadFails(t *testing.T) {
	file := write(t, Header{Z: 2}, normals(8, 2), 8)
	failed := errors.New("failed")
	for n := range len(file) {
		_, _, err := read(io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(failed)), 3)
		if !errors.Is(err, failed) {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
}

func TestWriteErrors(t *testing.T) {
	for name, h := range map[string]Header{
		"no values": {Z: 0}, "too many values": {Z: MaxZ + 1}, "a side of 0": {Z: 1, Shape: []int{3, 0}},
		"a large row": {Z: 1, Shape: []int{1 << 20, 1 << 20}}, "a large block": {Z: MaxZ, BlockRows: maxBlockRows},
	} {
		if _, err := NewWriter(io.Discard, h); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	w, err := NewWriter(io.Discard, Header{Z: 2})
	if err != nil {
		t.Fatal(err)
	}
	for name, codes := range map[string][]float32{"half a code": {1}, "NaN": {1, float32(math.NaN())}, "infinite": {float32(math.Inf(1)), 0}} {
		if err := w.Write(codes); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Write([]float32{1, 2}) == nil || w.Close() == nil {
		t.Error("a closed file: no error")
	}
}

// FuzzRead has bytes that are no file, or are one with right checksums and
// anything in it.
func FuzzRead(f *testing.F) {
	f.Add(write(f, Header{Z: 3, Shape: []int{4}, BlockRows: 40}, normals(100, 3), 100), []byte{}, uint16(0))
	f.Add(write(f, Header{Z: 1}, normals(1, 1), 1), []byte{1, 2}, uint16(9))
	f.Fuzz(func(t *testing.T, file, payload []byte, rows uint16) {
		h, codes, err := read(bytes.NewReader(file), 5)
		if err == nil {
			if len(codes)%h.Z != 0 || slices.ContainsFunc(codes, func(v float32) bool { return v-v != 0 }) {
				t.Fatalf("%d values of %d", len(codes), h.Z)
			}
		}
		// A payload behind a checksum that is right.
		r := &Reader{header: Header{Z: 1 + int(rows%7), BlockRows: maxBlockRows}}
		if err := r.decode(payload, 1+int(rows)); err == nil && len(r.left) != r.header.Z*(1+int(rows)) {
			t.Fatalf("%d values", len(r.left))
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	codes := normals(60000, 12)
	b.SetBytes(int64(4 * len(codes)))
	for b.Loop() {
		write(b, Header{Z: 12}, codes, 1000)
	}
}

func BenchmarkRead(b *testing.B) {
	file := write(b, Header{Z: 12}, normals(60000, 12), 1000)
	b.SetBytes(4 * 60000 * 12)
	for b.Loop() {
		if _, _, err := read(bytes.NewReader(file), 1000); err != nil {
			b.Fatal(err)
		}
	}
}

// TestOnBlock: who watches the blocks sees the codes that a reader gives.
func TestOnBlock(t *testing.T) {
	var file bytes.Buffer
	w, err := NewWriter(&file, Header{Z: 3, Shape: []int{7}, BlockRows: 4})
	if err != nil {
		t.Fatal(err)
	}
	var seen, sizes []float32
	w.OnBlock(func(codes []float32) error {
		seen, sizes = append(seen, codes...), append(sizes, float32(len(codes)/3))
		return nil
	})
	codes := make([]float32, 30)
	for i := range codes {
		codes[i] = float32(i*i%17) - 3.3
	}
	if err := errors.Join(w.Write(codes), w.Close()); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	var read []float32
	for buffer := make([]float32, 6); ; {
		n, err := r.Read(buffer)
		if err != nil {
			break
		}
		read = append(read, buffer[:3*n]...)
	}
	if !slices.Equal(seen, read) || !slices.Equal(sizes, []float32{4, 4, 2}) {
		t.Errorf("blocks of %v rows: %v, read %v", sizes, seen, read)
	}
}
