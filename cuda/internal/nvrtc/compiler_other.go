//go:build !(linux && (amd64 || arm64))

package nvrtc

import "fmt"

// Compiler is an opened NVRTC; on this system there is none.
type Compiler struct {
	ptxSize, ptx, cubinSize, cubin uintptr
}

// Open says that this system has no NVRTC.
func Open(path string) (*Compiler, error) {
	return nil, fmt.Errorf("nvrtc: %w: %s is for Linux", ErrNotFound, path)
}

// compile is never reached, since Open gives no Compiler.
func (c *Compiler) compile(s Source, target string, size, get uintptr) ([]byte, string, error) {
	return nil, "", fmt.Errorf("nvrtc: %s: %s: %w", s.Name, target, ErrNotFound)
}
