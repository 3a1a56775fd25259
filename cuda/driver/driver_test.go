package driver

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestOpen holds on every system and build: Open gives a driver or says that
// there is none.
func TestOpen(t *testing.T) {
	d, err := Open()
	switch {
	case err == nil:
		if n, err := d.DeviceCount(); err != nil {
			t.Errorf("got %d devices, %v", n, err)
		}
	case !errors.Is(err, ErrUnavailable):
		t.Errorf("want ErrUnavailable, got %v", err)
	}
}

func TestErrorTexts(t *testing.T) {
	err := error(NewError("cuMemAlloc", OutOfMemory, nil))
	if want := "cuda: cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (out of memory)"; err.Error() != want {
		t.Errorf("want %q, got %q", want, err)
	}
	if !errors.Is(err, OutOfMemory) || errors.Is(err, InvalidValue) {
		t.Errorf("errors.Is does not tell results apart: %v", err)
	}
	detail := errors.New("more")
	err = NewError("cuLaunchKernel", 12345, detail)
	if want := "cuda: cuLaunchKernel: CUresult 12345 (unknown to this program): more"; err.Error() != want || !errors.Is(err, detail) {
		t.Errorf("want %q, got %q", want, err)
	}
}

func TestKernelVersion(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"module": "555.58.02\n",
		"proc":   "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.14  Release Build  (dvs-builder@U16-I3-B03)\nGCC version:  gcc version 12.2.0\n",
		"other":  "no version of ours 1.2\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		files []string
		want  string
	}{
		{files: []string{"module"}, want: "555.58.02"},
		{files: []string{"nosuch", "other", "proc"}, want: "550.54.14"},
		{files: []string{"nosuch"}},
	} {
		var paths []string
		for _, f := range tt.files {
			paths = append(paths, filepath.Join(dir, f))
		}
		if got := kernelVersion(paths); got != tt.want {
			t.Errorf("%v: want %q, got %q", tt.files, tt.want, got)
		}
	}
}
