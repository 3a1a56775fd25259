package memory

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// spaceLimit returns the limit of the address space, 0 where there is none.
func spaceLimit() uint64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_AS, &limit); err != nil || limit.Cur == unix.RLIM_INFINITY {
		return 0
	}
	return limit.Cur
}

// used returns the memory and the address space that this process holds. Pages
// of files are not counted: the system takes them back where it needs them.
func used() (held, space uint64) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, 0
	}
	return statm(string(text), uint64(os.Getpagesize()))
}

// statm reads /proc/self/statm: the address space, what of it is in memory, and
// what of that is files, in pages.
func statm(text string, page uint64) (held, space uint64) {
	var files uint64
	if _, err := fmt.Sscan(text, &space, &held, &files); err != nil || files > held {
		return 0, 0
	}
	return (held - files) * page, space * page
}
