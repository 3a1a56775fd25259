package data

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"
)

// idx makes an IDX file: an element type, dimensions, elements.
func idx(kind byte, dims []uint32, elements ...byte) []byte {
	file := []byte{0, 0, kind, byte(len(dims))}
	for _, d := range dims {
		file = binary.BigEndian.AppendUint32(file, d)
	}
	return append(file, elements...)
}

func zipped(t testing.TB, file []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(file); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// counting returns n images of h×w whose bytes count up, modulo 251 so that
// rows differ.
func counting(n, h, w int) Rows {
	m := Rows{N: n, Shape: Shape{C: 1, H: h, W: w}, Bytes: make([]byte, n*h*w)}
	for i := range m.Bytes {
		m.Bytes[i] = byte(i % 251)
	}
	return m
}

func imageFile(t testing.TB, m Rows) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := WriteImages(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestImagesRoundTrip(t *testing.T) {
	cases := []struct{ n, h, w int }{
		{n: 1, h: 1, w: 1},
		{n: 3, h: 20, w: 32},
		{n: 7, h: 1, w: 5},
		{n: 300, h: 31, w: 29}, // more than the first piece of memory
		{n: 1024, h: 32, w: 32},
	}
	for _, c := range cases {
		want := counting(c.n, c.h, c.w)
		plain := imageFile(t, want)
		if head := idx(0x08, []uint32{uint32(c.n), uint32(c.h), uint32(c.w)}); !bytes.HasPrefix(plain, head) {
			t.Fatalf("%v: header %x, want %x", c, plain[:16], head)
		}
		for name, file := range map[string][]byte{"plain": plain, "gzip": zipped(t, plain)} {
			t.Run(fmt.Sprintf("%s/%dx%dx%d", name, c.n, c.h, c.w), func(t *testing.T) {
				for pieces, r := range map[string]io.Reader{
					"whole": bytes.NewReader(file), "half reads": iotest.HalfReader(bytes.NewReader(file)),
					"end with data": iotest.DataErrReader(bytes.NewReader(file)),
				} {
					got, err := ReadImages(r, "file")
					if err != nil {
						t.Fatalf("%s: %v", pieces, err)
					}
					if got.N != c.n || got.C != 1 || got.H != c.h || got.W != c.w || !bytes.Equal(got.Bytes, want.Bytes) {
						t.Errorf("%s: got %d,%d,%d,%d and other bytes, want %v", pieces, got.N, got.C, got.H, got.W, c)
					}
					if cap(got.Bytes) != len(got.Bytes) {
						t.Errorf("%s: %d bytes kept for %d", pieces, cap(got.Bytes), len(got.Bytes))
					}
				}
			})
		}
	}
}

// Zeros behind a gzip stream, and streams one after the other, are what gunzip reads.
func TestGzipPadding(t *testing.T) {
	want := counting(30, 20, 32)
	file := imageFile(t, want)
	whole := zipped(t, file)
	for name, packed := range map[string][]byte{
		"a zero":       append(slices.Clone(whole), 0),
		"a block":      append(slices.Clone(whole), make([]byte, 100_000)...),
		"two streams":  append(zipped(t, file[:5000]), zipped(t, file[5000:])...),
		"empty stream": append(slices.Clone(whole), zipped(t, nil)...),
		"both":         append(append(zipped(t, file[:7]), zipped(t, file[7:])...), 0, 0),
	} {
		got, err := ReadImages(bytes.NewReader(packed), name)
		if err != nil || !bytes.Equal(got.Bytes, want.Bytes) {
			t.Errorf("%s: error %v, %d bytes of %d", name, err, len(got.Bytes), len(want.Bytes))
		}
	}
}

// What reading allocates is all that it holds while nothing is collected.
func TestReadMemory(t *testing.T) {
	const allowed = 1.25
	want := counting(1000, 100, 101)
	file := imageFile(t, want)
	for name, r := range map[string]io.Reader{
		"stream": bytes.NewReader(file), "gzip": bytes.NewReader(zipped(t, file)),
		"file": opened(t, fstest.MapFS{"f": {Data: file}}),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := ReadImages(r, name)
		runtime.ReadMemStats(&after)
		used, size := after.TotalAlloc-before.TotalAlloc, float64(len(want.Bytes))
		if err != nil || float64(used) > allowed*size || name == "file" && float64(used) > 1.02*size {
			t.Errorf("%s: %.3f times the images were allocated, want at most %g (error %v)", name, float64(used)/size, allowed, err)
		}
	}
}

func opened(t *testing.T, fsys fstest.MapFS) fs.File {
	t.Helper()
	f, err := fsys.Open("f")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestLabelsRoundTrip(t *testing.T) {
	for _, n := range []int{1, 10, 100_000} {
		want := make([]byte, n)
		for i := range want {
			want[i] = byte(i % 10)
		}
		var out bytes.Buffer
		if err := WriteLabels(&out, want); err != nil {
			t.Fatal(err)
		}
		for name, file := range map[string][]byte{"plain": out.Bytes(), "gzip": zipped(t, out.Bytes())} {
			got, err := ReadLabels(bytes.NewReader(file), "file")
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d labels, %s: %d back, error %v", n, name, len(got), err)
			}
		}
	}
}

func TestReadErrors(t *testing.T) {
	good := idx(0x08, []uint32{2, 1, 3}, 1, 2, 3, 4, 5, 6) // 22 bytes
	gz := zipped(t, good)
	flip := func(at int) []byte {
		b := slices.Clone(gz)
		b[at] ^= 0xff
		return b
	}
	const format, unsupported = "*data.FormatError", "*data.UnsupportedError"
	cases := []struct {
		name     string
		file     []byte
		labels   bool
		kind     string
		fragment string
	}{
		{name: "empty", kind: format, fragment: "truncated: want at least 16 bytes, got 0; "},
		{name: "empty labels", labels: true, kind: format, fragment: "truncated: want at least 8 bytes, got 0; "},
		{name: "one byte", file: good[:1], kind: format, fragment: "truncated: want at least 16 bytes, got 1; "},
		{name: "cut in the header", file: good[:9], kind: format, fragment: "want at least 16 bytes, got 9; "},
		{name: "header alone", file: good[:16], kind: format, fragment: "truncated: want 22 bytes, got 16; "},
		{name: "cut in the body", file: good[:21], kind: format, fragment: "truncated: want 22 bytes, got 21; "},
		{name: "cut after 64 KiB", file: imageFile(t, counting(100, 28, 28))[:70_000], kind: format, fragment: "truncated: want 78416 bytes, got 70000; "},
		{name: "trailing", file: append(slices.Clone(good), 0), kind: format, fragment: "trailing bytes: want 22 bytes, got more"},
		{name: "not IDX", file: []byte("\x89PNG\r\n\x1a\n"), kind: format, fragment: "wrong magic bytes: want 0x00000803, got 0x89504E47, which looks like a PNG image; "},
		{name: "unknown type", file: idx(0x0A, []uint32{1, 1, 1}, 0), kind: format, fragment: "wrong magic bytes: want 0x00000803, got 0x00000A03; "},
		{name: "rank 0", file: idx(0x08, nil, 0), kind: format, fragment: "wrong magic bytes: want 0x00000803, got 0x00000800; "},
		{name: "rank 0 labels", file: idx(0x08, nil, 0), labels: true, kind: format, fragment: "want 0x00000801, got 0x00000800; "},
		{name: "no images", file: idx(0x08, []uint32{0, 28, 28}), kind: format, fragment: "empty dimension: want each at least 1, got [0 28 28]; "},
		{name: "no columns", file: idx(0x08, []uint32{5, 28, 0}), kind: format, fragment: "got [5 28 0]; "},
		{name: "no labels", file: idx(0x08, []uint32{0}), labels: true, kind: format, fragment: "got [0]; "},
		{name: "product overflows", file: idx(0x08, []uint32{math.MaxUint32, math.MaxUint32, math.MaxUint32}), kind: format, fragment: "impossible dimensions: want a product below "},
		{name: "product overflows to small", file: idx(0x08, []uint32{1 << 31, 1 << 31, 4}), kind: format, fragment: "impossible dimensions"},
		{name: "huge claim", file: idx(0x08, []uint32{1 << 20, 1 << 20, 1 << 10}, 7), kind: format, fragment: "truncated: want 1125899906842640 bytes, got 17; "},
		{name: "gzip header cut", file: gz[:5], kind: format, fragment: `broken gzip: want a whole gzip stream, got 0 bytes, then "unexpected EOF"; `},
		{name: "gzip method", file: flip(2), kind: format, fragment: "broken gzip: want a whole gzip stream, got 0 bytes, then \"gzip: invalid header\"; "},
		{name: "gzip data", file: flip(10), kind: format, fragment: "broken gzip"},
		{name: "gzip checksum", file: flip(len(gz) - 8), kind: format, fragment: `got 22 bytes, then "gzip: invalid checksum"; `},
		{name: "gzip checksum cut", file: gz[:len(gz)-3], kind: format, fragment: `got 22 bytes, then "unexpected EOF"; `},
		{name: "gzip data cut", file: gz[:len(gz)-20], kind: format, fragment: "truncated: want "},
		{name: "gzip then rubbish", file: append(slices.Clone(gz), "rubbish..."...), kind: format, fragment: `got 22 bytes, then "gzip: invalid header"; `},
		{name: "gzip, zeros, then rubbish", file: append(slices.Clone(gz), 0, 0, 7), kind: format, fragment: `got 22 bytes, then "gzip: invalid header"; `},
		{name: "gzip, then half a header", file: append(slices.Clone(gz), gz[:5]...), kind: format, fragment: `got 22 bytes, then "unexpected EOF"; `},
		{name: "gzip of trailing", file: zipped(t, append(slices.Clone(good), 0)), kind: format, fragment: "trailing bytes: want 22 bytes, got more"},
		{name: "gzip of truncated", file: zipped(t, good[:21]), kind: format, fragment: "truncated: want 22 bytes, got 21; "},
		{name: "signed", file: idx(0x09, []uint32{1, 1, 1}, 0), kind: unsupported, fragment: "unsupported element type: want unsigned byte (0x08), got signed byte (0x09); "},
		{name: "int16", file: idx(0x0B, []uint32{1, 1, 1}), kind: unsupported, fragment: "got int16 (0x0B); "},
		{name: "int32", file: idx(0x0C, []uint32{1, 1, 1}), kind: unsupported, fragment: "got int32 (0x0C); "},
		{name: "float32", file: idx(0x0D, []uint32{1, 1, 1}), kind: unsupported, fragment: "got float32 (0x0D); "},
		{name: "float64 labels", file: idx(0x0E, []uint32{1}), labels: true, kind: unsupported, fragment: "got float64 (0x0E); "},
		{name: "labels for images", file: idx(0x08, []uint32{1}, 0), kind: unsupported, fragment: "unsupported number of dimensions: want 3 or 4, got 1; "},
		{name: "images for labels", file: good, labels: true, kind: unsupported, fragment: "unsupported number of dimensions: want 1 or 2, got 3; "},
		{name: "five dimensions", file: idx(0x08, []uint32{1, 3, 1, 1, 1}, 0, 0, 0), kind: unsupported, fragment: "want 3 or 4, got 5; "},
		{name: "colour cut in the header", file: idx(0x08, []uint32{1, 3, 1, 1})[:18], kind: format, fragment: "want at least 20 bytes, got 18; "},
		{name: "colour cut", file: idx(0x08, []uint32{1, 3, 1, 1}, 0, 0), kind: format, fragment: "truncated: want 23 bytes, got 22; "},
		{name: "class too high", file: idx(0x0B, []uint32{2}, 0, 9, 1, 0), labels: true, kind: unsupported, fragment: "unsupported class: want 0 to 255, got 256 of image 1; "},
		{name: "class below 0", file: idx(0x0B, []uint32{1}, 0xff, 0xfe), labels: true, kind: unsupported, fragment: "got -2 of image 0; "},
		{name: "signed class below 0", file: idx(0x09, []uint32{1}, 0xff), labels: true, kind: unsupported, fragment: "got -1 of image 0; "},
		{name: "three dimensions of labels", file: idx(0x0C, []uint32{1, 1, 1}, 0, 0, 0, 1), labels: true, kind: unsupported, fragment: "want 1 or 2, got 3; "},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var err error
			if c.labels {
				_, err = ReadLabels(bytes.NewReader(c.file), "here/some-file")
			} else {
				_, err = ReadImages(bytes.NewReader(c.file), "here/some-file")
			}
			if err == nil {
				t.Fatal("no error")
			}
			if got := fmt.Sprintf("%T", err); got != c.kind {
				t.Errorf("error %v is a %s, want %s", err, got, c.kind)
			}
			if got := err.Error(); !strings.HasPrefix(got, "data: here/some-file: ") || !strings.Contains(got, c.fragment) {
				t.Errorf("error %q, want it to have %q", got, c.fragment)
			}
		})
	}
}

