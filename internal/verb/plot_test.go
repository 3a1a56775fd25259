package verb

import (
	"os"
	"strings"
	"testing"

	"aegis/internal/cli"
)

// TestPlot draws each picture and says where it is.
func TestPlot(t *testing.T) {
	run := trained(t)
	t.Chdir(t.TempDir())
	for out, args := range map[string][]string{
		"loss.png":     {"loss", run},
		"loss.svg":     {"loss", run},
		"codes.png":    {"codes", run, "--limit", "50"},
		"tsne.png":     {"codes", run, "--limit", "50", "--method", "tsne"},
		"rebuilt.png":  {"reconstructions", run, "--limit", "50"},
		"filters.png":  {"filters", run},
		"walk.png":     {"traversals", run, "--limit", "50", "--row", "0"},
		"data.png":     {"codes", run, "--data", "mnist", "--limit", "20", "--rows", "10"},
		"title of.png": {"reconstructions", run, "--limit", "50", "--title", "digits"},
	} {
		_, stderr := must(t, append(append([]string{"plot"}, args...), "--out", out)...)
		if want := out + ": drawn\n"; !strings.HasSuffix(stderr, want) {
			t.Errorf("plot %q says %q, want %q", args, stderr, want)
		}
		if info, err := os.Stat(out); err != nil || info.Size() < 1000 {
			t.Errorf("plot %q: %v", args, err)
		}
	}
	stdout, stderr := must(t, "plot", "loss", run, "--out", "a.png", "--json")
	if stdout != "{\n  \"out\": \"a.png\"\n}\n" || stderr != "" {
		t.Errorf("%q, %q", stdout, stderr)
	}
}

// TestPlotErrors: one line, and no file.
func TestPlotErrors(t *testing.T) {
	run, dir := trained(t), t.TempDir()
	t.Chdir(dir)
	for want, c := range map[string]struct {
		status int
		args   []string
	}{
		`unknown plot "lost"`:               {cli.ExitUsage, []string{"lost", run}},
		"--out names where the plot goes":   {cli.ExitUsage, []string{"loss", run}},
		"--out a.jpg: want a name that end": {cli.ExitUsage, []string{"filters", run, "--out", "a.jpg"}},
		"want 1 to 12 RUNs, got 0":          {cli.ExitUsage, []string{"loss", "--out", "a.png"}},
		"want a RUN":                        {cli.ExitUsage, []string{"codes", "--out", "a.png"}},
		`--method "umap": want pca or tsne`: {cli.ExitUsage, []string{"codes", run, "--out", "a.png", "--method", "umap"}},
		"--rows wants 1 to 5000":            {cli.ExitUsage, []string{"codes", run, "--out", "a.png", "--rows", "0"}},
		"--images wants 1 to 100":           {cli.ExitUsage, []string{"reconstructions", run, "--out", "a.png", "--images", "0"}},
		"--row wants the number of a row":   {cli.ExitUsage, []string{"traversals", run, "--out", "a.png", "--row", "-1"}},
		"around row 5 of 5, counted from 0": {cli.ExitFailed, []string{"traversals", run, "--out", "a.png", "--limit", "5", "--row", "5"}},
		"is no run":                         {cli.ExitFailed, []string{"loss", dir, "--out", "a.png"}},
		"want 4 to 5000 rows":               {cli.ExitFailed, []string{"codes", run, "--out", "a.png", "--limit", "3", "--method", "tsne"}},
	} {
		status, stdout, stderr := call(append([]string{"plot"}, c.args...)...)
		if status != c.status || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
			t.Errorf("aegis plot %q: status %d, %q, %q; want %d, %q", c.args, status, stdout, stderr, c.status, want)
		}
	}
	if left := files(t, dir); left != nil {
		t.Errorf("%q are left", left)
	}
}
