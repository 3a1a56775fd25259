package table

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestArrow reads files that another library wrote, Apache Arrow's for Go
// (18.4.1), 40 rows each: both versions of pages, compressed in several ways,
// with dictionaries or not, differences, decimals of 16 bytes and missing
// values. Times are there as timestamps, or as the 12 bytes of earlier days.
func TestArrow(t *testing.T) {
	files, err := filepath.Glob("testdata/arrow/*.parquet")
	if err != nil || len(files) != 6 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	want := arrowRows()
	for _, path := range files {
		ctx, name := context.Background(), filepath.Base(path)
		s, err := Open(ctx, path, Options{Drop: []string{"when"}, Label: "u8", Impute: "mean"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := strings.Join(s.Columns, " "); got != "i32 i64 f32 f64 ok=false ok=true s=blue s=green s=red dec wide" {
			t.Errorf("%s: columns %q", name, got)
		}
		for i, row := range want {
			if got := s.Train.FloatRow(i); !slices.Equal(got, row) || s.Train.Labels[i] != byte(6*i) {
				t.Errorf("%s: row %d: %v label %d, want %v", name, i, got, s.Train.Labels[i], row)
			}
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := NewParquetReader(ctx, strings.NewReader(string(file)), int64(len(file)), name, Options{Form: s.Table})
		if err != nil {
			t.Fatal(err)
		}
		if set, err := drain(r, 7); err != nil || !same(set.Floats, s.Train.Floats) {
			t.Errorf("%s: by its form: %d rows, error %v", name, set.N, err)
		}
		for want, opt := range map[string]Options{
			`row 3, column "i32": want a value, got none`:                                                 {Columns: []string{"i32", "i64"}},
			`unsupported column "when": want numbers or short texts, got dates or times; drop the column`: {Columns: []string{"i64", "when"}},
		} {
			if _, err := Open(ctx, path, opt); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q", name, err, want)
			}
		}
	}
}

// arrowRows are the values of these files, with the mean in the place of a missing
// one.
func arrowRows() [][]float32 {
	const n = 40
	rows := make([][]float32, n)
	for i := range n {
		v, one := float64(i)/4, float32(1)
		row := []float32{float32(-i), float32(1000 * i), float32(v), float32(v * v), one, 0, 0, 0, 0, float32(v), float32(-125*i) / 1000}
		if i%3 == 0 {
			row[4], row[5] = 0, 1
		}
		row[[]int{8, 7, 6}[i%3]] = 1
		rows[i] = row
	}
	for _, column := range []int{0, 2, 10} {
		sum, count := 0., 0
		for i := range n {
			if i%7 != 3 {
				sum, count = sum+float64(rows[i][column]), count+1
			}
		}
		for i := 3; i < n; i += 7 {
			rows[i][column] = float32(sum / float64(count))
		}
	}
	return rows
}
