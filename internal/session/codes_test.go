package session

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aegis/internal/report"
	"aegis/internal/train"
	"aegis/model/program"
)

// TestCodesInBlocks holds codes that are made some at a time to all at once.
func TestCodesInBlocks(t *testing.T) {
	const tests = 1100 // more than two blocks
	for z, folded := range map[int]bool{12: false, 2000: true} {
		cfg, ds := config(t, "fc12"), blobs(16, tests, 6, 6)
		cfg.Latent = z
		tr := &trainer{cfg: cfg, dataset: ds}
		if err := tr.prepare(context.Background(), Options{Out: filepath.Join(t.TempDir(), "run")}, openCPU); err != nil {
			t.Fatal(err)
		}
		defer func() { _, _ = tr.machine.Close(), tr.dir.Close() }()
		whole := make([]float32, tests*z)
		in := program.Feed{Set: "test", Rows: train.Rows(tests)}
		if err := tr.machine.Infer(context.Background(), program.Encode, in, whole); err != nil {
			t.Fatal(err)
		}
		fold, spread := report.NewFold(z), newSpread(z)
		want := make([]float32, tests*fold.Width())
		fold.Add(want, whole)
		spread.add(whole)
		got, still, err := tr.codes(context.Background())
		if err != nil || got.N != tests || got.Z != fold.Width() || !slices.Equal(got.Values, want) || still != spread.constants() {
			t.Errorf("latent %d: other codes: %d of %d, %+v (%v)", z, got.N, got.Z, still, err)
		}
		if strings.Contains(got.Title, "folded") != folded || !slices.Equal(got.Labels, ds.Test.Labels) {
			t.Errorf("latent %d: title %q, %d labels", z, got.Title, len(got.Labels))
		}
	}
	if n := codeRows(50_000, 12); n != 10_000 {
		t.Errorf("codes of %d images, want 10000", n)
	}
	if n := codeRows(10_000, 100_000); n < 500 || n > 2000 {
		t.Errorf("codes of %d images where they are wide, want some 1000", n)
	}
}
