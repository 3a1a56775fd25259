//go:build !linux

package cpu

import (
	"runtime"
	"time"
)

// yield lets another goroutine run.
func yield(bool) { runtime.Gosched() }

// threadTime is the processor time of the calling thread; 0: the system is not
// asked, and the number of workers does not change.
func threadTime() time.Duration { return 0 }
