//go:build !cpu && !cu && !(linux && (amd64 || arm64))

package driver

import "fmt"

// Open says that this system has no CUDA.
func Open() (Driver, error) {
	return nil, fmt.Errorf("cuda: %w on this system", ErrUnavailable)
}

// Search returns nothing: there is no library to look for.
func Search() []Place { return nil }
