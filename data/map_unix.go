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

// scattered tells the system that rows of a mapped file are read from anywhere:
// what it would read around each of them, which can be megabytes, throws out of
// memory what is needed next.
func scattered(rows []byte) {
	if whole := pages(rows); len(whole) > 0 {
		_ = unix.Madvise(whole, unix.MADV_RANDOM)
	}
}

// willNeed has the system read a piece of a mapped file ahead, in parts that it
// takes as one. It is advice: where it is not taken, a page is read when it is
// used.
func willNeed(piece []byte) {
	for whole := pages(piece); len(whole) > 0; whole = whole[min(blockBytes, len(whole)):] {
		_ = unix.Madvise(whole[:min(blockBytes, len(whole))], unix.MADV_WILLNEED)
	}
}

// pages leaves out what is before the first whole page: advice is about pages.
func pages(piece []byte) []byte {
	page := uintptr(os.Getpagesize())
	start := uintptr(unsafe.Pointer(unsafe.SliceData(piece)))
	return piece[min(int((page-start%page)%page), len(piece)):]
}