func TestErrorFields(t *testing.T) {
	file := zipped(t, idx(0x08, []uint32{2}, 1, 2))
	file[len(file)-8] ^= 1
	_, err := ReadLabels(bytes.NewReader(file), "x.gz")
	var broken *FormatError
	if !errors.As(err, &broken) || !errors.Is(err, gzip.ErrChecksum) {
		t.Fatalf("error %v, want a FormatError around gzip.ErrChecksum", err)
	}
	for name, v := range map[string]string{
		"File": broken.File, "Problem": broken.Problem, "Want": broken.Want, "Got": broken.Got, "Advice": broken.Advice,
	} {
		if v == "" {
			t.Errorf("%s is empty", name)
		}
	}
	_, err = ReadImages(bytes.NewReader(idx(0x0D, []uint32{1})), "y")
	var unsupported *UnsupportedError
	want := UnsupportedError{
		File: "y", Problem: "element type", Want: "unsigned byte (0x08)", Got: "float32 (0x0D)",
		Advice: "save the values as unsigned bytes, 0 to 255",
	}
	if !errors.As(err, &unsupported) || *unsupported != want {
		t.Errorf("error %#v, want %#v", err, want)
	}
}

// A disk that fails is neither a broken file nor an unsupported one.
func TestReadFailure(t *testing.T) {
	fails := errors.New("disk on fire")
	gz := zipped(t, imageFile(t, counting(50, 28, 28)))
	for name, start := range map[string][]byte{"at once": nil, "plain": idx(0x08, []uint32{9}, 1), "gzip": gz[:len(gz)/2]} {
		_, err := ReadLabels(io.MultiReader(bytes.NewReader(start), iotest.ErrReader(fails)), "file")
		if name == "gzip" {
			_, err = ReadImages(io.MultiReader(bytes.NewReader(start), iotest.ErrReader(fails)), "file")
		}
		var broken *FormatError
		if !errors.Is(err, fails) || errors.As(err, &broken) || !strings.Contains(err.Error(), "data: file: read: ") {
			t.Errorf("%s: error %v, want a read error around %v", name, err, fails)
		}
	}
}

