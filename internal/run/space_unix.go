//go:build linux || darwin

package run

import (
	"math"

	"golang.org/x/sys/unix"
)

// free returns the bytes and the files that a user may still write below a
// directory.
func free(dir string) (bytes, files int64, known bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil || s.Blocks == 0 {
		return 0, 0, false // some file systems of networks do not say
	}
	files = math.MaxInt64 // where there is no table of files
	if s.Files > 0 {
		files = int64(min(s.Ffree, math.MaxInt64))
	}
	return int64(s.Bavail) * int64(s.Bsize), files, true
}
