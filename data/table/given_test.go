package table

import (
	"context"
	"strings"
	"testing"
)

// TestNilReaders: what takes one answers an error where it is nil.
func TestNilReaders(t *testing.T) {
	only := func(_ any, err error) error { return err }
	for name, err := range map[string]error{
		"Read":             only(Read(context.Background(), nil, "a.csv", Options{})),
		"NewReader":        only(NewReader(context.Background(), nil, "a.csv", Options{})),
		"NewParquetReader": only(NewParquetReader(context.Background(), nil, 10, "a.parquet", Options{})),
	} {
		if err == nil || !strings.Contains(err.Error(), "a.") || !strings.Contains(err.Error(), "is nil; want one") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
