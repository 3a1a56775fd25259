package aegis

import (
	"fmt"
	"io"

	"aegis/data"
)

// haveWriter refuses a writer that is nil.
func haveWriter(operation string, w io.Writer) error {
	if w == nil {
		return fmt.Errorf("aegis: %s: the writer is nil; want one, such as a file", operation)
	}
	return nil
}

// haveReader refuses a reader that is nil.
func haveReader(operation string, r io.Reader) error {
	if r == nil {
		return fmt.Errorf("aegis: %s: the reader is nil; want one, such as a file", operation)
	}
	return nil
}

// haveRows refuses a reader of rows that is nil.
func haveRows(operation string, rows data.Reader) error {
	if rows == nil {
		return fmt.Errorf("aegis: %s: the reader of rows is nil; want one, such as data.NewReader of a set", operation)
	}
	return nil
}
