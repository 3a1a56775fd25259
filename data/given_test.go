package data

import (
	"strings"
	"testing"
)

// TestNilReadersAndWriters: what takes one answers an error where it is nil.
func TestNilReadersAndWriters(t *testing.T) {
	only := func(_ any, err error) error { return err }
	_, _, readAll := ReadAll(nil)
	for name, err := range map[string]error{
		"ReadNPY":      only(ReadNPY(nil, "a")),
		"ReadArray":    only(ReadArray(nil, "a")),
		"NewNPYReader": only(NewNPYReader(nil, "a")),
		"HeaderNPY":    only(HeaderNPY(nil, 10, "a")),
		"ReadNPZ":      only(ReadNPZ(nil, 10, "a", nil)),
		"NewNPZReader": only(NewNPZReader(nil, 10, "a", "", nil)),
		"HeadersNPZ":   only(HeadersNPZ(nil, 10, "a")),
		"ReadImages":   only(ReadImages(nil, "a")),
		"ReadLabels":   only(ReadLabels(nil, "a")),
		"WriteImages":  WriteImages(nil, Rows{N: 1, Shape: Shape{C: 1, H: 1, W: 1}, Bytes: []byte{1}}),
		"WriteLabels":  WriteLabels(nil, []byte{1}),
		"ReadAll":      readAll,
	} {
		if err == nil || !strings.Contains(err.Error(), "is nil; want one") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
