package data

import (
	"errors"
	"math"
	"testing"

	"aegis/data/memory"
)

// TestNoMemory asks for more than any machine has: that is an error, where Go's
// allocator or the system would end the process.
func TestNoMemory(t *testing.T) {
	if memory.Total().Bytes == 0 {
		t.Skip("the memory of this system cannot be told")
	}
	var none *memory.Error
	if _, err := (&stream{name: "a"}).buffer(math.MaxInt); !errors.As(err, &none) {
		t.Errorf("error %v, want a *memory.Error", err)
	}
	if b, err := (&stream{name: "a"}).buffer(1 << 21); err != nil || len(b) != 1<<21 {
		t.Errorf("%d bytes, error %v", len(b), err)
	}
}
