//go:build unix

package data

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mappedNPY writes an array of bytes and maps it for a source.
func mappedNPY(t *testing.T, s *Source, name string, rows Rows) (string, Rows) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	shape := fmt.Sprintf("(%d, %d, %d, %d)", rows.N, rows.C, rows.H, rows.W)
	if err := os.WriteFile(path, npyFile(1, dict("|u1", shape), rows.Bytes), 0o600); err != nil {
		t.Fatal(err)
	}
	mapped, err := s.MapNPY(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, mapped
}

// Sets of a source lie in files of their own: each that is cut short is an error
// of that source, however many there are, and a fault of other memory is none.
func TestGuardSeveral(t *testing.T) {
	const rows = 8 // of a page and more
	s := &Source{Name: "several"}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	large := counting(rows, 64, 128)
	_, s.Train.Rows = mappedNPY(t, s, "train.npy", large)
	path, test := mappedNPY(t, s, "test.npy", large)
	s.Test.Rows = test
	sum := func(r Rows) func() error {
		return func() error {
			total := 0
			for i := range r.N {
				for _, v := range r.ByteRow(i) {
					total += int(v)
				}
			}
			if total == 0 {
				return errors.New("no values")
			}
			return nil
		}
	}
	for name, r := range map[string]Rows{"train": s.Train.Rows, "test": s.Test.Rows} {
		if err := s.Guard(sum(r)); err != nil || r.N != rows || r.Shape != large.Shape {
			t.Errorf("%s: %d rows of %v, %v", name, r.N, r.Shape, err)
		}
	}
	if err := os.Truncate(path, 8192); err != nil {
		t.Fatal(err)
	}
	if err := s.Guard(sum(s.Train.Rows)); err != nil {
		t.Errorf("the file that is whole: %v", err)
	}
	if err := s.Guard(sum(s.Test.Rows)); !errors.Is(err, ErrCutShort) || !strings.HasPrefix(err.Error(), "data: several: ") {
		t.Errorf("the file that was cut short: %v", err)
	}
	other := &Source{Name: "other", Train: s.Train}
	caught := func() (caught any) {
		defer func() { caught = recover() }()
		_ = other.Guard(sum(s.Test.Rows))
		return nil
	}()
	if caught == nil {
		t.Error("a source takes the fault of rows that it has not for its own")
	}
}

// What is no array of rows as they lie in a file is an error.
func TestMapNPYWrong(t *testing.T) {
	var s Source
	dir := t.TempDir()
	path := filepath.Join(dir, "text.npy")
	if err := os.WriteFile(path, []byte("some text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, filepath.Join(dir, "none.npy")} {
		if rows, err := s.MapNPY(path); err == nil || rows.N != 0 || !strings.HasPrefix(err.Error(), "data: ") {
			t.Errorf("%s: %d rows, %v", filepath.Base(path), rows.N, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
