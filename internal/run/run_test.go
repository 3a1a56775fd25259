package run

import (
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aegis/model/program"
)

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// list returns the names in a directory, sorted.
func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// below returns the paths of all that is in a directory.
func below(t *testing.T, root string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Fatalf("error %v, want %q", err, want)
	}
}

func TestConfigMetricsSummary(t *testing.T) {
	d, err := Create(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	name, widths, rate, none := "fc", []int{4, 2}, 1e-9, 0
	if err := d.WriteConfig([]Setting{{"name", &name}, {"widths", &widths}, {"rate", &rate}, {"a b", &none}}); err != nil {
		t.Fatal(err)
	}
	if got, want := get(t, d.Path(ConfigFile)), "name = \"fc\"\nwidths = [4, 2]\nrate = 1e-09\n\"a b\" = 0\n"; got != want {
		t.Errorf("config\n%s\nwant\n%s", got, want)
	}

	type epoch struct {
		Epoch int      `json:"epoch"`
		Loss  *float64 `json:"loss"`
	}
	loss := 0.25
	if err := d.AppendMetrics(epoch{Epoch: 1, Loss: &loss}); err != nil {
		t.Fatal(err)
	}
	wantError(t, d.AppendMetrics(map[string]float64{"loss": math.NaN()}), "unsupported value")
	if err := d.AppendMetrics(epoch{Epoch: 2}); err != nil {
		t.Fatal(err)
	}
	if got, want := get(t, d.Path(MetricsFile)), "{\"epoch\":1,\"loss\":0.25}\n{\"epoch\":2,\"loss\":null}\n"; got != want {
		t.Errorf("metrics\n%s\nwant\n%s", got, want)
	}

	summary := struct {
		Loss   float64 `json:"loss"`
		Device string  `json:"device"`
	}{Loss: 1e-9, Device: "cpu <2>"}
	if err := d.WriteSummary(summary); err != nil {
		t.Fatal(err)
	}
	if got, want := get(t, d.Path(SummaryFile)), "{\n  \"loss\": 1e-9,\n  \"device\": \"cpu <2>\"\n}\n"; got != want {
		t.Errorf("summary\n%s\nwant\n%s", got, want)
	}
	wantError(t, d.WriteSummary(math.NaN()), "unsupported value")
	if got := list(t, d.Path("")); !slices.Equal(got, []string{markFile, lockFile, ConfigFile, MetricsFile, SummaryFile}) {
		t.Errorf("files %v", got)
	}
}

// TestLines adds a line to files that crashes and full disks left.
func TestLines(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	for _, c := range []struct{ name, before, after string }{
		{name: "new", after: "1\n"},
		{name: "whole", before: "a\nb\n", after: "a\nb\n1\n"},
		{name: "cut", before: "a\nb", after: "a\n1\n"},
		{name: "only a cut line", before: "a", after: "1\n"},
		{name: "a long cut line", before: "a\n" + long, after: "a\n1\n"},
		{name: "a long line", before: long + "\n", after: long + "\n1\n"},
	} {
		path := filepath.Join(t.TempDir(), "metrics.jsonl")
		if c.before != "" {
			put(t, path, c.before)
		}
		if err := appendLine(path, []byte("1\n")); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := get(t, path); got != c.after {
			t.Errorf("%s: %q, want %q", c.name, got, c.after)
		}
	}
	if err := appendLine(filepath.Join(t.TempDir(), "no", "dir"), []byte("1\n")); err == nil {
		t.Error("no error without a directory")
	}
}

func TestDirWriteTensors(t *testing.T) {
	d, err := Create(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]program.Tensor{"encoder.0.bias": {Shape: []int{2}, Data: []float32{1, 2}}}
	if err := d.WriteTensors(ModelFile, want, map[string]string{"format": "pt"}); err != nil {
		t.Fatal(err)
	}
	before := get(t, d.Path(ModelFile))
	bad := map[string]program.Tensor{"encoder.0.bias": {Shape: []int{3}, Data: []float32{1, 2}}}
	wantError(t, d.WriteTensors(ModelFile, bad, nil), "has 2 values; want 3")
	if get(t, d.Path(ModelFile)) != before {
		t.Error("a failed write changed the file")
	}
	got, metadata, err := ReadTensors(d.Path(ModelFile))
	if err != nil || metadata["format"] != "pt" {
		t.Fatalf("metadata %v, error %v", metadata, err)
	}
	sameTensors(t, got, want)
}
