//go:build !unix

package data

import (
	"errors"
	"os"
)

// mapping is a file in the address space: none here.
type mapping struct{ bytes []byte }

// canMap says that files can be mapped here.
const canMap = false

func mapFile(*os.File, int) (mapping, error) { return mapping{}, errors.ErrUnsupported }

func (*mapping) close() error { return nil }

func willNeed([]byte) {}