// A header that claims a petabyte must not cost more than the bytes behind it.
func TestHeaderIsNotTrusted(t *testing.T) {
	for _, arrived := range []int{0, 100, 1 << 20} {
		file := idx(0x08, []uint32{1 << 20, 1 << 20, 1 << 10}, make([]byte, arrived)...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := ReadImages(bytes.NewReader(file), "file")
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Fatal("no error")
		}
		if used, most := after.TotalAlloc-before.TotalAlloc, uint64(8*arrived+1<<18); used > most {
			t.Errorf("%d bytes arrived, %d allocated, want at most %d", arrived, used, most)
		}
	}
}

type failingWriter struct{ after int }

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.after -= len(p); w.after < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

func TestWriteErrors(t *testing.T) {
	narrow := counting(2, 30, 3)
	narrow.C, narrow.H = 5, 6
	short := counting(2, 2, 2)
	short.Bytes = short.Bytes[:7]
	cases := []struct {
		name, fragment string
		images         Rows
	}{
		{name: "empty", fragment: "data: write rows: 0 of shape [0]; want N"},
		{name: "negative", images: Rows{N: -1, Shape: Shape{C: -1, H: 1, W: 1}, Bytes: []byte{0}}, fragment: "-1 of shape [-1 1 1]"},
		{name: "overflow", images: Rows{N: math.MaxInt, Shape: Shape{C: 1, H: 2, W: 1}}, fragment: "want N, and C, H and W"},
		{name: "short", images: short, fragment: "data: write rows: want 8 bytes for 2 rows of shape [1 2 2], got 7; "},
		{name: "read otherwise", images: narrow, fragment: "5 channels of 6×3 would be read as 3 channels of 5×6; "},
	}
	for _, c := range cases {
		if err := WriteImages(io.Discard, c.images); err == nil || !strings.Contains(err.Error(), c.fragment) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.fragment)
		}
	}
	if err := WriteLabels(io.Discard, nil); err == nil || !strings.Contains(err.Error(), "data: write labels: want at least 1") {
		t.Errorf("no labels: error %v", err)
	}
	for _, after := range []int{0, 20} { // in the header, in the body
		err := WriteImages(&failingWriter{after: after}, counting(2, 2, 2))
		if !errors.Is(err, io.ErrClosedPipe) || !strings.HasPrefix(err.Error(), "data: write images: ") {
			t.Errorf("writer that takes %d bytes: error %v", after, err)
		}
	}
}

