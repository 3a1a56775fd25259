package cpu

import (
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// yield lets another thread run. Where goroutines wait for a processor of the
// Go runtime, which a spinning worker would keep, one of them runs.
func yield(goroutines bool) {
	if goroutines {
		runtime.Gosched()
		return
	}
	_, _, _ = syscall.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) // it cannot fail
}

// threadTime is the processor time of the calling thread, 0 where the system
// does not say.
func threadTime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
