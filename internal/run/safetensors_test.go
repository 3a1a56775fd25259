package run

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"aegis/model/program"
)

// file puts a length before a header and n zero bytes after it.
func file(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

func decode(b []byte) (map[string]program.Tensor, map[string]string, error) {
	return DecodeTensors(bytes.NewReader(b), int64(len(b)))
}

// sameTensors compares bit by bit: a NaN equals itself, 0 is not −0.
func sameTensors(t *testing.T, got, want map[string]program.Tensor) {
	t.Helper()
	sameBits := func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }
	same := maps.EqualFunc(got, want, func(a, b program.Tensor) bool {
		return slices.Equal(a.Shape, b.Shape) && slices.EqualFunc(a.Data, b.Data, sameBits)
	})
	if !same {
		t.Errorf("tensors %v, want %v", got, want)
	}
}

func TestEncodeTensorsBytes(t *testing.T) {
	// Python's struct.pack and json.dumps give the same bytes.
	cases := []struct {
		name     string
		tensors  map[string]program.Tensor
		metadata map[string]string
		header   string
		data     []byte
	}{
		{name: "empty", header: "{}      "},
		{
			name: "metadata", metadata: map[string]string{"format": "pt", "a": `<"é">`},
			header: `{"__metadata__":{"a":"<\"é\">","format":"pt"}} `,
		},
		{
			name: "sorted by name, a matrix, a scalar, nothing",
			tensors: map[string]program.Tensor{
				"b": {Shape: []int{1, 2}, Data: []float32{1, -2}},
				"a": {Data: []float32{float32(math.Inf(1))}},
				"c": {Shape: []int{0, 3}},
			},
			header: `{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},` +
				`"b":{"dtype":"F32","shape":[1,2],"data_offsets":[4,12]},` +
				`"c":{"dtype":"F32","shape":[0,3],"data_offsets":[12,12]}}  `,
			data: []byte{0, 0, 0x80, 0x7f, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got bytes.Buffer
			if err := EncodeTensors(&got, c.tensors, c.metadata); err != nil {
				t.Fatal(err)
			}
			want := append(file(c.header, 0), c.data...)
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("bytes\n%q\nwant\n%q", got.Bytes(), want)
			}
			if len(c.header)%8 != 0 {
				t.Errorf("header of %d bytes does not align the data", len(c.header))
			}
		})
	}
}

func TestTensorsRoundTrip(t *testing.T) {
	large := make([]float32, 3*chunkSize/float32Size+5) // four chunks
	for i := range large {
		large[i] = float32(i)
	}
	want := map[string]program.Tensor{
		"encoder.0.weight": {Shape: []int{len(large)}, Data: large},
		"encoder.0.bias": {Shape: []int{2, 1, 2}, Data: []float32{
			float32(math.NaN()), float32(math.Inf(-1)), float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32,
		}},
		"größe \" \\ \n <&>": {Shape: []int{1}, Data: []float32{7}},
		"":                   {Shape: []int{}, Data: []float32{3}},
		"zero":               {Shape: []int{4, 0}, Data: nil},
	}
	var b bytes.Buffer
	if err := EncodeTensors(&b, want, map[string]string{"": "x", "step": "12"}); err != nil {
		t.Fatal(err)
	}
	got, metadata, err := decode(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	sameTensors(t, got, want)
	if !maps.Equal(metadata, map[string]string{"": "x", "step": "12"}) {
		t.Errorf("metadata %v", metadata)
	}
}

func TestEncodeTensorsRefuses(t *testing.T) {
	cases := []struct {
		name     string
		tensor   string
		value    program.Tensor
		metadata map[string]string
		want     string
	}{
		{name: "reserved name", tensor: "__metadata__", want: "tensor name"},
		{name: "name not UTF-8", tensor: "a\xff", want: "tensor name"},
		{name: "key not UTF-8", tensor: "a", metadata: map[string]string{"\xff": ""}, want: "is not UTF-8"},
		{name: "value not UTF-8", tensor: "a", metadata: map[string]string{"k": "\xff"}, want: "is not UTF-8"},
		{name: "too few values", tensor: "a", value: program.Tensor{Shape: []int{2, 2}, Data: make([]float32, 3)}, want: "has 3 values; want 4"},
		{name: "negative", tensor: "a", value: program.Tensor{Shape: []int{-1, -1}, Data: make([]float32, 1)}, want: "none negative"},
		{name: "overflow", tensor: "a", value: program.Tensor{Shape: []int{math.MaxInt, 8}}, want: "shape"},
		{name: "rank", tensor: "a", value: program.Tensor{Shape: make([]int, maxRank+1)}, want: "at most 64"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			value := c.value
			if c.metadata != nil || value.Shape == nil {
				value.Data = make([]float32, 1)
			}
			err := EncodeTensors(&bytes.Buffer{}, map[string]program.Tensor{c.tensor: value}, c.metadata)
			wantError(t, err, c.want)
		})
	}
}

