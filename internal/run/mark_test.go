package run

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/model/program"
)

// marked marks a directory as one whose files, and those of others that are
// about to be in it, runs wrote.
func marked(t *testing.T, dir string, others ...string) {
	t.Helper()
	m := mark{Files: make(map[string][]string)}
	for _, from := range append(others, dir) {
		found, err := identify(from)
		if err != nil {
			t.Fatal(err)
		}
		for name, id := range found {
			m.Files[name] = append(m.Files[name], id)
		}
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, markFile), string(text))
}

func fillFile(t *testing.T, d *Dir, name, text string) {
	t.Helper()
	err := d.WriteFile(name, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOnlyARunsFilesAreReplaced puts a user's own file into a run's directory,
// in place of the run's or beside those that there are.
func TestOnlyARunsFilesAreReplaced(t *testing.T) {
	for _, name := range FileNames() {
		t.Run(name, func(t *testing.T) { onlyReplaced(t, name) })
	}
}

func onlyReplaced(t *testing.T, name string) {
	t.Parallel()
	for _, after := range []string{"nothing", "a run", "a run that is going on"} {
		dir := t.TempDir()
		d := runInto(t, dir, after != "nothing")
		if after == "a run that is going on" {
			d = runInto(t, dir, false)
		}
		own := filepath.Join(dir, name)
		if err := os.RemoveAll(own); err != nil {
			t.Fatal(err)
		}
		put(t, own, "my own\n")
		if after == "a run that is going on" {
			fillFile(t, d, ModelFile, "another")
			wantError(t, d.Commit(), "has "+name+", which no run wrote")
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
		for _, force := range []bool{false, true} {
			_, err := Create(dir, force)
			wantError(t, err, "has "+name+", which no run wrote")
			wantError(t, Check(dir, force), "has "+name+", which no run wrote")
		}
		if got := get(t, own); got != "my own\n" {
			t.Errorf("%s after %s: %q", name, after, got)
		}
	}
}

// runInto begins a run in a directory, and where it comes to something ends it.
func runInto(t *testing.T, dir string, whole bool) *Dir {
	t.Helper()
	d, err := Create(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.WriteConfig([]Setting{{"whole", whole}}); err != nil {
		t.Fatal(err)
	}
	if d.Replacing() {
		return d
	}
	if whole {
		for range 3 {
			if err := d.AppendMetrics("a line"); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range FileNames()[1:] {
			if name != MetricsFile {
				fillFile(t, d, name, "first")
			}
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestIdentity sees changes at both ends and of the size, of large files too.
func TestIdentity(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	base := strings.Repeat("x", 3<<20)
	seen := make(map[string]string)
	for name, text := range map[string]string{
		"empty": "", "small": "x", "base": base, "longer": base + "x",
		"first": "y" + base[1:], "last": base[1:] + "y",
	} {
		put(t, path, text)
		id, err := identity(path, ModelFile)
		if err != nil {
			t.Fatal(err)
		}
		if other, there := seen[id]; there {
			t.Errorf("%s is known as %s is", name, other)
		}
		seen[id] = name
	}
}

// TestUnmarked holds what is replaced in a directory of version 0.1.0.
func TestUnmarked(t *testing.T) {
	const summary = `{"vm": "cpu", "version": "0.1.0", "pixel_range": [0, 1]}`
	tensors := func(metadata map[string]string) string {
		var b strings.Builder
		if err := EncodeTensors(&b, map[string]program.Tensor{"w": {Shape: []int{1}, Data: []float32{1}}}, metadata); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	ours := tensors(map[string]string{"aegis": "0.1.0", "config": `{"lr":0.001,"seed":1,"hidden":[4,2],"data":""}`})
	const config = "seed = 1\nlr = 0.001\ndata = \"\"\nhidden = [4, 2]\n"
	for name, c := range map[string]struct {
		files map[string]string
		err   string
	}{
		"a run":                     {files: map[string]string{SummaryFile: summary, ConfigFile: config, ModelFile: ours, LastFile: ours, LossFile: "x"}},
		"cut short":                 {files: map[string]string{ConfigFile: config, LastFile: ours}},
		"a configuration of theirs": {files: map[string]string{SummaryFile: summary, ConfigFile: "seed = 1\n", ModelFile: ours}, err: "has config.toml, which"},
		"a changed one":             {files: map[string]string{SummaryFile: summary, ConfigFile: strings.Replace(config, "1", "2", 1), LastFile: ours}, err: "has config.toml, which"},
		"a comment of theirs":       {files: map[string]string{SummaryFile: summary, ConfigFile: config + "# mine\n", ModelFile: ours}, err: "has config.toml, which"},
		"nothing to tell by":        {files: map[string]string{SummaryFile: summary, ConfigFile: config}, err: "has config.toml, which"},
		"a model of theirs":         {files: map[string]string{SummaryFile: summary, ModelFile: tensors(nil)}, err: "has model.safetensors, which"},
		"no run":                    {files: map[string]string{ConfigFile: config, LossFile: "x"}, err: "has config.toml, loss.png, which"},
	} {
		dir := t.TempDir()
		for file, text := range c.files {
			put(t, filepath.Join(dir, file), text)
		}
		d, err := Create(dir, true)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", name, err, c.err)
		}
		if err != nil {
			continue
		}
		// Its files are known from then on.
		if err := d.WriteConfig([]Setting{{"seed", 2}}); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if err := Check(dir, true); err != nil {
			t.Errorf("%s: again: %v", name, err)
		}
	}
}
