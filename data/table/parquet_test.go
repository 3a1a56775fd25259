package table

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"aegis/data"
)

// parquetOf writes rows as a Parquet file, a row group for each so many.
func parquetOf[T any](t testing.TB, rows []T, group int, options ...parquet.WriterOption) []byte {
	t.Helper()
	var out bytes.Buffer
	w := parquet.NewGenericWriter[T](&out, options...)
	for len(rows) > 0 {
		n := min(group, len(rows))
		if _, err := w.Write(rows[:n]); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		rows = rows[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func openBytes(t testing.TB, file []byte, opt Options) (*data.Source, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.parquet")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return Open(context.Background(), path, opt)
}

// all has a column of each kind that is read.
type all struct {
	I32 int32    `parquet:"i32"`
	U32 uint32   `parquet:"u32"`
	U64 uint64   `parquet:"u64"`
	I64 int64    `parquet:"i64"`
	F32 float32  `parquet:"f32"`
	F64 float64  `parquet:"f64"`
	OK  bool     `parquet:"ok"`
	S   string   `parquet:"s,dict"`
	N   string   `parquet:"n"`
	D   int64    `parquet:"d,decimal(2:10)"`
	D32 int32    `parquet:"d32,decimal(1:5)"`
	Opt *float64 `parquet:"opt,optional"`
}

func allOf(i int) all {
	v := float64(i) / 4
	return all{int32(i), 1<<31 + uint32(i)<<8, 1 << 63, -int64(i), float32(v), v, i%2 == 0, []string{"x", "y"}[i%2], fmt.Sprint(i), int64(100 * i), int32(-i), &v}
}

func TestParquet(t *testing.T) {
	var rows []all
	for i := range 9 {
		rows = append(rows, allOf(i))
	}
	s, err := openBytes(t, parquetOf(t, rows, 4), Options{Label: "i32"})
	if err != nil {
		t.Fatal(err)
	}
	want := "u32 u64 i64 f32 f64 ok=false ok=true s=x s=y n d d32 opt"
	if got := strings.Join(s.Columns, " "); got != want {
		t.Fatalf("columns %q, want %q", got, want)
	}
	for i := range rows {
		v, even, odd := float32(i)/4, float32(1-i%2), float32(i%2)
		want := []float32{float32(1<<31 + uint32(i)<<8), 1 << 63, -float32(i), v, v, odd, even, even, odd, float32(i), float32(i), -float32(i) / 10, v}
		if got := s.Train.FloatRow(i); !same(got, want) || s.Train.Labels[i] != byte(i) {
			t.Errorf("row %d: %v label %d, want %v", i, got, s.Train.Labels[i], want)
		}
	}
}

func TestParquetDecimal(t *testing.T) {
	for want, b := range map[float64][]byte{0: {}, 1: {1}, -1: {0xff}, 256: {1, 0}, -32768: {0x80, 0}} {
		if got := bigEndian(b); got != want {
			t.Errorf("%v is %g, want %g", b, got, want)
		}
	}
}

// TestParquetAgain reads by the form of the same values in CSV, by several
// compressions, in chunks of any size.
func TestParquetAgain(t *testing.T) {
	type row struct {
		C *string  `parquet:"c,optional,dict"`
		A *float64 `parquet:"a,optional"`
		Z int32    `parquet:"z"`
	}
	var rows []row
	text := "a,c\n"
	for i := range 9000 {
		a, c := float64(i)/3, []string{"x", "y", "z"}[i%3]
		r, line := row{A: &a, C: &c}, fmt.Sprintf("%v,%s\n", a, c)
		if i == 5 {
			r.A, r.C, line = nil, nil, ",\n"
		}
		rows, text = append(rows, r), text+line
	}
	want, err := read(text, Options{Impute: "mean"})
	if err != nil {
		t.Fatal(err)
	}
	for name, codec := range map[string]parquet.WriterOption{
		"plain": parquet.Compression(&parquet.Uncompressed), "snappy": parquet.Compression(&parquet.Snappy),
		"zstd": parquet.Compression(&parquet.Zstd), "gzip": parquet.Compression(&parquet.Gzip), "pages": parquet.PageBufferSize(500),
	} {
		file := parquetOf(t, rows, 5000, codec)
		s, err := openBytes(t, file, Options{Form: want.Table})
		if err != nil || !same(s.Train.Floats, want.Train.Floats) {
			t.Errorf("%s: %v, error %v", name, s, err)
		}
		for _, n := range []int{1000, 100000} {
			r, err := NewParquetReader(context.Background(), bytes.NewReader(file), int64(len(file)), "t.parquet", Options{Form: want.Table})
			if err != nil {
				t.Fatal(err)
			}
			if set, err := drain(r, n); err != nil || !same(set.Floats, want.Train.Floats) {
				t.Errorf("%s: %d rows at a time: %d rows, error %v", name, n, set.N, err)
			}
		}
	}
}

func TestParquetErrors(t *testing.T) {
	type wrong struct {
		A    float64   `parquet:"a"`
		B    float64   `parquet:"b"`
		When time.Time `parquet:"when,timestamp"`
		List []int32   `parquet:"list"`
		Sub  struct {
			X int32 `parquet:"x"`
		} `parquet:"sub"`
		ID  [16]byte `parquet:"id,uuid"`
		Gap *int32   `parquet:"gap,optional"`
		Day string   `parquet:"day"`
	}
	file := parquetOf(t, []wrong{{Day: "2024-05-06", List: []int32{1, 2}}, {Day: "2024-05-07", B: 1e300}}, 1)
	for name, c := range map[string]struct {
		columns []string
		want    string
	}{
		"timestamp": {[]string{"a", "when"}, `unsupported column "when": want numbers or short texts, got dates or times; drop the column`},
		"list":      {[]string{"a", "list"}, `unsupported column "list": want numbers or short texts, got nested values; drop the column`},
		"nested":    {[]string{"a", "sub"}, `column "sub": want numbers or short texts, got nested values`},
		"UUID":      {[]string{"a", "id"}, `column "id"`},
		"null":      {[]string{"a", "gap"}, `row 0, column "gap": want a value, got none`},
		"dates":     {[]string{"a", "day"}, `column "day": want numbers or categories, got dates or times`},
		"large":     {[]string{"a", "b"}, `row 1, column "b": want a finite number, at most 3.4028235e+38, got 1e+300`},
		"absent":    {[]string{"x"}, `no column "x"`},
	} {
		if _, err := openBytes(t, file, Options{Columns: c.columns}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	if _, err := openBytes(t, parquetOf(t, []all{}, 1), Options{}); err == nil || !strings.Contains(err.Error(), "no row") {
		t.Errorf("without rows: %v", err)
	}
}

// TestParquetDamaged cuts a file off and changes it, byte by byte: it is an
// error of its own type, or other values, never a panic.
func TestParquetDamaged(t *testing.T) {
	type row struct {
		A float64 `parquet:"a"`
		C string  `parquet:"c,dict"`
	}
	file := parquetOf(t, []row{{1, "x"}, {2, "y"}, {3, "x"}}, 2)
	for n := len(parquetMagic); n < len(file); n++ {
		_, err := NewParquetReader(context.Background(), bytes.NewReader(file[:n]), int64(n), "t.parquet", Options{})
		if broken := (*data.FormatError)(nil); !errors.As(err, &broken) {
			t.Fatalf("%d of %d bytes: %v", n, len(file), err)
		}
	}
	long := slices.Clone(file)
	copy(long[len(long)-8:], "\xff\xff\xff\x7f")
	if _, err := openBytes(t, long, Options{}); err == nil || !strings.Contains(err.Error(), "an end of 2147483647 bytes") {
		t.Errorf("an end longer than the file: %v", err)
	}
	for i := range file {
		for _, flip := range []byte{1, 0x80, 0xff} {
			bent := slices.Clone(file)
			bent[i] ^= flip
			r, err := NewParquetReader(context.Background(), bytes.NewReader(bent), int64(len(bent)), "t.parquet", Options{})
			if err != nil {
				continue
			}
			_, _ = drain(r, 10)
		}
	}
}