func TestEncodeTensorsReportsAFailedWrite(t *testing.T) {
	tensors := map[string]program.Tensor{"a": {Shape: []int{2}, Data: []float32{1, 2}}}
	var all bytes.Buffer
	if err := EncodeTensors(&all, tensors, nil); err != nil {
		t.Fatal(err)
	}
	for _, room := range []int{0, all.Len() - 1} {
		if err := EncodeTensors(&limited{room: room}, tensors, nil); !errors.Is(err, errFull) {
			t.Errorf("with room for %d bytes the error is %v, want %v", room, err, errFull)
		}
	}
}

var errFull = errors.New("no space left")

type limited struct{ room int }

func (l *limited) Write(p []byte) (int, error) {
	if l.room -= len(p); l.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestDecodeTensorsAccepts(t *testing.T) {
	cases := []struct {
		name string
		file []byte
		want map[string]program.Tensor
	}{
		{name: "nothing", file: file(`{}`, 0), want: map[string]program.Tensor{}},
		{
			name: "any order of tensors and fields, spaces, no padding",
			file: file(` {"b":{"data_offsets":[4, 8], "shape":[1,1],"dtype":"F32"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`[1:]+"\n", 8),
			want: map[string]program.Tensor{
				"a": {Shape: []int{1}, Data: []float32{0}}, "b": {Shape: []int{1, 1}, Data: []float32{0}},
			},
		},
		{
			name: "an empty tensor where a full one starts",
			file: file(`{"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"c":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`, 4),
			want: map[string]program.Tensor{
				"b": {Shape: []int{1}, Data: []float32{0}}, "c": {Shape: []int{0}},
			},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, _, err := decode(c.file)
			if err != nil {
				t.Fatal(err)
			}
			sameTensors(t, got, c.want)
		})
	}
}

