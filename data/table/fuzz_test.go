package table

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"aegis/data"
)

// FuzzCSV reads any text: what is read is a source in order, and the same when
// it is read by its form, some rows and a byte at a time.
func FuzzCSV(f *testing.F) {
	for _, text := range []string{
		"a,b\n1,2\n3,4\n", "1;2,5\n3;4,5\n", "x\ty\nu\t1\nv\t2\n", "a,b,c\n\"q\"\"\n\",1,z\n,,\n", "\ufeffa|b\r\n1|2\r\n",
		"\x1f\x8b\x08\x00", "\xff\xfe", ",\n1,\n", "a,a,\n1e40,NaN,inf\n", "2024-01-02,1\n2024-01-03,2\n",
	} {
		f.Add([]byte(text), false, false, uint8(0))
		f.Add([]byte(text), true, true, uint8(2))
	}
	f.Fuzz(func(t *testing.T, text []byte, label, impute bool, window uint8) {
		Is(text)
		opt := Options{Window: int(window % 4)}
		if label {
			opt.Label = "b"
		}
		if impute {
			opt.Impute = "median"
		}
		ctx := context.Background()
		s, err := Read(ctx, bytes.NewReader(text), "t.csv", opt)
		if err != nil {
			return
		}
		inOrder(t, s)
		opt = Options{Form: s.Table, Classes: s.Classes}
		r, err := NewReader(ctx, oneByte{bytes.NewReader(text)}, "t.csv", opt)
		if err != nil {
			t.Fatalf("by its form: %v", err)
		}
		set, err := drain(r, 3)
		if err != nil || !same(set.Floats, s.Train.Floats) || !slices.Equal(set.Labels, s.Train.Labels) {
			t.Fatalf("whole %v, by its form %v, error %v", s.Train, set, err)
		}
	})
}

// FuzzParquet reads any bytes as Parquet.
func FuzzParquet(f *testing.F) {
	var rows []all
	for i := range 3 {
		rows = append(rows, allOf(i))
	}
	f.Add(parquetOf(f, rows, 2))
	type row struct {
		A float64 `parquet:"a"`
		C string  `parquet:"c,dict"`
	}
	f.Add(parquetOf(f, []row{{1, "x"}, {2, "y"}, {3, "x"}}, 2))
	f.Fuzz(func(t *testing.T, file []byte) {
		ctx := context.Background()
		for _, opt := range []Options{{}, {Impute: "mean"}} {
			p, err := openParquet(bytes.NewReader(file), int64(len(file)), "t.parquet")
			if err != nil {
				return
			}
			if s, err := load(ctx, p, "t.parquet", opt); err == nil {
				inOrder(t, s)
			}
		}
	})
}

// inOrder fails where a source is none to train on.
func inOrder(t *testing.T, s *data.Source) {
	t.Helper()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Measure(context.Background(), data.Split{N: s.Train.N}, nil); err != nil {
		t.Fatal(err)
	}
}
