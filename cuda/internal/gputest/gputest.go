// Package gputest is for tests that run on a GPU where they are asked to, and
// else on the simulator.
package gputest

import (
	"os"
	"runtime"
	"sync"
	"testing"

	"aegis/cuda/driver"
)

// Wanted says whether tests are to run on GPU 0, as scripts/gpu-check.sh wants
// them: whether AEGIS_TEST_GPU is set.
func Wanted() bool { return os.Getenv("AEGIS_TEST_GPU") != "" }

// Open returns the driver of this machine. From then on the process holds the
// primary context of GPU 0 itself, so that it is not made anew for each test.
func Open(t testing.TB) driver.Driver {
	t.Helper()
	return process.open(t)
}

// process is the keeper of this process.
var process = keeper{connect: driver.Open}

// keeper holds one more reference to GPU 0's context than the tests do. A
// fault stays in a context for as long as that lives: after a test that failed
// the keeper lets go, and the next test gets a new one.
type keeper struct {
	connect func() (driver.Driver, error)

	mu     sync.Mutex
	system driver.Driver
	held   driver.Context
}

func (k *keeper) open(t testing.TB) driver.Driver {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	var err error
	if k.system == nil {
		if k.system, err = k.connect(); err != nil {
			t.Fatalf("these tests want a GPU: %v", err)
		}
	}
	if k.held == nil {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if k.held, err = k.system.Context(0); err != nil {
			k.held = nil
			t.Fatal(err)
		}
	}
	if dev, err := k.system.Device(0); err != nil {
		t.Error(err)
	} else {
		t.Logf("on %s", dev.Name)
	}
	t.Cleanup(func() {
		if t.Failed() {
			k.drop(t)
		}
	})
	return k.system
}

// drop lets go of the context.
func (k *keeper) drop(t testing.TB) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held == nil {
		return
	}
	if err := k.held.Close(); err != nil {
		t.Logf("close after a failed test: %v", err)
	}
	k.held = nil
}
