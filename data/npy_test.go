package data

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// npyFile is a .npy file of a version with a header and values.
func npyFile(version byte, header string, values ...any) []byte {
	header += "\n"
	var b bytes.Buffer
	b.WriteString(npyMagic)
	b.Write([]byte{version, 0})
	if version == 1 {
		b.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(header))))
	} else {
		b.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(header))))
	}
	b.WriteString(header)
	for _, v := range values {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

// dict is a header as NumPy writes it, padded so that values are aligned.
func dict(descr, shape string) string {
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape)
	return text + strings.Repeat(" ", 64-(len(text)+11)%64)
}

func TestReadNPY(t *testing.T) {
	counted := []float32{1, 2, 3, 4, 5, 6}
	vector := Rows{N: 3, Shape: Shape{W: 2}, Floats: counted}
	for name, c := range map[string]struct {
		file []byte
		want Rows
	}{
		"float32":       {npyFile(1, dict("<f4", "(3, 2)"), counted), vector},
		"version 2":     {npyFile(2, dict("<f4", "(3, 2)"), counted), vector},
		"version 3":     {npyFile(3, dict("<f4", "(3, 2)"), counted), vector},
		"float64":       {npyFile(1, dict("<f8", "(3, 2)"), []float64{1, 2, 3, 4, 5, 6}), vector},
		"uint8":         {npyFile(1, dict("|u1", "(2, 3)"), []byte{1, 2, 3, 4, 5, 6}), Rows{N: 2, Shape: Shape{W: 3}, Bytes: []byte{1, 2, 3, 4, 5, 6}}},
		"int64":         {npyFile(1, dict("<i8", "(3, 2)"), []int64{1, -2, 3, 4, 5, 1 << 40}), Rows{N: 3, Shape: Shape{W: 2}, Floats: []float32{1, -2, 3, 4, 5, 1 << 40}}},
		"uint64":        {npyFile(1, dict("<u8", "(1, 2)"), []uint64{1, 1 << 63}), Rows{N: 1, Shape: Shape{W: 2}, Floats: []float32{1, 1 << 63}}},
		"int32":         {npyFile(1, dict("<i4", "(1, 2)"), []int32{-1, 7}), Rows{N: 1, Shape: Shape{W: 2}, Floats: []float32{-1, 7}}},
		"uint32":        {npyFile(1, dict("<u4", "(1, 2)"), []uint32{1, 1 << 31}), Rows{N: 1, Shape: Shape{W: 2}, Floats: []float32{1, 1 << 31}}},
		"int16":         {npyFile(1, dict("<i2", "(1, 2)"), []int16{-1, 300}), Rows{N: 1, Shape: Shape{W: 2}, Floats: []float32{-1, 300}}},
		"uint16":        {npyFile(1, dict("<u2", "(1, 1, 2)"), []uint16{1, 65535}), Rows{N: 1, Shape: Shape{1, 1, 2}, Floats: []float32{1, 65535}}},
		"int8":          {npyFile(1, dict("|i1", "(1, 2)"), []int8{-1, 7}), Rows{N: 1, Shape: Shape{W: 2}, Floats: []float32{-1, 7}}},
		"bool":          {npyFile(1, dict("|b1", "(1, 2)"), []bool{true, false}), Rows{N: 1, Shape: Shape{W: 2}, Floats: []float32{1, 0}}},
		"float16":       {npyFile(1, dict("<f2", "(1, 6)"), []uint16{0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x3555}), Rows{N: 1, Shape: Shape{W: 6}, Floats: []float32{1, -2, 65504, 0x1p-24, 0x1p-14, 0.333251953125}}},
		"images":        {npyFile(1, dict("<f4", "(1, 2, 3)"), counted), Rows{N: 1, Shape: Shape{1, 2, 3}, Floats: counted}},
		"channels":      {npyFile(1, dict("<f4", "(1, 1, 2, 3)"), counted), Rows{N: 1, Shape: Shape{1, 2, 3}, Floats: counted}},
		"channels last": {npyFile(1, dict("|u1", "(1, 5, 2, 1)"), []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), Rows{N: 1, Shape: Shape{1, 5, 2}, Bytes: []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}},
		"colour last":   {npyFile(1, dict("<f4", "(1, 6, 1, 1)"), counted), Rows{N: 1, Shape: Shape{1, 6, 1}, Floats: counted}},
		"other order":   {npyFile(1, `{"shape":(3,2),"fortran_order":False,"descr":"<f4"}`, counted), vector},
		"Python 2":      {npyFile(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 2L)}", counted), vector},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadNPY(bytes.NewReader(c.file), "a")
			if err != nil {
				t.Fatal(err)
			}
			inPieces(t, c.file, got)
			if got.N != c.want.N || got.Shape != c.want.Shape || !slices.Equal(got.Bytes, c.want.Bytes) || !slices.Equal(got.Floats, c.want.Floats) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// The channels of (N,H,W,C) go before height and width.
func TestNPYChannelsLast(t *testing.T) {
	values := make([]float32, 6*2*3)
	for i := range values {
		values[i] = float32(i)
	}
	file := npyFile(1, dict("<f4", "(1, 6, 3, 2)"), values)
	got, err := ReadNPY(bytes.NewReader(file), "a")
	inPieces(t, file, got)
	if err != nil || got.Shape != (Shape{2, 6, 3}) || !slices.Equal(got.Floats[:3], []float32{0, 2, 4}) || got.Floats[18] != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// brokenNPY is also the seed of the fuzzer.
func brokenNPY() map[string]struct {
	file []byte
	want string
} {
	f4, values := dict("<f4", "(3, 2)"), make([]float32, 6)
	raw := func(header string) []byte { return npyFile(1, header, values) }
	return map[string]struct {
		file []byte
		want string
	}{
		"empty":         {nil, "data: a: truncated: want at least 8 bytes, got 0; "},
		"magic":         {[]byte("not NumPy at all"), "wrong magic bytes: want \"\\x93NUMPY\""},
		"version":       {npyFile(9, f4, values), "unsupported version: want 1, 2 or 3, got 9"},
		"cut header":    {npyFile(1, f4)[:40], "truncated: want at least 128 bytes, got 40"},
		"huge header":   {append([]byte(npyMagic+"\x02\x00"), 255, 255, 255, 255), "huge header: want at most 65536 bytes, got 4294967295"},
		"cut values":    {npyFile(1, f4, values[:5]), "truncated: want 152 bytes, got 148"},
		"cut doubles":   {npyFile(1, dict("<f8", "(3, 2)"), values), "truncated: want 176 bytes, got 152"},
		"more values":   {npyFile(1, f4, values, values), "trailing bytes: want 152 bytes"},
		"complex":       {raw(dict("<c8", "(3, 2)")), `unsupported element type: want little-endian numbers such as float32 (<f4), float64 (<f8) or uint8 (|u1), got "<c8"; save it with`},
		"text":          {raw(dict("<U3", "(3, 2)")), `got "<U3"`},
		"big-endian":    {raw(dict(">f4", "(3, 2)")), `got ">f4"`},
		"cut halves":    {npyFile(1, dict("<f2", "(3, 2)"), values[:2]), "truncated: want 140 bytes, got 136"},
		"structures":    {raw("{'descr': [('x', '<f4'), ('y', '<f4', (2,))], 'fortran_order': False, 'shape': (3,)}"), `got "[('x', '<f4')`},
		"Fortran":       {raw(strings.Replace(f4, "False", "True", 1)), "unsupported order: want C order, a row's values together, got Fortran order"},
		"no dimension":  {raw(dict("<f4", "()")), "got ()"},
		"one dimension": {raw(dict("<f4", "(6,)")), "unsupported shape: want (rows, values), (rows, height, width) or (rows, channels, height, width), got (6,); reshape it"},
		"five":          {raw(dict("<f4", "(1, 1, 1, 3, 2)")), "got (1, 1, 1, 3, 2)"},
		"no rows":       {raw(dict("<f4", "(0, 2)")), "unsupported shape: want at least one row, got (0, 2)"},
		"no values":     {raw(dict("<f4", "(3, 0)")), "sizes of at least 1"},
		"one column":    {raw(dict("<f4", "(6, 1)")), "want at least two values in a row, so that there is something to compress, got (6, 1)"},
		"many rows":     {raw(dict("|u1", "(3000000000, 2)")), "at most 2147483647 rows"},
		"overflow":      {raw(dict("<f4", "(2, 4611686018427387904, 4)")), "in memory's reach"},
		"no number":     {raw(dict("<f4", "(3, x)")), `broken header: want {'descr': …, 'fortran_order': …, 'shape': …}, got "x)`},
		"negative":      {raw(dict("<f4", "(3, -2)")), "in a shape"},
		"large number":  {raw(dict("<f4", "(3, 99999999999999999999)")), "in a shape"},
		"twice":         {raw("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)}"), `"descr" twice`},
		"a key more":    {raw("{'x': 1, 'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)}"), `key "x"`},
		"a key less":    {raw("{'descr': '<f4', 'shape': (3, 2)}"), "2 of 3 keys"},
		"no end":        {raw("{'descr': '<f4"), "a string without an end"},
		"behind":        {raw(f4 + "x"), "behind the end"},
		"no dictionary": {raw("[1]"), `where "{" should be`},
	}
}

func TestNPYErrors(t *testing.T) {
	for name, c := range brokenNPY() {
		_, err := ReadNPY(bytes.NewReader(c.file), "a")
		if err == nil || !strings.HasPrefix(err.Error(), "data: a: ") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v\nwant %q", name, err, c.want)
		}
		var broken *FormatError
		var unsupported *UnsupportedError
		if !errors.As(err, &broken) && !errors.As(err, &unsupported) {
			t.Errorf("%s: a %T", name, err)
		}
		if pieces := readPieces(c.file, 2); pieces == nil || !strings.Contains(strings.Replace(pieces.Error(), ", after ", "; ", 1), c.want) {
			t.Errorf("%s: in pieces %v\nwant %q", name, pieces, c.want)
		}
	}
}

func FuzzReadNPY(f *testing.F) {
	f.Add(npyFile(1, dict("<f4", "(3, 2)"), make([]float32, 6)))
	f.Add(npyFile(2, dict("|u1", "(1, 3, 2)"), make([]byte, 6)))
	for _, c := range brokenNPY() {
		f.Add(c.file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		rows, err := ReadNPY(bytes.NewReader(file), "a")
		if err == nil {
			err = rows.Validate()
		} else {
			return
		}
		if err != nil {
			t.Errorf("%d rows of %v: %v", rows.N, rows.Shape, err)
		}
	})
}

func FuzzReadNPZ(f *testing.F) {
	rows, labels := npyFile(1, dict("<f4", "(3, 2)"), make([]float32, 6)), npyFile(1, dict("|u1", "(3,)"), make([]byte, 3))
	f.Add(npz(f, map[string][]byte{"x_train.npy": rows, "y_train.npy": labels}))
	f.Add(npz(f, map[string][]byte{"a.npy": rows}))
	for _, c := range brokenNPY() {
		f.Add(npz(f, map[string][]byte{"train.npy": c.file}))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := ReadNPZ(bytes.NewReader(file), int64(len(file)), "a", nil)
		if err != nil {
			return
		}
		if err := s.Validate(); err != nil {
			t.Error(err)
		}
	})
}

// npz writes arrays as numpy.savez does.
func npz(t testing.TB, arrays map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, file := range arrays {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(file)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadNPZ(t *testing.T) {
	x := npyFile(1, dict("<f4", "(3, 2)"), []float32{1, 2, 3, 4, 5, 6})
	two := npyFile(1, dict("<f8", "(2, 2)"), []float64{1, 2, 3, 4})
	y := npyFile(1, dict("<i8", "(3,)"), []int64{2, 0, 255})
	for name, c := range map[string]struct {
		arrays           map[string][]byte
		train, val, test int
		labels           []byte
		want             string // of an error, or of a note
		keys             Keys
	}{
		"one":         {arrays: map[string][]byte{"arr_0.npy": x}, train: 3},
		"Keras":       {arrays: map[string][]byte{"x_train.npy": x, "y_train.npy": y, "x_test.npy": two}, train: 3, test: 2, labels: []byte{2, 0, 255}},
		"MedMNIST":    {arrays: map[string][]byte{"train_images.npy": x, "val_images.npy": two, "test_images.npy": two, "train_labels.npy": npyFile(1, dict("|u1", "(3, 1)"), []byte{1, 2, 3})}, train: 3, val: 2, test: 2, labels: []byte{1, 2, 3}},
		"capital":     {arrays: map[string][]byte{"X_train.npy": x, "meta.npy": y}, train: 3, want: "left out meta"},
		"unknown":     {arrays: map[string][]byte{"a.npy": x, "b.npy": y}, want: "data: a.npz: no array is known as the training set; it holds "},
		"shapes":      {arrays: map[string][]byte{"a.npy": x, "b.npy": y}, want: "a (3, 2) float32"},
		"broken":      {arrays: map[string][]byte{"a.npy": x[:7], "b.npy": y}, want: "a (broken)"},
		"only a test": {arrays: map[string][]byte{"x_test.npy": x}, want: "no array is known as the training set; it holds x_test (3, 2) float32; name the arrays"},
		"empty":       {want: "it holds none"},
		"one unknown": {arrays: map[string][]byte{"embeddings.npy": x}, train: 3},
		"validation":  {arrays: map[string][]byte{"training_features.npy": x, "targets_training.npy": y, "validation_data.npy": two, "testing.npy": two}, train: 3, val: 2, test: 2, labels: []byte{2, 0, 255}},
		"plain":       {arrays: map[string][]byte{"images.npy": x, "labels.npy": y}, train: 3, labels: []byte{2, 0, 255}},
		"named":       {arrays: map[string][]byte{"a.npy": x, "b.npy": y, "c.npy": two, "x_val.npy": two}, keys: Keys{"train": "a", "train_labels": "b", "test": "c"}, train: 3, test: 2, labels: []byte{2, 0, 255}, want: "left out x_val"},
		"named wrong": {arrays: map[string][]byte{"a.npy": x}, keys: Keys{"train": "A"}, want: `no array is called "A"; it holds a (3, 2) float32; name`},
		"named part":  {arrays: map[string][]byte{"a.npy": x}, keys: Keys{"tests": "a"}, want: `no part of a source is called "tests"; want test, test_labels, train,`},
		"named none":  {arrays: map[string][]byte{"x_train.npy": x, "b.npy": y}, keys: Keys{"test": "x_train"}, want: "no array is known as the training set"},
		"far away":    {arrays: map[string][]byte{"x_train.npy": npyFile(1, dict("<f8", "(2, 2)"), []float64{1, 1.7e9, 2, 1.7e9 + 9})}, train: 2, want: "x_train: column 1 (1700000000 to 1700000009): float64 becomes float32"},
		"tiny":        {arrays: map[string][]byte{"x_train.npy": npyFile(1, dict("<f8", "(2, 2)"), []float64{1e-300, 1, 3e-300, 2})}, train: 2, want: "x_train: column 0 (1e-300 to 3e-300)"},
		"huge":        {arrays: map[string][]byte{"x_train.npy": npyFile(1, dict("<f8", "(2, 2)"), []float64{1, 2, 3, -1e300})}, want: "got -1e+300 in row 1, value 1"},
		"nothing":     {arrays: map[string][]byte{"readme.txt": nil}, want: "it holds readme.txt"},
		"twice":       {arrays: map[string][]byte{"x_train.npy": x, "train_images.npy": x}, want: "could be the same part of a data set; it holds"},
		"widths":      {arrays: map[string][]byte{"x_train.npy": x, "x_test.npy": npyFile(1, dict("<f4", "(1, 3)"), make([]float32, 3))}, want: "test rows: want 2 values as in training, got 3 values"},
		"types":       {arrays: map[string][]byte{"x_train.npy": x, "x_test.npy": npyFile(1, dict("|u1", "(1, 2)"), make([]byte, 2))}, want: "test rows: want float32 as in training, got bytes"},
		"few labels":  {arrays: map[string][]byte{"x_train.npy": two, "y_train.npy": y}, want: "training labels: want 2, one a row, got 3"},
		"only labels": {arrays: map[string][]byte{"x_train.npy": x, "y_test.npy": y}, want: "labels y_test without rows"},
		"class":       {arrays: map[string][]byte{"x_train.npy": x, "y_train.npy": npyFile(1, dict("<i4", "(3,)"), []int32{1, -1, 0})}, want: "in row 1"},
		"float label": {arrays: map[string][]byte{"x_train.npy": x, "y_train.npy": x}, want: `unsupported labels: want whole numbers (rows,), got "<f4" (3, 2)`},
		"cut":         {arrays: map[string][]byte{"x_train.npy": x[:140]}, want: "data: a.npz:x_train: truncated"},
	} {
		t.Run(name, func(t *testing.T) {
			file := npz(t, c.arrays)
			s, err := ReadNPZ(bytes.NewReader(file), int64(len(file)), "a.npz", c.keys)
			if c.train == 0 {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if s.Train.N != c.train || s.Val.N != c.val || s.Test.N != c.test || !slices.Equal(s.Train.Labels, c.labels) || !strings.Contains(strings.Join(s.Notes, ""), c.want) {
				t.Errorf("%+v", s)
			}
		})
	}
	file := npz(t, map[string][]byte{"x.npy": x})
	if _, err := ReadNPZ(bytes.NewReader(file), int64(len(file))-5, "a.npz", nil); err == nil || !strings.Contains(err.Error(), "data: a.npz: broken archive") {
		t.Errorf("a cut archive: %v", err)
	}
}

// Files are known by what is in them, not by their name.
func TestOpenFiles(t *testing.T) {
	x := npyFile(1, dict("<f4", "(3, 2)"), []float32{1, 2, 3, 4, 5, 6})
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(x); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"npy": x, "npz": npz(t, map[string][]byte{"a.npy": x}), "gzip": packed.Bytes()} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path)
		if err != nil || s.Train.N != 3 || s.Train.W != 2 || s.Mapped() {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

// What is mapped is what is read, and what cannot be mapped is said.
func TestMapNPY(t *testing.T) {
	if !canMap {
		t.Skip("files are not mapped on this system")
	}
	floats := npyFile(1, dict("<f4", "(3, 2)"), []float32{1, 2, 3, 4, 5, 6})
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"float32":       {file: floats},
		"uint8":         {file: npyFile(2, dict("|u1", "(3, 2)"), []byte{1, 2, 3, 4, 5, 6})},
		"float64":       {npyFile(1, dict("<f8", "(3, 2)"), make([]float64, 6)), "float64 cannot stay in its file; save it with numpy.save"},
		"channels last": {npyFile(1, dict("<f4", "(1, 6, 3, 2)"), make([]float32, 36)), "channels last cannot stay in their file"},
		"cut":           {floats[:len(floats)-1], "truncated: want 152 bytes, got 151"},
		"longer":        {append(slices.Clone(floats), 0), "trailing bytes: want 152 bytes"},
		"not aligned":   {npyFile(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2) }", make([]float32, 6)), "multiple of 4"},
		"Fortran":       {npyFile(1, strings.Replace(dict("<f4", "(3, 2)"), "False", "True", 1), make([]float32, 6)), "Fortran"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.npy")
			if err := os.WriteFile(path, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			s, err := readFile(f, "a.npy", nil, 1)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("error %v, want %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want, err := ReadNPY(bytes.NewReader(c.file), "a.npy")
			if err != nil {
				t.Fatal(err)
			}
			if !s.Mapped() || !bytes.Equal(s.Train.Memory(), want.Memory()) || s.Train.Shape != want.Shape || len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "by seed") {
				t.Errorf("%+v", s)
			}
			if err := errors.Join(s.Validate(), s.Close(), s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	path := filepath.Join(t.TempDir(), "a.npy")
	if err := os.WriteFile(path, npyFile(1, dict("<f8", "(3, 2)"), make([]float64, 6)), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if s, err := readFile(f, "a.npy", nil, 100); err != nil || s.Mapped() || len(s.Train.Floats) != 6 { // 176 bytes, half of them as float32
		t.Errorf("float64 that fit as float32: %+v, %v", s, err)
	}
}
