package ptxsim_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"aegis/cuda/driver"
	"aegis/cuda/internal/nvrtc"
	"aegis/cuda/internal/ptxsim"
)

//go:generate go run aegis/cuda/internal/nvrtc/cmd/nvrtc testdata

// device is a context with helpers that fail the test.
type device struct {
	testing.TB
	driver.Context
	mod    driver.Module
	stream driver.Stream
}

// open opens a simulator and loads a module of testdata.
func open(t testing.TB, o ptxsim.Options, file string) *device {
	t.Helper()
	c, err := ptxsim.Open(o).Context(0)
	if err != nil {
		t.Fatal(err)
	}
	d := &device{TB: t, Context: c}
	if file == "" {
		return d
	}
	ptx, err := os.ReadFile(filepath.Join("testdata", "zz_"+file+".ptx"))
	if err != nil {
		t.Fatal(err)
	}
	if d.mod, err = c.LoadModule(ptx); err != nil {
		t.Fatal(err)
	}
	if d.stream, err = c.NewStream(); err != nil {
		t.Fatal(err)
	}
	return d
}

// alloc allocates n elements of 4 bytes, not initialized.
func (d *device) alloc(n int) driver.DevicePtr {
	d.Helper()
	p, err := d.Alloc(int64(4 * n))
	if err != nil {
		d.Fatal(err)
	}
	return p
}

// up copies values to new memory.
func up[T any](d *device, v []T) driver.DevicePtr {
	d.Helper()
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
		d.Fatal(err)
	}
	p, err := d.Alloc(int64(b.Len()))
	if err != nil {
		d.Fatal(err)
	}
	if err := d.CopyToDevice(p, b.Bytes()); err != nil {
		d.Fatal(err)
	}
	return p
}

// down copies n values back.
func down[T any](d *device, p driver.DevicePtr, n int) []T {
	d.Helper()
	v := make([]T, n)
	b := make([]byte, binary.Size(v))
	if err := d.CopyToHost(b, p); err != nil {
		d.Fatal(err)
	}
	if err := binary.Read(bytes.NewReader(b), binary.LittleEndian, v); err != nil {
		d.Fatal(err)
	}
	return v
}

// queue launches a kernel and does not wait.
func (d *device) queue(name string, grid, block driver.Dim3, shared uint32, args ...driver.Arg) error {
	d.Helper()
	f, err := d.Function(d.mod, name)
	if err != nil {
		d.Fatal(err)
	}
	return d.Launch(f, driver.LaunchConfig{Grid: grid, Block: block, Shared: shared, Stream: d.stream}, args...)
}

// run launches a kernel and waits.
func (d *device) run(name string, grid, block int, shared uint32, args ...driver.Arg) error {
	d.Helper()
	err := d.queue(name, driver.Dim3{X: uint32(grid), Y: 1, Z: 1}, driver.Dim3{X: uint32(block), Y: 1, Z: 1}, shared, args...)
	return errors.Join(err, d.SyncStream(d.stream))
}

// must fails the test on an error.
func (d *device) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// wave returns n numbers between -scale and scale.
func wave(n int, scale float64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(scale * math.Sin(float64(i)*1.7+0.3))
	}
	return v
}

// TestPTXIsFresh compiles testdata again and compares.
func TestPTXIsFresh(t *testing.T) {
	c, err := nvrtc.Open(nvrtc.Find())
	if errors.Is(err, nvrtc.ErrNotFound) {
		t.Skipf("cannot compile: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"good", "bugs", "math"} {
		s, err := nvrtc.Read(filepath.Join("testdata", name+".cu"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("testdata", "zz_"+name+".ptx"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("zz_%s.ptx is stale: run go generate ./cuda/internal/ptxsim", name)
		}
	}
}
