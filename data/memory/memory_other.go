//go:build !unix

package memory

// mapZeros returns size bytes of zeros from Go's allocator.
func mapZeros(size int) ([]byte, error) { return make([]byte, size), nil }

func unmap([]byte) error { return nil }
