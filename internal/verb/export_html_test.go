package verb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/internal/cli"
)

// TestExportHTML writes a page, with the detector beside the model or one of its
// own, and leaves the run as it was.
func TestExportHTML(t *testing.T) {
	run := trained(t)
	t.Chdir(t.TempDir())
	_, stderr := must(t, "export", "html", run, "--points", "40", "--limit", "60", "-o", "page.html")
	if !strings.Contains(stderr, "export html: scores are of a detector that was fitted on ") || !strings.Contains(stderr, "page.html: ") {
		t.Errorf("it says %q", stderr)
	}
	page, err := os.ReadFile("page.html")
	if err != nil || !strings.Contains(string(page), "<title>run</title>") || !strings.Contains(string(page), `"n":40,"of":60`) {
		t.Errorf("%d bytes, %v", len(page), err)
	}
	if _, err := os.Stat(filepath.Join(run, "detector.json")); err == nil {
		t.Error("a detector was left in the run")
	}
	alone := filepath.Join(t.TempDir(), "model.safetensors")
	text, err := os.ReadFile(filepath.Join(run, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(alone, text, 0o666); err != nil {
		t.Fatal(err)
	}
	stdout, stderr := must(t, "export", "html", alone, "--data", "mnist", "--limit", "20", "--json")
	if !strings.Contains(stdout, `"out": "explorer.html"`) || !strings.Contains(stderr, "the page has the loss alone") {
		t.Errorf("%q, %q", stdout, stderr)
	}
}

// TestExportHTMLErrors: one line, and no file.
func TestExportHTMLErrors(t *testing.T) {
	run, dir := trained(t), t.TempDir()
	t.Chdir(dir)
	for want, c := range map[string]struct {
		status int
		args   []string
	}{
		`unknown format "pdf"`:       {cli.ExitUsage, []string{"pdf", run}},
		"--points wants 1 to 100000": {cli.ExitUsage, []string{"html", run, "--points", "0"}},
		"want a RUN":                 {cli.ExitUsage, []string{"html"}},
		"which would be lost":        {cli.ExitUsage, []string{"html", run, "-o", filepath.Join(run, "model.safetensors")}},
		"no such file or folder":     {cli.ExitFailed, []string{"html", run, "--data", "none.csv"}},
	} {
		status, stdout, stderr := call(append([]string{"export"}, c.args...)...)
		if status != c.status || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("aegis export %q: status %d, %q, %q; want %d, %q", c.args, status, stdout, stderr, c.status, want)
		}
	}
	if left := files(t, dir); left != nil {
		t.Errorf("%q are left", left)
	}
}
