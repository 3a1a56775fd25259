package run

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"

	"aegis/model/program"
)

// TestLost takes a directory from under a run that lives: nothing that it does
// then touches what is there.
func TestLost(t *testing.T) {
	openFilesStay(t)
	takes := map[string]func(t *testing.T, dir string){
		"removed": func(t *testing.T, dir string) {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		},
		"another run has a new one": func(t *testing.T, dir string) {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			another(t, dir)
		},
		"another run has it": func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, lockFile)); err != nil {
				t.Fatal(err)
			}
			another(t, dir)
		},
	}
	writes := map[string]func(d *Dir) error{
		"config":  func(d *Dir) error { return d.WriteConfig([]Setting{{"x", 1}}) },
		"metrics": func(d *Dir) error { return d.AppendMetrics(1) },
		"summary": func(d *Dir) error { return d.WriteSummary(1) },
		"tensors": func(d *Dir) error { return d.WriteTensors(ModelFile, map[string]program.Tensor{}, nil) },
		"commit":  (*Dir).Commit,
	}
	for take, by := range takes {
		for write, do := range writes {
			for _, replacing := range []bool{false, true} {
				if write == "commit" && !replacing {
					continue
				}
				dir := filepath.Join(t.TempDir(), "d")
				d, err := Create(dir, false)
				if err != nil {
					t.Fatal(err)
				}
				fillFile(t, d, ModelFile, "first")
				if replacing {
					if err := d.Close(); err != nil {
						t.Fatal(err)
					}
					d = runInto(t, dir, false)
				}
				by(t, dir)
				before := contents(t, dir)
				if err := do(d); !errors.Is(err, ErrLost) {
					t.Errorf("%s, %s: %v, want that the directory is lost", take, write, err)
				}
				if err := d.Close(); err != nil {
					t.Errorf("%s, %s: %v", take, write, err)
				}
				if after := contents(t, dir); !reflect.DeepEqual(after, before) {
					t.Errorf("%s, %s: %v, want %v", take, write, after, before)
				}
			}
		}
	}
}

func openFilesStay(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows removes no file that is open")
	}
}

// another begins a run that goes on to the end of the test.
func another(t *testing.T, dir string) {
	t.Helper()
	d, err := Create(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.WriteConfig([]Setting{{"another", "run"}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

// contents are the texts of all files below a directory, nil where it is not
// there.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	if _, err := os.Stat(dir); err != nil {
		return nil
	}
	all := make(map[string]string)
	for _, path := range below(t, dir) {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			all[path] = get(t, path)
		}
	}
	return all
}

// TestLostWhileWriting has another run take a directory while a file is written:
// it does not come to its place.
func TestLostWhileWriting(t *testing.T) {
	openFilesStay(t)
	dir := t.TempDir()
	d, err := Create(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	var before map[string]string
	err = d.WriteFile(ModelFile, func(w io.Writer) error {
		if err := os.Remove(filepath.Join(dir, lockFile)); err != nil {
			return err
		}
		another(t, dir)
		before = contents(t, dir)
		_, err := io.WriteString(w, "of the first")
		return err
	})
	if !errors.Is(err, ErrLost) {
		t.Errorf("error %v, want that the directory is lost", err)
	}
	for path := range before {
		if temporary.MatchString(filepath.Base(path)) {
			delete(before, path) // the first run's own
		}
	}
	if after := contents(t, dir); !reflect.DeepEqual(after, before) {
		t.Errorf("%v, want %v", after, before)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
