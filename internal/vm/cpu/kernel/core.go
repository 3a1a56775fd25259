//go:build !amd64

package kernel

// FlushDenormals does nothing here; see the one of amd64.
func FlushDenormals() (restore func()) { return func() {} }

// Prefetch does nothing here; see the one of amd64.
func Prefetch([]byte) {}
