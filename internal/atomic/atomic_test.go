package atomic

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestWriteFile(t *testing.T) {
	failed := errors.New("disk on fire")
	cases := []struct {
		name  string
		old   string // content before; empty: no file
		write func(io.Writer) error
		want  string // content after; empty: no file
		err   error
	}{
		{
			name: "new", want: "new",
			write: func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err },
		},
		{
			name: "replaced", old: "older and longer", want: "new",
			write: func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err },
		},
		{
			name: "fails after more than a buffer", old: "old", want: "old", err: failed,
			write: func(w io.Writer) error {
				_, err := w.Write(make([]byte, 1<<18))
				return errors.Join(err, failed)
			},
		},
		{name: "fails with nothing there", err: failed, write: func(io.Writer) error { return failed }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "f.json")
			if c.old != "" {
				put(t, path, c.old)
			}
			if err := WriteFile(path, c.write); !errors.Is(err, c.err) {
				t.Fatalf("WriteFile() = %v, want %v", err, c.err)
			}
			var names []string
			if c.want != "" {
				names = []string{"f.json"}
				if got := get(t, path); got != c.want {
					t.Errorf("content %q, want %q", got, c.want)
				}
			}
			if got := list(t, dir); !slices.Equal(got, names) {
				t.Errorf("files %v, want %v", got, names)
			}
		})
	}
}

func TestWriteFileRemovesItsFileWhenTheRenameFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(path, "inside"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, func(io.Writer) error { return nil }); err == nil {
		t.Error("WriteFile over a directory gave no error")
	}
	if got := list(t, dir); !slices.Equal(got, []string{"taken"}) {
		t.Errorf("files %v, want only the directory", got)
	}
}

func TestWriteFileRemovesItsFileOnPanic(t *testing.T) {
	dir := t.TempDir()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = WriteFile(filepath.Join(dir, "f"), func(io.Writer) error { panic("bug") })
	}()
	if got := list(t, dir); len(got) != 0 {
		t.Errorf("files %v, want none", got)
	}
}
