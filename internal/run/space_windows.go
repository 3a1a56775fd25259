package run

import "golang.org/x/sys/windows"

// free returns the bytes that a user may still write below a directory.
func free(dir string) (int64, bool) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false
	}
	var mine, total, all uint64
	if err := windows.GetDiskFreeSpaceEx(path, &mine, &total, &all); err != nil {
		return 0, false
	}
	return int64(mine), true
}
