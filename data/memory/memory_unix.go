//go:build unix

package memory

import "golang.org/x/sys/unix"

// mapZeros asks the system for size bytes of zeros.
func mapZeros(size int) ([]byte, error) {
	return unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

func unmap(b []byte) error { return unix.Munmap(b) }
