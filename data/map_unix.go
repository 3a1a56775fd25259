//go:build unix

package data

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapping is a file in the address space, none where bytes is nil.
type mapping struct{ bytes []byte }

// canMap says that files can be mapped here.
const canMap = true

// mapFile maps the first size bytes of a file, for reading.
func mapFile(f *os.File, size int) (mapping, error) {
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	return mapping{b}, err
}

func (m *mapping) close() error {
	b := m.bytes
	m.bytes = nil
	if b == nil {
		return nil
	}
	return unix.Munmap(b)
}

// willNeed has the system read a piece of a mapped file ahead. It is advice:
// where it is not taken, the piece is read when it is used.
func willNeed(piece []byte) {
	page := uintptr(os.Getpagesize())
	start := uintptr(unsafe.Pointer(unsafe.SliceData(piece)))
	skip := int((page - start%page) % page) // advice is about whole pages
	if skip < len(piece) {
		_ = unix.Madvise(piece[skip:], unix.MADV_WILLNEED)
	}
}