func seeds(f *testing.F) {
	good := idx(0x08, []uint32{2, 1, 3}, 1, 2, 3, 4, 5, 6)
	gz := zipped(f, good)
	labels := idx(0x08, []uint32{3}, 1, 2, 3)
	for _, seed := range [][]byte{
		nil, good, good[:10], append(slices.Clone(good), 9), gz, gz[:len(gz)-4],
		labels, zipped(f, labels), labels[:9],
		idx(0x0D, []uint32{1, 1, 1}, 0, 0, 0, 0), idx(0x08, []uint32{0, 1, 1}),
		idx(0x08, []uint32{math.MaxUint32, math.MaxUint32, math.MaxUint32}),
		idx(0x08, []uint32{math.MaxUint32}),
		idx(0x08, []uint32{1, 2, 2, 3}, make([]byte, 12)...), idx(0x0C, []uint32{1, 2}, 0, 0, 0, 7, 1, 1, 1, 1),
		imageFile(f, counting(2, 20, 32)),
	} {
		f.Add(seed)
	}
}

// checkFailure holds every error of a reader whose bytes all arrive to the two types.
func checkFailure(t *testing.T, err error) {
	t.Helper()
	var broken *FormatError
	var unsupported *UnsupportedError
	if errors.As(err, &broken) == errors.As(err, &unsupported) {
		t.Errorf("error %v is a %T", err, err)
	}
}

func FuzzReadImages(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := ReadImages(bytes.NewReader(file), "file")
		if err != nil {
			checkFailure(t, err)
			return
		}
		var out bytes.Buffer
		if WriteImages(&out, m) != nil {
			return // what would be read otherwise
		}
		if back, err := ReadImages(&out, "file"); err != nil || !slices.Equal(m.Bytes, back.Bytes) || m.C != back.C || m.H != back.H {
			t.Errorf("wrote %v, read %v (%v)", m, back, err)
		}
	})
}

func FuzzReadLabels(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		labels, err := ReadLabels(bytes.NewReader(file), "file")
		if err != nil {
			checkFailure(t, err)
			return
		}
		var out bytes.Buffer
		if err := WriteLabels(&out, labels); err != nil {
			t.Fatal(err)
		}
		if back, err := ReadLabels(&out, "file"); err != nil || !slices.Equal(labels, back) {
			t.Errorf("wrote %v, read %v (%v)", labels, back, err)
		}
	})
}
