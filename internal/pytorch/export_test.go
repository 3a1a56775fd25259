package pytorch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/data"
	"aegis/model"
)

// network is a preset's, as it starts.
func network(t *testing.T, preset string, bend func(*model.Spec)) Network {
	t.Helper()
	spec, err := model.Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	spec.Image = [3]int{1, 8, 8}
	bend(&spec)
	p, err := spec.Forward()
	if err != nil {
		t.Fatal(err)
	}
	return Network{Spec: spec, Tensors: p.Start(1).Tensors, Version: "0"}
}

// TestModule: what stands in model.py of networks that PyTorch has other words
// for. scripts/test_export.py runs all of it.
func TestModule(t *testing.T) {
	for name, c := range map[string]struct {
		preset string
		bend   func(*model.Spec)
		want   string
	}{
		"linear":     {"fc3", func(s *model.Spec) { s.Hidden = []int{5} }, "self.encoder = nn.Sequential( nn.Linear(64, 5), nn.Tanh(), nn.Linear(5, 3), )"},
		"conv":       {"conv", func(*model.Spec) {}, "nn.ConvTranspose2d(32, 16, kernel_size=3, stride=2, padding=1, output_padding=1), nn.ReLU(),"},
		"one row":    {"conv", func(s *model.Spec) { s.Image = [3]int{1, 1, 8} }, "output_padding=(0, 1)"},
		"flat code":  {"conv", func(*model.Spec) {}, "nn.Conv2d(32, 64, kernel_size=2), nn.Flatten(), )"},
		"unflatten":  {"conv-vae", func(*model.Spec) {}, "nn.Linear(20, 64), nn.ReLU(), nn.Unflatten(1, (64, 1, 1)),"},
		"labels":     {"cvae", func(*model.Spec) {}, "nn.Linear(74, 400)"},
		"norm":       {"aae", func(*model.Spec) {}, "nn.Linear(512, 512), nn.BatchNorm1d(512), nn.LeakyReLU(0.2),"},
		"norm of 2d": {"conv", func(s *model.Spec) { s.BatchNorm = true }, "nn.BatchNorm2d(16)"},
		"top k":      {"fc64", func(s *model.Spec) { s.Sparse = "topk:7" }, "nn.Linear(128, 64), nn.ReLU(), TopK(7), )"},
		"alpha":      {"fc64", func(s *model.Spec) { s.Activation = "elu:0.5" }, "nn.ELU(0.5)"},
		"whole":      {"fc64", func(s *model.Spec) { s.Activation = "elu:2" }, "nn.ELU(2.0)"},
		"a name":     {"fc64", func(s *model.Spec) { s.Model, s.Output = `"""\`+"é", "sigmoid" }, `NAME = "\"\"\"\\\u00e9"`},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := network(t, c.preset, c.bend).writeModule(&b); err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(strings.Fields(b.String()), " "); !strings.Contains(text, c.want) {
				t.Errorf("want %s in\n%s", c.want, b.String())
			}
		})
	}
}

// TestExport: what is there is not lost, and nothing is left of what failed.
func TestExport(t *testing.T) {
	n := network(t, "fc3", func(s *model.Spec) { s.Form = data.Form{Classes: []string{"<a>", `"`}} })
	dir := filepath.Join(t.TempDir(), "new", "folder")
	if err := n.Export(dir, false); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ModuleFile), []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := n.Export(dir, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v; want one that says what is there", err)
	}
	if text, _ := os.ReadFile(filepath.Join(dir, ModuleFile)); string(text) != "mine" {
		t.Error("it was replaced")
	}
	broken := n
	broken.Spec.Activation = "none"
	if err := broken.Export(dir, true); err == nil {
		t.Error("a network that is none was exported")
	}
	if err := n.Export(dir, true); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(FileNames()) {
		t.Errorf("%v, %v; want %v", entries, err, FileNames())
	}
}
