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

// TestWriteExplorer writes a page of a run, and refuses the model of another one.
func TestWriteExplorer(t *testing.T) {
	ctx, src := context.Background(), labelled(120, 50)
	out := filepath.Join(t.TempDir(), "run")
	if _, err := Train(ctx, config(t, "fc12"), src, Options{Out: out}); err != nil {
		t.Fatal(err)
	}
	r, err := OpenRun(out)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Load()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	d, err := m.FitDetector(ctx, data.NewReader(src.Test), DetectorOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := r.WriteExplorer(ctx, &page, m, data.NewReader(src.Test), ExplorerOptions{Detector: d, Points: 30, Title: "digits"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<title>digits</title>", `"n":30,"of":50`, `"formula":"smoothed"`} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page has no %s", want)
		}
	}
	other := used(t, config(t, "fc12"), labelled(60, 9))
	if err := r.WriteExplorer(ctx, &page, other, data.NewReader(src.Test), ExplorerOptions{}); !errors.Is(err, ErrOtherModel) {
		t.Errorf("error %v", err)
	}
	for _, err := range []error{
		r.WriteExplorer(ctx, nil, m, data.NewReader(src.Test), ExplorerOptions{}),
		r.WriteExplorer(ctx, &page, m, nil, ExplorerOptions{}),
		r.WriteExplorer(ctx, &page, &Model{}, data.NewReader(src.Test), ExplorerOptions{}),
	} {
		if err == nil {
			t.Error("no error")
		}
	}
	if err := os.Remove(r.File); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteExplorer(ctx, &page, m, data.NewReader(src.Test), ExplorerOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}
