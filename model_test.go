package aegis

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"aegis/data"
	"aegis/internal/run"
)

// trained trains a small network and returns the path of its model.
func trained(t *testing.T, preset string, ds *data.Dataset) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "run")
	cfg := config(t, preset)
	cfg.Epochs = 1
	if _, err := Train(context.Background(), cfg, ds, Options{Out: out}); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(out, run.ModelFile)
}

func load(t *testing.T, path string) *Model {
	t.Helper()
	m, err := Load(path, DeviceCPU)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// TestModelFromManyGoroutines gives 64 goroutines images of their own: each
// gets the bits that it gets alone.
func TestModelFromManyGoroutines(t *testing.T) {
	ds := blobs(40, 64, 6, 5)
	m := load(t, trained(t, "fc12", ds))
	ctx := context.Background()
	calls := func(row int) ([]float32, error) {
		image := ds.Test.Images.Slice(row, row+1)
		codes, err := m.Encode(ctx, image)
		if err != nil {
			return nil, err
		}
		drawn, err := m.Decode(ctx, codes)
		if err != nil {
			return nil, err
		}
		rebuilt, err := m.Reconstruct(ctx, image)
		if err != nil {
			return nil, err
		}
		loss, err := m.Loss(ctx, image)
		return append(slices.Concat(codes, drawn, rebuilt), float32(loss)), err
	}
	alone := make([][]float32, ds.Test.N)
	for i := range alone {
		var err error
		if alone[i], err = calls(i); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for i := range alone {
		all.Go(func() {
			for range 20 {
				if got, err := calls(i); err != nil || !slices.Equal(got, alone[i]) {
					t.Errorf("image %d: other numbers than alone (%v)", i, err)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestClosedModel(t *testing.T) {
	ds := blobs(16, 4, 6, 5)
	m := load(t, trained(t, "fc12", ds))
	ctx := context.Background()
	for range 2 {
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, encode := m.Encode(ctx, ds.Test.Images)
	_, rebuild := m.Reconstruct(ctx, ds.Test.Images)
	_, decode := m.Decode(ctx, make([]float32, m.Spec().Latent))
	_, loss := m.Loss(ctx, ds.Test.Images)
	for name, err := range map[string]error{"encode": encode, "reconstruct": rebuild, "decode": decode, "loss": loss} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v; want %v", name, err, ErrClosed)
		}
	}
}

func TestModelWaitsUntilTheContextEnds(t *testing.T) {
	ds := blobs(16, 4, 6, 5)
	m := load(t, trained(t, "fc12", ds))
	ctx, cancel := context.WithCancel(context.Background())
	m.turn <- struct{}{} // a call in progress
	cancel()
	_, err := m.Encode(ctx, ds.Test.Images)
	<-m.turn
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a call that waits when its context ends: %v; want %v", err, context.Canceled)
	}
}

func TestImagesThatAreNotThere(t *testing.T) {
	ds := blobs(16, 4, 6, 5)
	m := load(t, trained(t, "fc12", ds))
	for name, n := range map[string]int{"fewer than said": 5, "more than said": 3, "negative": -1} {
		images := ds.Test.Images
		images.N = n
		if _, err := m.Encode(context.Background(), images); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
