//go:build unix

package dataset

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A named pipe is read as the standard input is.
func TestNamedPipe(t *testing.T) {
	temporary(t)
	for name, file := range map[string][]byte{"npy": counted, "npz": npz(t, map[string][]byte{"x": counted})} {
		path := filepath.Join(t.TempDir(), name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, open := range []func() (int, error){
			func() (int, error) {
				s, err := Open(t.Context(), path, Options{})
				if err != nil {
					return 0, err
				}
				return s.Train.N, nil
			},
			func() (int, error) {
				r, err := NewReader(t.Context(), path, "", Options{})
				if err != nil {
					return 0, err
				}
				set, err := all(t, r)
				return set.N, err
			},
		} {
			go func() {
				if f, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
					_, _ = f.Write(file) // what is missing is seen by the reader
					_ = f.Close()
				}
			}()
			if n, err := open(); err != nil || n != 3 {
				t.Errorf("%s: %d rows, %v", name, n, err)
			}
		}
	}
}
