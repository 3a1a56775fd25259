package verb

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/internal/cli"
)

// TestExportONNX: a file has a name of its own where none is given, and says what
// it takes; a scorer wants a detector.
func TestExportONNX(t *testing.T) {
	run, dir := trained(t), t.TempDir()
	t.Chdir(dir)
	_, said := must(t, "export", "onnx", run)
	if want := "run-whole.onnx: whole: rows uint8 (batch, 1, 28, 28) → reconstructions float32 (batch, 1, 28, 28), bytes uint8 (batch, 1, 28, 28)\n"; said != want {
		t.Errorf("%q; want %q", said, want)
	}
	text, _ := must(t, "export", "onnx", filepath.Join(run, "model.safetensors"), "--part", "decoder", "-o", "d.onnx", "--json")
	var made struct {
		Part   string
		Out    string
		Inputs []struct {
			Name, Type string
			Shape      []int
		}
	}
	if err := json.Unmarshal([]byte(text), &made); err != nil || made.Part != "decoder" || made.Out != "d.onnx" || len(made.Inputs) != 1 || made.Inputs[0].Type != "float32" || made.Inputs[0].Shape[0] != 12 {
		t.Errorf("%v of %s", err, text)
	}
	printed, _ := must(t, "export", "onnx", run, "--part", "decoder", "--out", "-")
	if file, err := os.ReadFile("d.onnx"); err != nil || !bytes.Equal(file, []byte(printed)) {
		t.Errorf("other bytes on standard output; error %v", err)
	}
	for want, args := range map[string][]string{
		"want a RUN":                 {"export", "onnx"},
		`--part "half": want one of`: {"export", "onnx", run, "--part", "half"},
		`unknown format "xml"`:       {"export", "xml"},
		"is a file of the run":       {"export", "onnx", run, "-o", filepath.Join(run, "model.safetensors")},
		"--json and the rows would":  {"export", "onnx", run, "-o", "-", "--json"},
	} {
		if status, _, stderr := call(args...); status != cli.ExitUsage || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%q: status %d, %q; want %q", args, status, stderr, want)
		}
	}
	for want, args := range map[string][]string{
		"fit one of normal rows first: aegis detect": {"export", "onnx", run, "--part", "scorer", "-o", "s.onnx"},
		"is no run":    {"export", "onnx", dir, "-o", "s.onnx"},
		"no such file": {"export", "onnx", run, "-o", filepath.Join("none", "s.onnx")},
	} {
		if status, _, stderr := call(args...); status != cli.ExitFailed || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%q: status %d, %q; want %q", args, status, stderr, want)
		}
	}
	if got := files(t, dir); len(got) != 2 {
		t.Errorf("%q are there", got)
	}
}
