//go:build cpu

package driver

import "fmt"

// Open says that the binary was built without CUDA.
func Open() (Driver, error) {
	return nil, fmt.Errorf("cuda: %w: this binary was built without it (-tags cpu)", ErrUnavailable)
}

// Search returns nothing: there is no library to look for.
func Search() []Place { return nil }
