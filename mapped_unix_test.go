//go:build unix

package aegis

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"aegis/data"
	"aegis/internal/run"
)

// mapped is rows that lie in a file.
func mapped(t *testing.T, rows data.Rows) (data.Rows, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rows")
	if err := os.WriteFile(path, rows.Memory(), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	memory, err := unix.Mmap(int(f.Fd()), 0, len(rows.Memory()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(memory) })
	if rows.IsBytes() {
		rows.Bytes = memory
	} else {
		rows.Floats = unsafe.Slice((*float32)(unsafe.Pointer(&memory[0])), len(memory)/4)
	}
	return rows, path
}

// A file that is cut short under a run ends it with an error, and what was
// saved stays.
func TestMappedFileCutShort(t *testing.T) {
	for name, c := range map[string]struct {
		rows    data.Rows
		device  string
		measure bool // cut it before the first step
	}{
		"vectors":          {rows: table(4000, 1).Rows, device: DeviceCPU},
		"images":           {rows: waves(200, 10, 8, 8).Train.Rows, device: DeviceCPU},
		"the tape machine": {rows: table(4000, 1).Rows, device: DeviceTape},
		"while measured":   {rows: table(4000, 1).Rows, device: DeviceCPU, measure: true},
	} {
		t.Run(name, func(t *testing.T) {
			rows, path := mapped(t, c.rows)
			cut := func() {
				if err := os.Truncate(path, 0); err != nil {
					t.Error(err)
				}
			}
			hooks := Hooks{Epoch: func(Metrics) { cut() }}
			if c.measure {
				hooks.Measure = func(int, int) { cut() }
			}
			cfg := config(t, "fc12")
			cfg.Device, cfg.Epochs, cfg.Threads = c.device, 3, 2
			out := filepath.Join(t.TempDir(), "run")
			_, err := Train(context.Background(), cfg, &data.Source{Name: "rows", Train: data.Set{Rows: rows}}, Options{Out: out, Hooks: hooks})
			if !errors.Is(err, data.ErrCutShort) || !strings.Contains(err.Error(), "data: rows: ") {
				t.Fatalf("error %v", err)
			}
			if _, _, err := run.ReadTensors(filepath.Join(out, run.ModelFile)); (err == nil) == c.measure {
				t.Errorf("the model: %v", err)
			}
		})
	}
}
