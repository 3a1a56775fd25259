package session

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/data"
	"aegis/internal/run"
)

// TestAdopted goes on with a run in a directory whose files are not as a run left
// them: its own from then on where they are sound.
func TestAdopted(t *testing.T) {
	cfg, ds := config(t, "fc12"), blobs(40, 8, 6, 6)
	first := filepath.Join(t.TempDir(), "run")
	if _, err := trained(context.Background(), cfg, ds, Options{Out: first}); err != nil {
		t.Fatal(err)
	}
	cfg.Epochs = 3
	damage := func(name string) func(string) error {
		return func(out string) error {
			path := filepath.Join(out, name)
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text[len(text)-3] ^= 1
			return os.WriteFile(path, text, 0o666)
		}
	}
	for name, c := range map[string]struct {
		bend func(out string) error
		want string // of the error; "": it goes on
	}{
		"a copy": {bend: func(out string) error { return os.Remove(filepath.Join(out, ".aegis")) }},
		"an edited configuration": {bend: func(out string) error {
			path := filepath.Join(out, run.ConfigFile)
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, bytes.Replace(text, []byte("epochs = 2"), []byte("# more\nepochs = 3"), 1), 0o666)
		}},
		"no configuration":  {bend: func(out string) error { return os.Remove(filepath.Join(out, run.ConfigFile)) }},
		"another summary":   {bend: func(out string) error { return os.WriteFile(filepath.Join(out, run.SummaryFile), nil, 0o666) }},
		"a damaged model":   {bend: damage(run.ModelFile), want: "model.safetensors: safetensors: broken file: it was changed since it was written (checksum"},
		"a damaged state":   {bend: damage(run.LastFile), want: "last.safetensors: safetensors: broken file: it was changed since it was written (checksum"},
		"a link to another": {bend: func(out string) error { return relink(out, run.LossFile) }, want: "is a link or a device"},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "run")
			if err := os.CopyFS(out, os.DirFS(first)); err != nil {
				t.Fatal(err)
			}
			switch err := c.bend(out); {
			case errors.As(err, new(*os.LinkError)):
				t.Skipf("no links here: %v", err)
			case err != nil:
				t.Fatal(err)
			}
			before := files(t, out)
			switch s, err := trained(context.Background(), cfg, ds, Options{Resume: out}); {
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error %v, want %q", err, c.want)
			case c.want != "":
				for file, text := range files(t, out) {
					if was, there := before[file]; there && was != text {
						t.Errorf("%s changed", file)
					}
				}
			case err != nil || s.Epochs != 3:
				t.Errorf("%d epochs (%v), want 3", s.Epochs, err)
			default:
				if err := run.Check(out, true); err != nil {
					t.Errorf("the directory is not the run's: %v", err)
				}
			}
		})
	}
}

// relink puts a link in the place of a file.
func relink(out, name string) error {
	path := filepath.Join(out, name)
	if err := os.Rename(path, path+".own"); err != nil {
		return err
	}
	return os.Symlink(path+".own", path)
}

// TestResumeOfAnotherTable refuses columns of other names, whose values are the
// same, and without config.toml rows that are scaled in another way.
func TestResumeOfAnotherTable(t *testing.T) {
	cfg := config(t, "fc12")
	cfg.Hidden, cfg.Latent = []int{5}, 2
	table := vectors(20, 1)
	table.Form.Columns = []string{"a", "b", "c", "d"}
	out := filepath.Join(t.TempDir(), "run")
	if _, err := trained(context.Background(), cfg, table, Options{Out: out}); err != nil {
		t.Fatal(err)
	}
	cfg.Epochs = 3
	table.Form.Columns = []string{"b", "a", "c", "d"}
	want := `columns ["b" "a" "c" "d"], the run has ["a" "b" "c" "d"]`
	if _, err := trained(context.Background(), cfg, table, Options{Resume: out}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	table.Form.Columns = []string{"a", "b", "c", "d"}
	if err := os.Remove(filepath.Join(out, run.ConfigFile)); err != nil {
		t.Fatal(err)
	}
	kept, err := ResumeConfig(out)
	if err != nil {
		t.Fatal(err)
	}
	kept.Data, kept.Epochs, kept.Device = cfg.Data, 3, DeviceCPU
	bent := kept
	bent.Scale = data.ScaleNone
	if _, err := trained(context.Background(), bent, table, Options{Resume: out}); err == nil || !strings.Contains(err.Error(), "scale none, the run has standard") {
		t.Errorf("scaled in another way: %v", err)
	}
	if s, err := trained(context.Background(), kept, table, Options{Resume: out}); err != nil || s.Epochs != 3 {
		t.Errorf("by what the state says: %v", err)
	}
}

// TestResumeOfAStartFromAModel wants config.toml back, which alone says from which:
// rows are scaled as that model has it.
func TestResumeOfAStartFromAModel(t *testing.T) {
	cfg := config(t, "fc12")
	cfg.Hidden, cfg.Latent = []int{5}, 2
	first, out := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "run")
	if _, err := trained(context.Background(), cfg, vectors(20, 1), Options{Out: first}); err != nil {
		t.Fatal(err)
	}
	cfg.InitFrom = Path(first)
	if _, err := trained(context.Background(), cfg, vectors(20, 3), Options{Out: out}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(out, run.ConfigFile)); err != nil {
		t.Fatal(err)
	}
	kept, err := ResumeConfig(out)
	if err != nil {
		t.Fatal(err)
	}
	kept.Epochs = 3
	if _, err := trained(context.Background(), kept, vectors(20, 3), Options{Resume: out}); err == nil || !strings.Contains(err.Error(), "rows are scaled in another way than the run has it") {
		t.Errorf("error %v", err)
	}
}
