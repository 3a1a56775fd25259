package run

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"aegis/internal/atomic"
)

func TestCreate(t *testing.T) {
	cases := []struct {
		name   string
		before func(t *testing.T, root string)
		dir    string // below root
		force  bool
		err    string
		after  []string // names in the directory
		makes  bool     // only Create sees it
	}{
		{name: "new, with parents", dir: "a/b/c", after: []string{lockFile}},
		{
			name: "other files stay", dir: "d", after: []string{lockFile, "notes.txt"},
			before: func(t *testing.T, root string) { put(t, root+"/d/notes.txt", "") },
		},
		{
			name: "a run is refused", dir: "d", after: []string{markFile, lockFile, "metrics.jsonl"},
			err:    "holds a run already (metrics.jsonl); choose another directory",
			before: func(t *testing.T, root string) { put(t, root+"/d/metrics.jsonl", ""); marked(t, root+"/d") },
		},
		{
			name: "a run of 0.1.0 is refused", dir: "d", after: []string{lockFile, "metrics.jsonl", "summary.json"},
			err: "holds a run already (metrics.jsonl)",
			before: func(t *testing.T, root string) {
				put(t, root+"/d/metrics.jsonl", "")
				put(t, root+"/d/summary.json", `{"vm": "cpu", "version": "0.1.0", "pixel_range": [0, 1]}`)
			},
		},
		{
			name: "a user's own file", dir: "d", force: true, after: []string{"config.toml", "main.rs"},
			err:    "has config.toml, which no run wrote",
			before: func(t *testing.T, root string) { put(t, root+"/d/config.toml", "x=1"); put(t, root+"/d/main.rs", "") },
		},
		{
			name: "a changed configuration", dir: "d", force: true, after: []string{markFile, "config.toml"},
			err: "has config.toml, which no run wrote, or which changed since",
			before: func(t *testing.T, root string) {
				put(t, root+"/d/config.toml", "x=1")
				marked(t, root+"/d")
				put(t, root+"/d/config.toml", "x=2")
			},
		},
		{
			name: "what killed runs left", dir: "d", after: []string{markFile, lockFile, ".notes.12345678.tmp"},
			before: func(t *testing.T, root string) {
				put(t, root+"/d/.aegis", "{}")
				put(t, root+"/d/.model.safetensors.0123abcd.tmp", "half")
				put(t, root+"/d/.notes.12345678.tmp", "not ours")
				if err := os.MkdirAll(root+"/d/"+newDir, 0o777); err != nil {
					t.Fatal(err)
				}
				put(t, root+"/d/"+newDir+"/config.toml", "new")
			},
		},
		{
			name: "what a run was killed in putting in place", dir: "d", makes: true, err: "holds a run already (config.toml)",
			after: []string{markFile, lockFile, "config.toml", "model.safetensors"},
			before: func(t *testing.T, root string) {
				put(t, root+"/d/model.safetensors", "old")
				put(t, root+"/d/loss.png", "old")
				if err := os.MkdirAll(root+"/d/"+readyDir, 0o777); err != nil {
					t.Fatal(err)
				}
				put(t, root+"/d/"+readyDir+"/model.safetensors", "new")
				put(t, root+"/d/"+readyDir+"/config.toml", "new")
				marked(t, root+"/d", root+"/d/"+readyDir)
			},
		},
		{
			name: "force without a run", dir: "d", force: true, after: []string{lockFile, "notes.txt"},
			before: func(t *testing.T, root string) { put(t, root+"/d/notes.txt", "") },
		},
		{
			name: "a file", dir: "d/f", err: "is a file, want a directory; choose another one",
			before: func(t *testing.T, root string) { put(t, root+"/d/f", "") },
		},
		{
			name: "below a file", dir: "d/f/g", err: "takes no files",
			before: func(t *testing.T, root string) { put(t, root+"/d/f", "") },
		},
		{
			name: "a directory where a file goes", dir: "d", force: true, after: []string{"config.toml", "loss.png"},
			err: "loss.png is a directory",
			before: func(t *testing.T, root string) {
				put(t, root+"/d/config.toml", "")
				if err := os.Mkdir(root+"/d/loss.png", 0o777); err != nil {
					t.Fatal(err)
				}
			},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			if c.before != nil {
				if err := os.Mkdir(filepath.Join(root, "d"), 0o777); err != nil {
					t.Fatal(err)
				}
				c.before(t, root)
			}
			dir := filepath.Join(root, filepath.FromSlash(c.dir))
			if !c.makes { // Check says the same and leaves all as it is
				before := below(t, root)
				wantError(t, Check(dir, c.force), c.err)
				if got := below(t, root); !slices.Equal(got, before) {
					t.Errorf("files %v after Check, want %v", got, before)
				}
			}
			d, err := Create(dir, c.force)
			wantError(t, err, c.err)
			if err == nil {
				if got, want := d.Path(ModelFile), filepath.Join(dir, "model.safetensors"); got != want {
					t.Errorf("Path = %s, want %s", got, want)
				}
			}
			if info, err := os.Stat(dir); err == nil && info.IsDir() {
				if got := list(t, dir); !slices.Equal(got, c.after) {
					t.Errorf("files %v, want %v", got, c.after)
				}
				if err == nil && d != nil {
					if err := d.Close(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
}

func TestCreateWithoutAName(t *testing.T) {
	_, err := Create("", false)
	wantError(t, err, "no output directory")
}

func TestCreateWhereNothingCanBeWritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o777) })
	if f, err := atomic.CreateTemp(filepath.Join(dir, "x")); err == nil {
		_ = f.Close()
		_ = os.Remove(f.Name())
		t.Skip("this user writes in a directory of mode 0555 (root, or Windows)")
	}
	_, err := Create(dir, false)
	wantError(t, err, "takes no files")
}

// TestOneRunAtATime refuses a second run into a directory as long as the first
// one lives, also by force.
func TestOneRunAtATime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	first, err := Create(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, force := range []bool{false, true} {
		_, err := Create(dir, force)
		wantError(t, err, "another run is writing to "+dir)
		wantError(t, Check(dir, force), "another run is writing to "+dir)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Create(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

// TestCheckIsInNobodysWay has a directory checked again and again while runs
// come and go.
func TestCheckIsInNobodysWay(t *testing.T) {
	dir, done := t.TempDir(), make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				_ = Check(dir, false)
			}
		}
	})
	for range 100 {
		d, err := Create(dir, false)
		if err != nil {
			t.Error(err)
			break
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	close(done)
	asking.Wait()
}

// TestCreateNew makes directories side by side.
func TestCreateNew(t *testing.T) {
	base := filepath.Join(t.TempDir(), "runs", "fc12")
	for _, want := range []string{base, base + "-2", base + "-3"} {
		d, err := CreateNew(base)
		if err != nil {
			t.Fatal(err)
		}
		if d.Out() != want {
			t.Errorf("directory %s, want %s", d.Out(), want)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestReplace puts a run in the place of an earlier one, which stays whole
// until then, and stays where the run has nothing.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	fill := func(text string, names ...string) *Dir {
		d, err := Create(dir, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.WriteConfig([]Setting{{"run", text}}); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			fillFile(t, d, name, text)
		}
		return d
	}
	end := func(d *Dir, commit bool) {
		t.Helper()
		if commit {
			if err := d.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	end(fill("first", ModelFile, LastFile, LossFile), true)
	end(fill("one that was given up", ModelFile), false)
	put(t, filepath.Join(dir, "notes.txt"), "mine")
	for _, c := range []struct {
		commit bool
		want   string
		names  []string
	}{
		{want: "first", names: []string{markFile, lockFile, ConfigFile, LastFile, LossFile, ModelFile, "notes.txt"}},
		{commit: true, want: "second", names: []string{markFile, lockFile, ConfigFile, ModelFile, "notes.txt"}},
	} {
		d := fill("second", ModelFile)
		if got := get(t, filepath.Join(dir, ModelFile)); got != "first" || !d.Replacing() {
			t.Errorf("while the second run has not committed: model %q", got)
		}
		end(d, c.commit)
		if got := get(t, filepath.Join(dir, ModelFile)); got != c.want {
			t.Errorf("commit %v: model %q, want %q", c.commit, got, c.want)
		}
		if got := get(t, filepath.Join(dir, ConfigFile)); !strings.Contains(got, c.want) {
			t.Errorf("commit %v: configuration %q", c.commit, got)
		}
		if got := list(t, dir); !slices.Equal(got, c.names) {
			t.Errorf("commit %v: files %v, want %v", c.commit, got, c.names)
		}
	}
}

var errKilled = errors.New("killed")

// TestKilledWhileReplacing ends move behind each of its steps: what there is is
// of one run, and the next run puts the rest in place.
func TestKilledWhileReplacing(t *testing.T) {
	steps := 0
	for at := 0; at <= steps; at++ {
		dir := t.TempDir()
		d := &Dir{out: dir, path: dir}
		for _, name := range FileNames() {
			put(t, d.Path(name), "old")
		}
		ready := filepath.Join(dir, readyDir)
		if err := os.Mkdir(ready, 0o777); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{ModelFile, ConfigFile, LastFile} {
			put(t, filepath.Join(ready, name), "new")
		}
		marked(t, dir, ready)
		done := 0
		err := d.moveBy(func(step func() error) error {
			if done++; done > at {
				return errKilled
			}
			return step()
		})
		steps = max(steps, done)
		if killed := errors.Is(err, errKilled); killed != (at < done) || err != nil && !killed {
			t.Fatalf("after %d steps of %d: %v", at, done, err)
		}
		ofOneRun(t, dir, get(t, d.Path(ModelFile)))
		if !HasCheckpoint(dir) || get(t, Now(dir, ConfigFile)) != "new" {
			t.Errorf("after %d steps the run is not found", at)
		}
		again, err := Create(dir, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		ofOneRun(t, dir, "new")
		if got, want := list(t, dir), []string{markFile, lockFile, ConfigFile, LastFile, ModelFile}; !slices.Equal(got, want) {
			t.Errorf("after %d steps and the next run: files %v, want %v", at, got, want)
		}
	}
	if steps <= len(FileNames()) {
		t.Errorf("%d steps, want more than one a file", steps)
	}
}

// ofOneRun checks that every file of a run in dir holds text.
func ofOneRun(t *testing.T, dir, text string) {
	t.Helper()
	for _, name := range FileNames() {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err == nil && string(b) != text {
			t.Errorf("%s is %q, want %q", name, b, text)
		}
	}
}

// TestCheckSpace asks about directories that are there and that are not, and
// makes none.
func TestCheckSpace(t *testing.T) {
	there := t.TempDir()
	if _, _, known := free(there); !known {
		t.Skip("the file system does not say what is free")
	}
	for _, dir := range []string{there, filepath.Join(there, "a"), filepath.Join(there, "a", "b")} {
		if err := CheckSpace(dir, 1, 1); err != nil {
			t.Error(err)
		}
		wantError(t, CheckSpace(dir, 1<<60, 1<<60), "MiB for the checkpoints")
	}
	if found, err := os.ReadDir(there); err != nil || len(found) > 0 {
		t.Errorf("it made %v (%v)", found, err)
	}
	t.Chdir(there)
	wantError(t, CheckSpace("a", 1<<60, 1<<60), "MiB for the checkpoints")
}

// TestReopen goes on in a run's directory: its files stay, what a killed run left
// goes, and the metrics are cut back.
func TestReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	d, err := Create(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if err := d.AppendMetrics(map[string]int{"epoch": i + 1}); err != nil {
			t.Fatal(err)
		}
	}
	fillFile(t, d, LastFile, "state")
	if _, err := Reopen(dir); err == nil || !strings.Contains(err.Error(), "another run is writing") {
		t.Errorf("a run that lives: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "."+ModelFile+".12345678.tmp"), "half")
	metrics := filepath.Join(dir, MetricsFile)
	put(t, metrics, get(t, metrics)+`{"epo`)
	if d, err = Reopen(dir); err != nil {
		t.Fatal(err)
	}
	if want := []string{markFile, lockFile, LastFile, MetricsFile}; !slices.Equal(list(t, dir), want) {
		t.Errorf("files %v, want %v", list(t, dir), want)
	}
	for _, c := range []struct {
		lines int
		want  string
	}{{4, "{\"epoch\":1}\n{\"epoch\":2}\n{\"epoch\":3}\n{\"epoch\":4}\n{\"epo"}, {2, "{\"epoch\":1}\n{\"epoch\":2}\n"}, {0, ""}} {
		if err := d.CutMetrics(c.lines); err != nil || get(t, metrics) != c.want {
			t.Errorf("cut to %d lines: %q (%v), want %q", c.lines, get(t, metrics), err, c.want)
		}
	}
	if err := errors.Join(d.AppendMetrics(map[string]int{"epoch": 9}), d.SyncMetrics(), d.Close()); err != nil {
		t.Error(err)
	}
	if err := Check(dir, true); err != nil {
		t.Errorf("the run is another's: %v", err)
	}
	if !HasCheckpoint(dir) || HasCheckpoint(t.TempDir()) {
		t.Error("a checkpoint that is there, or is not")
	}
}

// TestMetricsGrowBesideFiles adds lines from another goroutine while files are
// written and put in an earlier run's place: none is lost.
func TestMetricsGrowBesideFiles(t *testing.T) {
	const lines = 60
	for range 5 {
		dir := filepath.Join(t.TempDir(), "run")
		if err := runInto(t, dir, true).Close(); err != nil {
			t.Fatal(err)
		}
		d, err := Create(dir, true)
		if err != nil {
			t.Fatal(err)
		}
		var wrote error
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range 6 {
				wrote = errors.Join(wrote, d.WriteTensors(ModelFile, nil, nil), d.WriteTensors(LastFile, nil, nil))
				if i == 2 {
					wrote = errors.Join(wrote, d.Commit())
				}
			}
		}()
		for i := range lines {
			if err := d.AppendMetrics(i); err != nil {
				t.Fatal(err)
			}
		}
		<-done
		if err := errors.Join(wrote, d.Close()); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(get(t, filepath.Join(dir, MetricsFile)), "\n"); n != lines {
			t.Errorf("%d lines, want %d", n, lines)
		}
	}
}
