package run

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFolder: a folder is one process's at a time, and goes with its lock where
// nothing came into it that was made for that.
func TestFolder(t *testing.T) {
	root := t.TempDir()
	for name, c := range map[string]struct {
		there bool   // before
		comes string // into it, while it is locked: a folder
		stays bool
	}{
		"made for nothing": {},
		"there before":     {there: true, stays: true},
		"made for a run":   {comes: "seed-1", stays: true},
	} {
		dir := filepath.Join(root, "above", strings.ReplaceAll(name, " ", "-"))
		if c.there {
			if err := os.MkdirAll(dir, 0o777); err != nil {
				t.Fatal(err)
			}
		}
		f, err := MakeFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := MakeFolder(dir); err == nil || !strings.Contains(err.Error(), "another run is writing to") {
			t.Errorf("%s: a second process: %v", name, err)
		}
		if _, err := Create(dir, true); err == nil {
			t.Errorf("%s: a run was let in", name)
		}
		if err := os.MkdirAll(filepath.Join(dir, c.comes), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(dir); (err == nil) != c.stays {
			t.Errorf("%s: %v; want it to stay: %v", name, err, c.stays)
		}
	}
	put(t, filepath.Join(root, "file"), "")
	if _, err := MakeFolder(filepath.Join(root, "file")); err == nil || !strings.Contains(err.Error(), "is a file, want a directory") {
		t.Errorf("a file: %v", err)
	}
}

// TestNewFolder: a name that is there is not taken.
func TestNewFolder(t *testing.T) {
	base := filepath.Join(t.TempDir(), "runs", "a")
	for _, want := range []string{base, base + "-2", base + "-3"} {
		f, err := MakeNewFolder(base)
		if err != nil || f.Path() != want {
			t.Fatalf("%v, %v; want %s", f, err, want)
		}
		defer func() { _ = f.Close() }()
	}
}

// TestFolderFiles: files and links are replaced, as long as the folder is this
// process's.
func TestFolderFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs")
	f, err := MakeFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for _, text := range []string{"one", "two"} {
		err := f.WriteFile("table", func(w io.Writer) error { _, err := io.WriteString(w, text); return err })
		if got, _ := os.ReadFile(filepath.Join(dir, "table")); err != nil || string(got) != text {
			t.Errorf("%s (%v), want %s", got, err, text)
		}
		if err := os.Symlink("x", filepath.Join(t.TempDir(), "link")); err != nil {
			continue // there are none here
		}
		err = f.Link("best", text)
		if got, _ := os.Readlink(filepath.Join(dir, "best")); err != nil || got != text {
			t.Errorf("a link to %s (%v), want %s", got, err, text)
		}
	}
	for range 2 {
		if err := f.Unlink("best"); err != nil {
			t.Error(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("%v (%v); want the lock and the table", entries, err)
	}
	if err := os.Remove(filepath.Join(dir, lockFile)); err != nil {
		t.Skip("a lock that is held cannot be removed here")
	}
	err = f.WriteFile("table", func(io.Writer) error { t.Error("written in a folder that is lost"); return nil })
	if !errors.Is(err, ErrLost) || !errors.Is(f.Link("best", "x"), ErrLost) || !errors.Is(f.Unlink("table"), ErrLost) {
		t.Errorf("a folder that is lost: %v", err)
	}
}
