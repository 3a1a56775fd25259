//go:build cpu

package gorgoniavm_test

import (
	"errors"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"aegis/cuda/driver"
	"aegis/cuda/gorgoniavm"
)

var _ gorgonia.VM = (*gorgoniavm.VM)(nil)

func TestNone(t *testing.T) {
	_, err := gorgoniavm.New(nil, gorgoniavm.Options{})
	if !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), "-tags cpu") {
		t.Errorf("error %v, want that CUDA was left out", err)
	}
}