// brokenFiles is also the seed of the fuzzer.
func brokenFiles() map[string]struct {
	file []byte
	want string
} {
	one := func(fields string, n int) []byte { return file(`{"a":{`+fields+`}}`, n) }
	huge := binary.LittleEndian.AppendUint64(nil, math.MaxUint64)
	return map[string]struct {
		file []byte
		want string
	}{
		"empty file":          {file: nil, want: "0 bytes; want at least 8"},
		"length only":         {file: file("", 0), want: "no header"},
		"length of 2^64":      {file: append(huge, "{}"...), want: "header of 18446744073709551615 bytes; want at most 2"},
		"length past end":     {file: file(`{}`, 0)[:9], want: "header of 2 bytes; want at most 1"},
		"array":               {file: file(`[]`, 0), want: "no header"},
		"null":                {file: file(`null`, 0), want: "no header"},
		"not UTF-8":           {file: file("{\"\xff\":{}}", 0), want: "UTF-8"},
		"not JSON":            {file: file(`{"a"`, 0), want: "ends too early"},
		"more after it":       {file: file(`{}{}`, 0), want: "goes on"},
		"rubbish after it":    {file: file(`{}x`, 0), want: "goes on"},
		"tensor twice":        {file: file(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`, 0), want: `"a" twice`},
		"tensor twice, \\u":   {file: file(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"\u0061":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`, 0), want: `"a" twice`},
		"field twice":         {file: one(`"dtype":"F32","dtype":"F32","shape":[0]`, 0), want: `"dtype" twice`},
		"key twice":           {file: file(`{"__metadata__":{"k":"1","k":"2"}}`, 0), want: `"k" twice`},
		"metadata twice":      {file: file(`{"__metadata__":{},"__metadata__":{}}`, 0), want: "twice"},
		"metadata number":     {file: file(`{"__metadata__":{"k":1}}`, 0), want: "want a string"},
		"metadata null":       {file: file(`{"__metadata__":null}`, 0), want: "want {"},
		"tensor is a list":    {file: file(`{"a":[]}`, 0), want: "want {"},
		"no dtype":            {file: one(`"shape":[0],"data_offsets":[0,0]`, 0), want: "has 2 fields"},
		"unknown field":       {file: one(`"dtype":"F32","SHAPE":[0],"data_offsets":[0,0]`, 0), want: `a field "SHAPE"`},
		"dtype is a number":   {file: one(`"dtype":32,"shape":[0],"data_offsets":[0,0]`, 0), want: "want a string"},
		"shape null":          {file: one(`"dtype":"F32","shape":null,"data_offsets":[0,4]`, 4), want: "want ["},
		"dimension null":      {file: one(`"dtype":"F32","shape":[null],"data_offsets":[0,0]`, 0), want: "want an integer"},
		"dimension text":      {file: one(`"dtype":"F32","shape":["1"],"data_offsets":[0,4]`, 4), want: "want an integer"},
		"dimension negative":  {file: one(`"dtype":"F32","shape":[-1],"data_offsets":[0,4]`, 4), want: "want an integer"},
		"dimension 1.0":       {file: one(`"dtype":"F32","shape":[1.0],"data_offsets":[0,4]`, 4), want: "want an integer"},
		"dimension 2^64":      {file: one(`"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,4]`, 4), want: "want an integer"},
		"shape overflows":     {file: one(`"dtype":"F32","shape":[2147483647,2147483647,2147483647,5],"data_offsets":[0,4]`, 4), want: "too large"},
		"bytes overflow":      {file: one(`"dtype":"F32","shape":[1073741824,4294967296],"data_offsets":[0,0]`, 0), want: ""},
		"65 dimensions":       {file: one(`"dtype":"F32","shape":[1`+strings.Repeat(",1", 64)+`],"data_offsets":[0,4]`, 4), want: "more than 64 numbers"},
		"three offsets":       {file: one(`"dtype":"F32","shape":[1],"data_offsets":[0,4,8]`, 4), want: "more than 2 numbers"},
		"one offset":          {file: one(`"dtype":"F32","shape":[1],"data_offsets":[4]`, 4), want: "has 1 numbers"},
		"offset 2^63":         {file: one(`"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775808]`, 4), want: "want an integer"},
		"end before begin":    {file: one(`"dtype":"F32","shape":[1],"data_offsets":[4,0]`, 4), want: "starts at byte 4"},
		"begins late":         {file: one(`"dtype":"F32","shape":[1],"data_offsets":[4,8]`, 8), want: "starts at byte 4 of the data; want 0"},
		"overlap":             {file: file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, 12), want: `"b" starts at byte 4 of the data; want 8`},
		"size not shape":      {file: one(`"dtype":"F32","shape":[2],"data_offsets":[0,4]`, 4), want: "has 4 bytes; want 8"},
		"size not shape, I64": {file: one(`"dtype":"I64","shape":[2],"data_offsets":[0,8]`, 8), want: "has 8 bytes; want 16"},
		"end before, unknown": {file: file(`{"a":{"dtype":"F4","shape":[0],"data_offsets":[0,0]},"b":{"dtype":"F4","shape":[1],"data_offsets":[0,8]},"c":{"dtype":"F4","shape":[1],"data_offsets":[8,4]}}`, 4), want: "before it starts"},
		"size not shape, 0":   {file: one(`"dtype":"F32","shape":[],"data_offsets":[0,0]`, 0), want: "has 0 bytes; want 4"},
		"cut short":           {file: one(`"dtype":"F32","shape":[2],"data_offsets":[0,8]`, 7), want: "7 bytes of data; want 8"},
		"data left over":      {file: one(`"dtype":"F32","shape":[1],"data_offsets":[0,4]`, 5), want: "5 bytes of data; want 4"},
		"deep":                {file: file(`{"a":`+strings.Repeat("[", 1<<12), 0), want: "want {"},
	}
}

