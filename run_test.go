package aegis

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/data"
)

// TestOpenRun finds a run by its directory and by its model's file.
func TestOpenRun(t *testing.T) {
	ctx, out := context.Background(), filepath.Join(t.TempDir(), "run")
	src := &data.Source{Name: "table", Train: table(60, 1)}
	cfg := config(t, "fc12")
	cfg.TestSplit = 20
	if _, err := Train(ctx, cfg, src, Options{Out: out}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{out, filepath.Join(out, "model.safetensors"), filepath.Join(out, "last.safetensors")} {
		r, err := OpenRun(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := r.Load(WithDevice(DeviceCPU))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := r.Rows(src, "")
		if err != nil {
			t.Fatal(err)
		}
		if n := data.Len(rows); n != 20 {
			t.Errorf("%d test rows", n)
		}
		chunk, err := rows.Next(7)
		if err != nil {
			t.Fatal(err)
		}
		if codes, err := m.Encode(ctx, chunk.Rows); err != nil || len(codes) != 7*12 {
			t.Errorf("%d values, error %v", len(codes), err)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	alone := filepath.Join(t.TempDir(), "a.safetensors")
	text, err := os.ReadFile(filepath.Join(out, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(alone, text, 0o666); err != nil {
		t.Fatal(err)
	}
	r, err := OpenRun(alone)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Config(); ok {
		t.Error("a configuration of a model alone")
	}
	if _, err := r.OpenData(ctx); err == nil || !strings.Contains(err.Error(), "name the data") {
		t.Errorf("error %v", err)
	}
}

func TestOpenRunErrors(t *testing.T) {
	empty := t.TempDir()
	for path, want := range map[string]string{
		empty:                           "is no run: it has no model.safetensors",
		filepath.Join(empty, "missing"): "want a run's directory or a model's file",
		os.DevNull:                      "is a pipe or a device",
	} {
		if _, err := OpenRun(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
}
