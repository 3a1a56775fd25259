//go:build cpu

package cuda_test

import (
	"errors"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"aegis/cuda"
	"aegis/cuda/driver"
	"aegis/internal/vm"
)

var (
	_ vm.Trainer  = (*cuda.Machine)(nil)
	_ vm.Runner   = (*cuda.Runner)(nil)
	_ gorgonia.VM = (*cuda.VM)(nil)
)

func TestNone(t *testing.T) {
	_, open := cuda.Open(nil, 1, cuda.Options{})
	_, probe := cuda.Probe(cuda.Options{})
	_, devices := cuda.Devices(cuda.Options{})
	_, vm := cuda.NewVM(nil, cuda.Options{})
	_, runner := cuda.OpenRunner(nil, 1, nil, cuda.Options{})
	for name, err := range map[string]error{"vm": vm, "open": open, "runner": runner, "probe": probe, "devices": devices} {
		if !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), "-tags cpu") {
			t.Errorf("%s: error %v, want that CUDA was left out", name, err)
		}
	}
}
