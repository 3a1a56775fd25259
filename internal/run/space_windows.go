package run

import (
	"math"

	"golang.org/x/sys/windows"
)

// free returns the bytes and the files that a user may still write below a
// directory: files there are as many as there is room for.
func free(dir string) (bytes, files int64, known bool) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, 0, false
	}
	var mine, total, all uint64
	if err := windows.GetDiskFreeSpaceEx(path, &mine, &total, &all); err != nil {
		return 0, 0, false
	}
	return int64(mine), math.MaxInt64, true
}
