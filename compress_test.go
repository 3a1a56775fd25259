package aegis

import (
	"bytes"
	"context"
	"errors"
	"math"
	"testing"

	"aegis/data"
)

// TestCompress reads back what the model makes of the codes, within their
// quantisation, and says how far that is.
func TestCompress(t *testing.T) {
	ctx, src := context.Background(), labelled(120, 50)
	m := used(t, config(t, "fc12"), src)
	var file bytes.Buffer
	report, err := m.Compress(ctx, &file, data.NewReader(src.Train), nil)
	if err != nil {
		t.Fatal(err)
	}
	if report.Rows != 120 || report.Bytes != int64(file.Len()) || report.Raw != int64(len(src.Train.Bytes)) || !(report.MSE >= report.Codes*0.9) {
		t.Errorf("%+v of a file of %d bytes", report, file.Len())
	}
	rows, err := m.Decompress(ctx, bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	all, _, err := data.ReadAll(rows)
	if err != nil || all.N != 120 {
		t.Fatalf("%d rows, error %v", all.N, err)
	}
	squares := 0.0
	for i, v := range src.Train.Bytes {
		d := (float64(all.Floats[i])+1)/2 - float64(v)/255
		squares += d * d / float64(len(all.Floats))
	}
	if math.Abs(squares-report.MSE) > 1e-6*squares {
		t.Errorf("MSE %v, want %v", report.MSE, squares)
	}
	for i := 0; i < file.Len(); i += 7 {
		damaged := bytes.Clone(file.Bytes())
		damaged[i] ^= 0x10
		if err := drained(m, damaged); err == nil {
			t.Fatalf("byte %d was changed, and nothing is said", i)
		}
		if err := drained(m, damaged[:i]); err == nil {
			t.Fatalf("cut at byte %d, and nothing is said", i)
		}
	}
	other := used(t, config(t, "fc12"), labelled(60, 20))
	if _, err := other.Decompress(ctx, bytes.NewReader(file.Bytes())); !errors.Is(err, ErrOtherModel) {
		t.Errorf("error %v", err)
	}
}

// drained reads a file to its end or to an error.
func drained(m *Model, file []byte) error {
	rows, err := m.Decompress(context.Background(), bytes.NewReader(file))
	if err == nil {
		_, _, err = data.ReadAll(rows)
	}
	return err
}

// TestCompressTable: of vectors errors are as the network reads them.
func TestCompressTable(t *testing.T) {
	ctx, src := context.Background(), &data.Source{Name: "table", Train: table(300, 1)}
	m := used(t, config(t, "fc12"), src)
	var file bytes.Buffer
	report, err := m.Compress(ctx, &file, data.NewReader(src.Train), nil)
	if err != nil || report.PSNR != nil || report.MSE > 10 {
		t.Errorf("%+v, error %v", report, err)
	}
	empty := data.NewReader(data.Set{Rows: data.Rows{Shape: src.Train.Shape}})
	if _, err := m.Compress(ctx, &file, empty, nil); err == nil {
		t.Error("no rows, and no error")
	}
}
