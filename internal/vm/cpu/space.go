package cpu

import "unsafe"

// space returns memory of a worker, grown where it is too small: in the first
// step, never after it.
func (w *worker) space(s *[]float32, n int) []float32 {
	if len(*s) < n {
		*s = aligned(n)
	}
	return (*s)[:n]
}

// aligned returns zeros of Go's allocator on a boundary of 64 bytes, with room to the next one.
func aligned(n int) []float32 {
	const line = 16
	raw := make([]float32, n+2*line)
	skip := 0
	if rest := uintptr(unsafe.Pointer(unsafe.SliceData(raw))) % (4 * line); rest != 0 {
		skip = int(4*line-rest) / 4
	}
	return raw[skip : skip+n : skip+n]
}
