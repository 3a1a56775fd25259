package aegis

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/data"
)

// TestDetector fits one on rows, keeps it, and finds rows that are unlike them.
func TestDetector(t *testing.T) {
	ctx, src := context.Background(), &data.Source{Name: "table", Train: table(400, 1)}
	m := used(t, config(t, "fc12"), src)
	d, err := m.FitDetector(ctx, data.NewReader(table(300, 2)), DetectorOptions{FalseAlarms: 0.02})
	if err != nil {
		t.Fatal(err)
	}
	strange := table(40, 3)
	for i := range 20 {
		strange.FloatRow(i)[1] += 400
	}
	found, err := d.Detect(ctx, strange.Rows)
	if err != nil {
		t.Fatal(err)
	}
	scores, truth := make([]float64, 40), make([]bool, 40)
	for i, f := range found {
		scores[i], truth[i] = f.Score, i < 20
		if f.Anomalous != (f.Score > d.Threshold().Value) || i < 20 && (!f.Anomalous || len(f.Columns) == 0 || f.Columns[0].Column != 1) {
			t.Errorf("row %d: %+v", i, f)
		}
	}
	ranking, err := Rank(scores, truth)
	if err != nil || ranking.ROCAUC() != 1 {
		t.Errorf("%v, error %v", ranking, err)
	}
	path := filepath.Join(t.TempDir(), DetectorFile)
	if err := d.Save(path); err != nil {
		t.Fatal(err)
	}
	again, err := m.LoadDetector(path)
	if err != nil || again.Threshold() != d.Threshold() || again.Formula() == "" || again.FittedOn() != 300 || again.OfLines() {
		t.Fatalf("%+v, error %v", again, err)
	}
	if err := again.SetContamination(0.5, scores); err != nil || again.Threshold().Value == d.Threshold().Value {
		t.Errorf("threshold %+v, error %v", again.Threshold(), err)
	}
	other := used(t, config(t, "fc12"), &data.Source{Name: "table", Train: table(60, 9)})
	if _, err := other.LoadDetector(path); !errors.Is(err, ErrOtherModel) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
	if _, err := m.LoadDetector(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if err := d.WriteHeatSheet(ctx, &bytes.Buffer{}, strange.Rows, nil); err == nil {
		t.Error("heat of vectors")
	}
}

// TestHeat draws maps of images.
func TestHeat(t *testing.T) {
	ctx, src := context.Background(), labelled(120, 50)
	m := used(t, config(t, "fc12"), src)
	d, err := m.FitDetector(ctx, data.NewReader(src.Test), DetectorOptions{})
	if err != nil {
		t.Fatal(err)
	}
	heat, err := d.Heat(ctx, src.Test.Rows)
	if err != nil || len(heat) != 50*120 {
		t.Fatalf("%d values, error %v", len(heat), err)
	}
	var one, sheet bytes.Buffer
	if err := errors.Join(d.WriteHeat(&one, heat[:120]), d.WriteHeatSheet(ctx, &sheet, src.Test.Rows.Slice(0, 3), []string{"a", "b", "c"})); err != nil {
		t.Fatal(err)
	}
	if one.Len() == 0 || sheet.Len() == 0 {
		t.Error("nothing was drawn")
	}
	if err := d.WriteHeat(&one, heat[:7]); err == nil {
		t.Error("a map of another size")
	}
}

// TestEmptyDetector: one that was not fitted answers errors.
func TestEmptyDetector(t *testing.T) {
	for _, d := range []*Detector{nil, {}} {
		_, scores := d.Scores(context.Background(), table(2, 1).Rows)
		for what, err := range map[string]error{"false alarms": d.SetFalseAlarms(0.1), "scores": scores, "write": d.Write(&bytes.Buffer{})} {
			if err == nil {
				t.Errorf("%s of an empty detector", what)
			}
		}
		if d.Formula() != "" || d.FittedOn() != 0 || d.OfLines() {
			t.Error("an empty detector has something")
		}
	}
	if _, err := (&Model{}).Decode(context.Background(), []float32{1}); err == nil {
		t.Error("an empty model decodes")
	}
}
