//go:build linux || darwin

package run

import "golang.org/x/sys/unix"

// free returns the bytes that a user may still write below a directory.
func free(dir string) (int64, bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil || s.Blocks == 0 {
		return 0, false // some file systems of networks do not say
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}