func TestDecodeTensorsBroken(t *testing.T) {
	for name, c := range brokenFiles() {
		t.Run(name, func(t *testing.T) {
			_, _, err := decode(c.file)
			var broken *FormatError
			if !errors.As(err, &broken) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v (%T), want a *FormatError with %q", err, err, c.want)
			}
		})
	}
}

// Tensors of other types beside those that are wanted are left alone.
func TestOtherTypes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for dtype, bytes := range map[string]int{
		"F64": 8, "I64": 8, "U64": 8, "F16": 2, "BF16": 2, "I32": 4, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F4": 3, "": 5,
	} {
		header := fmt.Sprintf(`{"ours":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"other":{"dtype":%q,"shape":[1],"data_offsets":[4,%d]}}`,
			dtype, 4+bytes)
		put(t, path, string(file(header, 4+bytes)))
		tensors, _, err := ReadTensors(path)
		if err != nil || len(tensors) != 1 || len(tensors["ours"].Data) != 1 {
			t.Errorf("%q: tensors %v, error %v; want ours alone", dtype, tensors, err)
		}
		opened, err := OpenTensors(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = opened.Read("other", []int{1})
		var unsupported *UnsupportedError
		if !errors.As(err, &unsupported) || unsupported.Tensor != "other" || unsupported.Dtype != dtype {
			t.Errorf("%q: error %v (%T), want an *UnsupportedError", dtype, err, err)
		}
		if ours, err := opened.Read("ours", []int{1}); err != nil || len(ours.Data) != 1 {
			t.Errorf("%q: ours is %v, error %v", dtype, ours, err)
		}
		_, err = opened.Read("ours", []int{2})
		wantError(t, err, "has shape [1]; want [2]")
		_, err = opened.Read("theirs", []int{2})
		wantError(t, err, "no tensor \"theirs\"")
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A disk that fails is neither a broken file nor an unsupported one.
func TestDecodeTensorsReportsAFailedRead(t *testing.T) {
	failed := errors.New("bad sector")
	good := file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4)
	for _, at := range []int64{0, prefixSize, int64(len(good)) - 4} {
		_, _, err := DecodeTensors(failingAt{Reader: bytes.NewReader(good), at: at, err: failed}, int64(len(good)))
		if !errors.Is(err, failed) {
			t.Errorf("reading at %d: error %v, want %v", at, err, failed)
		}
	}
}

type failingAt struct {
	*bytes.Reader
	at  int64
	err error
}

func (f failingAt) ReadAt(p []byte, offset int64) (int, error) {
	if offset == f.at {
		return iotest.ErrReader(f.err).Read(p)
	}
	return f.Reader.ReadAt(p, offset)
}

func TestReadTensorsPaths(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "broken"), "short")
	for name, want := range map[string]string{
		"missing": "run: read tensors: open", ".": "is not a file", "broken": "broken file: 5 bytes",
	} {
		_, _, err := ReadTensors(filepath.Join(dir, name))
		wantError(t, err, want)
	}
}

func FuzzDecodeTensors(f *testing.F) {
	for _, c := range brokenFiles() {
		f.Add(c.file)
	}
	f.Add(file(`{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[],"data_offsets":[8,12]}}   `, 12))
	f.Fuzz(func(t *testing.T, b []byte) {
		tensors, metadata, err := decode(b)
		if err != nil {
			return
		}
		values := 0
		for _, tensor := range tensors {
			values += len(tensor.Data)
		}
		if values > len(b)/float32Size {
			t.Errorf("%d values from %d bytes", values, len(b))
		}
		var again bytes.Buffer
		if err := EncodeTensors(&again, tensors, metadata); err != nil {
			t.Fatal(err)
		}
		got, _, err := decode(again.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		sameTensors(t, got, tensors)
	})
}

func BenchmarkEncodeTensors(b *testing.B) {
	t := map[string]program.Tensor{"w": {Shape: []int{16 << 20}, Data: make([]float32, 16<<20)}}
	b.SetBytes(64 << 20)
	for b.Loop() {
		if err := EncodeTensors(io.Discard, t, map[string]string{ConfigKey: "{}"}); err != nil {
			b.Fatal(err)
		}
	}
}
