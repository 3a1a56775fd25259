//go:build unix

package atomic

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func hello(w io.Writer) error {
	_, err := io.WriteString(w, "hello")
	return err
}

// TestWriteFileKeeps links, modes, devices and pipes.
func TestWriteFileKeeps(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, at("real"), "old")
	if err := errors.Join(os.Chmod(at("real"), 0o600), os.Symlink("real", at("link")), os.Symlink("none", at("dangling")), os.Symlink("loop", at("loop")), syscall.Mkfifo(at("fifo"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link", "dangling"} {
		if err := WriteFile(at(name), hello); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(at(name)); err != nil || info.Mode().Type() != os.ModeSymlink || get(t, at(name)) != "hello" {
			t.Errorf("%s became %v, error %v", name, info, err)
		}
	}
	if info, err := os.Stat(at("real")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, error %v", info, err)
	}
	read := make(chan string)
	go func() {
		text, _ := os.ReadFile(at("fifo"))
		read <- string(text)
	}()
	if err := WriteFile(at("fifo"), hello); err != nil {
		t.Fatal(err)
	}
	if got := <-read; got != "hello" {
		t.Errorf("the pipe gave %q", got)
	}
	if err := WriteFile(os.DevNull, hello); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Fatalf("%s became a file: %v, error %v", os.DevNull, info, err)
	}
	if err := WriteFile(at("loop"), hello); err == nil {
		t.Error("a link to itself was written to")
	}
	if err := WriteFile(dir, hello); err == nil {
		t.Error("a directory was written to")
	}
}
