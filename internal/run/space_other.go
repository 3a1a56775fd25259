//go:build !linux && !darwin && !windows

package run

// free does not know.
func free(string) (int64, bool) { return 0, false }
