package ptxsim_test

import (
	"errors"
	"slices"
	"testing"

	"aegis/cuda/driver"
	"aegis/cuda/internal/ptxsim"
)

func TestDims(t *testing.T) {
	d := open(t, ptxsim.Options{}, "good")
	grid, block := driver.Dim3{X: 3, Y: 2, Z: 2}, driver.Dim3{X: 5, Y: 3, Z: 4}
	const n = 12 * 60
	out := d.alloc(n)
	d.must(d.queue("dims", grid, block, 0, driver.Ptr(out)))
	d.must(d.Synchronize())
	got := down[uint32](d, out, n)
	i := 0
	for b := range uint32(12) {
		for th := range uint32(60) {
			want := th%5 + 10*(th/5%3) + 100*(th/15) + 1000*(b%3) + 10000*(b/3%2) + 100000*(b/6)
			if got[i] != want {
				t.Fatalf("block %d thread %d: want %d, got %d", b, th, want, got[i])
			}
			i++
		}
	}
}

func TestAtomicKinds(t *testing.T) {
	d := open(t, ptxsim.Options{}, "good")
	x, sum, old := up(d, []int32{2, 7, 3, 6, 7, 0, 1, 10}), up(d, []float64{1}), d.alloc(10)
	d.must(d.run("atomicops", 1, 1, 0, driver.Ptr(x), driver.Ptr(sum), driver.Ptr(old)))
	if got, want := down[int32](d, x, 8), []int32{-3, 6, 11, 3, 0, 7, 42, 9}; !slices.Equal(got, want) {
		t.Errorf("want %v, got %v", want, got)
	}
	if got, want := down[int32](d, old, 10), []int32{2, 7, 3, 6, 7, 0, 1, 10, 14, 12}; !slices.Equal(got, want) {
		t.Errorf("old values: want %v, got %v", want, got)
	}
	if got := down[float64](d, sum, 1)[0]; got != 1.5 {
		t.Errorf("want 1.5, got %g", got)
	}
}

func TestGenericAddresses(t *testing.T) {
	d := open(t, ptxsim.Options{}, "good")
	out := d.alloc(4)
	d.must(d.run("generic", 1, 1, 0, driver.Ptr(up(d, []float32{1, 2, 3, 4})), driver.Ptr(out)))
	if got, want := down[float32](d, out, 4), []float32{20, 2, 200, 111}; !slices.Equal(got, want) {
		t.Errorf("want %v, got %v", want, got)
	}
}

// TestCopiesCarryMarks checks that a copy inside the device does not make
// memory initialized that was not.
func TestCopiesCarryMarks(t *testing.T) {
	d := open(t, ptxsim.Options{}, "bugs")
	from, to, y := d.alloc(64), up(d, wave(64, 1)), d.alloc(64)
	d.must(d.Memset32Async(from, 7, 32, d.stream))
	d.must(d.CopyDeviceAsync(to, from, 4*32, d.stream))
	d.must(d.run("uninit_global", 1, 64, 0, driver.Ptr(to), driver.Ptr(y)))
	if got := down[uint32](d, y, 64); got[31] != 7 || got[32] == 7 {
		t.Errorf("got %v", got[30:34])
	}
	d.must(d.CopyDeviceAsync(to, from, 4*64, d.stream))
	var f *ptxsim.Fault
	err := d.run("uninit_global", 1, 64, 0, driver.Ptr(to), driver.Ptr(y))
	if !errors.As(err, &f) || f.Kind != ptxsim.Uninitialized || f.Thread.X != 32 {
		t.Errorf("want %q in thread 32, got %v", ptxsim.Uninitialized, err)
	}
}

func TestUnloadModule(t *testing.T) {
	d := open(t, ptxsim.Options{}, "good")
	f, err := d.Function(d.mod, "call")
	d.must(err)
	if n, err := d.FunctionAttribute(f, driver.FunctionMaxThreads); n != 1024 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	d.must(d.UnloadModule(d.mod))
	if err := d.UnloadModule(d.mod); !errors.Is(err, driver.InvalidHandle) {
		t.Errorf("unloaded twice: got %v", err)
	}
	err = d.Launch(f, driver.LaunchConfig{Grid: driver.Dim3{X: 1, Y: 1, Z: 1}, Block: driver.Dim3{X: 1, Y: 1, Z: 1}}, driver.Ptr(0), driver.Int32(1))
	if !errors.Is(err, driver.InvalidHandle) {
		t.Errorf("a kernel of an unloaded module: got %v", err)
	}
}

func TestFunctionAttributes(t *testing.T) {
	d := open(t, ptxsim.Options{}, "good")
	for _, tt := range []struct {
		kernel string
		a      driver.FunctionAttribute
		want   int
	}{
		{kernel: "gemm", a: driver.FunctionMaxThreads, want: 256},
		{kernel: "gemm", a: driver.FunctionShared, want: 16 << 10},
		{kernel: "gemm", a: driver.FunctionMaxDynamicShared, want: 32 << 10},
		{kernel: "gemm", a: driver.FunctionLocal, want: 0},
	} {
		f, err := d.Function(d.mod, tt.kernel)
		d.must(err)
		if got, err := d.FunctionAttribute(f, tt.a); got != tt.want || err != nil {
			t.Errorf("%s: attribute %d: want %d, got %d, %v", tt.kernel, tt.a, tt.want, got, err)
		}
	}
}
