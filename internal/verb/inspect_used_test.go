package verb

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestInspectUsed says what detectors and compressed rows hold, and sees damage.
func TestInspectUsed(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(run, os.DirFS(trained(t))); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	must(t, "detect", run, "--limit", "300", "--false-alarms", "0.05", "--json")
	must(t, "compress", run, "--limit", "77", "--out", "a.codes")
	detector := filepath.Join(run, "detector.json")
	for path, want := range map[string]string{detector: "false alarms 0.05", "a.codes": "77"} {
		if said, _ := must(t, "inspect", path); !strings.Contains(said, want) {
			t.Errorf("%s: no %q in\n%s", path, want, said)
		}
		said, _ := must(t, "inspect", path, "--json")
		var any map[string]any
		if err := json.Unmarshal([]byte(said), &any); err != nil || any["kind"] == "" {
			t.Errorf("%v of %s", err, said)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)/2] ^= 1
		if err := os.WriteFile("damaged", text, 0o666); err != nil {
			t.Fatal(err)
		}
		if status, _, stderr := call("inspect", "damaged"); status != 1 || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s, damaged: status %d, %q", path, status, stderr)
		}
	}
}
