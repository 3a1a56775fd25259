package data

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// readPieces reads a file to its end, n rows at a time, and returns the error.
func readPieces(file []byte, n int) error {
	r, err := NewNPYReader(bytes.NewReader(file), "a")
	for err == nil {
		_, err = r.Next(n)
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// inPieces holds what a reader gives to what was read as a whole.
func inPieces(t *testing.T, file []byte, want Rows) {
	t.Helper()
	for _, packed := range [][]byte{file, zipped(t, file)} {
		for _, n := range []int{0, 1, 2, 100} {
			r, err := NewNPYReader(iotest.HalfReader(bytes.NewReader(packed)), "a")
			if err != nil {
				t.Fatal(err)
			}
			got, names, err := ReadAll(&limited{r, n})
			if err != nil || names != nil || Len(r) != want.N || got.N != want.N || got.Shape != want.Shape ||
				!bytes.Equal(got.Memory(), want.Memory()) {
				t.Errorf("%d at a time: %+v, error %v, want %+v", n, got, err, want)
			}
			if _, err := r.Next(1); err != io.EOF {
				t.Errorf("behind the end: %v", err)
			}
		}
	}
}

// limited asks for n rows at a time.
type limited struct {
	Reader
	n int
}

func (l *limited) Next(int) (Chunk, error) { return l.Reader.Next(l.n) }

// An array cut anywhere is an error that says how far it came.
func TestNPYReaderCut(t *testing.T) {
	file := npyFile(1, dict("<f8", "(3, 2)"), make([]float64, 6))
	for end := range len(file) {
		if err := readPieces(file[:end], 1); err == nil || !strings.Contains(err.Error(), "truncated") {
			t.Fatalf("cut at %d: %v", end, err)
		}
	}
	want := "data: a: truncated: want 176 bytes, got 165, after 2 of 3 rows; the file is damaged; get it again"
	if err := readPieces(file[:165], 1); err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	huge := npyFile(1, dict("<f8", "(3, 2)"), []float64{1, 2, 3, 4, 5, 1e300})
	if err := readPieces(huge, 1); err == nil || !strings.Contains(err.Error(), "got 1e+300 in row 2, value 1") {
		t.Errorf("a huge value: %v", err)
	}
}

// endless gives zeros behind a header.
type endless struct {
	io.Reader
	left int
}

func (e *endless) Read(p []byte) (int, error) {
	if n, err := e.Reader.Read(p); err == nil {
		return n, nil
	}
	n := min(len(p), e.left)
	e.left -= n
	if n == 0 {
		return 0, io.EOF
	}
	clear(p[:n])
	return n, nil
}

// An array of any length takes the memory of a piece.
func TestNPYReaderMemory(t *testing.T) {
	const size = 300_000 * 784
	r, err := NewNPYReader(&endless{bytes.NewReader(npyFile(1, dict("|u1", "(300000, 784)"))), size}, "a")
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rows := 0
	for {
		c, err := r.Next(1 << 20)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		rows += c.N
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; rows != 300_000 || used > 4*pieceBytes {
		t.Errorf("%d rows in %d bytes, want at most %d", rows, used, 4*pieceBytes)
	}
}

func TestNPZReader(t *testing.T) {
	file := npz(t, map[string][]byte{
		"x_train.npy": npyFile(1, dict("<f4", "(3, 2)"), []float32{1, 2, 3, 4, 5, 6}),
		"y_train.npy": npyFile(1, dict("<i8", "(3,)"), []int64{7, 8, 9}),
		"x_test.npy":  npyFile(1, dict("<f4", "(1, 2)"), []float32{10, 11}),
		"y_test.npy":  npyFile(1, dict("<i8", "(1,)"), []int64{4}),
	})
	test := npz(t, map[string][]byte{"x_test.npy": npyFile(1, dict("|u1", "(1, 2)"), []byte{3, 4})})
	few := npz(t, map[string][]byte{"x.npy": npyFile(1, dict("|u1", "(1, 2)"), []byte{3, 4}), "y.npy": npyFile(1, dict("|u1", "(2,)"), []byte{3, 4})})
	unlike := npz(t, map[string][]byte{"train.npy": npyFile(1, dict("|u1", "(1, 2)"), []byte{3, 4}), "test.npy": npyFile(1, dict("|u1", "(1, 3)"), []byte{3, 4, 5})})
	for name, c := range map[string]struct {
		file   []byte
		set    string
		keys   Keys
		floats []float32
		bytes  []byte
		labels []byte
		want   string
	}{
		"test":      {file: file, floats: []float32{10, 11}, labels: []byte{4}},
		"train":     {file: file, set: "train", floats: []float32{1, 2, 3, 4, 5, 6}, labels: []byte{7, 8, 9}},
		"all":       {file: file, set: "all", floats: []float32{1, 2, 3, 4, 5, 6, 10, 11}, labels: []byte{7, 8, 9, 4}},
		"keys":      {file: file, keys: Keys{"val": "x_train"}, floats: []float32{1, 2, 3, 4, 5, 6}},
		"only test": {file: test, bytes: []byte{3, 4}},
		"no val":    {file: file, set: "val", want: "data: a.npz: there is no val set; it holds"},
		"no set":    {file: file, set: "x", want: `set "x"; want one of train, val, test and all`},
		"few":       {file: few, want: "labels: want 1, one a row, got 2"},
		"unlike":    {file: unlike, set: "all", want: "rows of 3 values behind rows of 2 values"},
	} {
		r, err := NewNPZReader(bytes.NewReader(c.file), int64(len(c.file)), "a.npz", c.set, c.keys)
		var got Set
		if err == nil {
			n := Len(r)
			if got, _, err = ReadAll(&limited{r, 1}); err == nil && n != got.N {
				t.Errorf("%s: %d rows were said, %d came", name, n, got.N)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error %v, want %q", name, err, c.want)
			}
			continue
		}
		if err != nil || !slices.Equal(got.Floats, c.floats) || !bytes.Equal(got.Bytes, c.bytes) || !bytes.Equal(got.Labels, c.labels) {
			t.Errorf("%s: %+v, error %v", name, got, err)
		}
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "x.npy"}) // stored as it is
	if err == nil {
		_, err = w.Write(npyFile(1, dict("|u1", "(1, 2)"), []byte{200, 201}))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	damaged := b.Bytes()
	damaged[bytes.Index(damaged, []byte{200, 201})]++ // its checksum knows
	r, err := NewNPZReader(bytes.NewReader(damaged), int64(len(damaged)), "a.npz", "", nil)
	if err == nil {
		_, _, err = ReadAll(r)
	}
	if err == nil || !strings.Contains(err.Error(), "data: a.npz:x: broken archive") {
		t.Errorf("damaged: %v", err)
	}
}

func TestParseKeys(t *testing.T) {
	got, err := ParseKeys("train=images_a, train_labels=y1,test=b=c")
	if err != nil || len(got) != 3 || got["train"] != "images_a" || got["train_labels"] != "y1" || got["test"] != "b=c" {
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{"", "train", "train=", "x=a", "train=a,train=b", "train=a,"} {
		if _, err := ParseKeys(text); err == nil || !strings.Contains(err.Error(), "want part=array, the parts test, test_labels,") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// What a reader gives of any bytes is what is read of them as a whole.
func FuzzNPYReader(f *testing.F) {
	f.Add(npyFile(1, dict("<f4", "(3, 2)"), make([]float32, 6)), 1)
	f.Add(npyFile(2, dict("|u1", "(1, 3, 2)"), make([]byte, 6)), 2)
	f.Add(npyFile(1, dict("<f2", "(1, 6, 3, 2)"), make([]uint16, 36)), 5)
	f.Add(zipped(f, npyFile(1, dict("<i8", "(3, 2)"), make([]int64, 6))), 0)
	for _, c := range brokenNPY() {
		f.Add(c.file, 1)
	}
	f.Fuzz(func(t *testing.T, file []byte, n int) {
		want, wantErr := ReadNPY(bytes.NewReader(file), "a")
		r, err := NewNPYReader(bytes.NewReader(file), "a")
		if err == nil {
			var got Set
			if got, _, err = ReadAll(&limited{r, n}); err == nil && wantErr == nil && !bytes.Equal(got.Memory(), want.Memory()) {
				t.Errorf("other values than of %+v", want)
			}
		}
		if (err == nil) != (wantErr == nil) {
			t.Errorf("error %v in pieces, %v as a whole", err, wantErr)
		}
	})
}
