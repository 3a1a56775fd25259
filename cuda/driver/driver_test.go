package driver

import (
	"errors"
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
