//go:build !linux

package memory

import "runtime"

// spaceLimit returns 0: no limit is known.
func spaceLimit() uint64 { return 0 }

// used returns what Go has from the system.
func used() (held, space uint64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys, m.Sys
}
