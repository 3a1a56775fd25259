package ptxsim_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"aegis/cuda/driver"
	"aegis/cuda/internal/ptxsim"
)

// bugLine returns the line marked BUG in a kernel of testdata/bugs.cu.
func bugLine(t *testing.T, kernel string) int {
	t.Helper()
	text, err := os.ReadFile("testdata/bugs.cu")
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for i, line := range strings.Split(string(text), "\n") {
		if strings.Contains(line, "__global__") {
			inside = strings.Contains(line, " "+kernel+"(")
		}
		if inside && strings.Contains(line, "// BUG") {
			return i + 1
		}
	}
	t.Fatalf("no BUG in kernel %s", kernel)
	return 0
}

func TestFindsBugs(t *testing.T) {
	n := 64
	tests := []struct {
		kernel      string
		grid, block int
		shared      uint32
		kind        ptxsim.FaultKind
		result      driver.Result
		args        func(d *device) []driver.Arg
	}{
		{kernel: "past_end", grid: 2, block: 64, kind: ptxsim.OutOfBounds, result: driver.IllegalAddress, args: func(d *device) []driver.Arg {
			return []driver.Arg{driver.Ptr(d.alloc(100)), driver.Int32(100)}
		}},
		{kernel: "before_start", kind: ptxsim.OutOfBounds, result: driver.IllegalAddress, args: inOut(wave(n, 1))},
		{kernel: "wild", kind: ptxsim.OutOfBounds, result: driver.IllegalAddress, args: inOut(make([]float32, 2))},
		{kernel: "shared_past_end", block: 32, kind: ptxsim.OutOfBounds, result: driver.IllegalAddress, args: out},
		{kernel: "dynamic_past_end", block: 64, shared: 256, kind: ptxsim.OutOfBounds, result: driver.IllegalAddress, args: out},
		{kernel: "uninit_global", kind: ptxsim.Uninitialized, result: driver.LaunchFailed, args: func(d *device) []driver.Arg {
			return []driver.Arg{driver.Ptr(d.alloc(n)), driver.Ptr(d.alloc(n))}
		}},
		{kernel: "uninit_shared", block: 32, kind: ptxsim.Uninitialized, result: driver.LaunchFailed, args: out},
		{kernel: "uninit_local", kind: ptxsim.Uninitialized, result: driver.LaunchFailed, args: outN(5)},
		{kernel: "race_shared", kind: ptxsim.SharedRace, result: driver.LaunchFailed, args: out},
		{kernel: "race_rewrite", kind: ptxsim.SharedRace, result: driver.LaunchFailed, args: outN(3)},
		{kernel: "race_warp", block: 32, kind: ptxsim.SharedRace, result: driver.LaunchFailed, args: out},
		{kernel: "race_blocks", grid: 2, kind: ptxsim.GlobalRace, result: driver.LaunchFailed, args: out},
		{kernel: "race_read", kind: ptxsim.GlobalRace, result: driver.LaunchFailed, args: func(d *device) []driver.Arg {
			return []driver.Arg{driver.Ptr(up(d, wave(n, 1))), driver.Int32(int32(n))}
		}},
		{kernel: "race_sum", kind: ptxsim.GlobalRace, result: driver.LaunchFailed, args: func(d *device) []driver.Arg {
			return []driver.Arg{driver.Ptr(up(d, wave(1, 1)))}
		}},
		{kernel: "cached_then_written", kind: ptxsim.GlobalRace, result: driver.LaunchFailed, args: twice},
		{kernel: "written_then_cached", kind: ptxsim.GlobalRace, result: driver.LaunchFailed, args: twice},
		{kernel: "misaligned", kind: ptxsim.Misaligned, result: driver.MisalignedAddress, args: out},
		{kernel: "misaligned_vector", kind: ptxsim.Misaligned, result: driver.MisalignedAddress, args: inOut(wave(n, 1))},
		{kernel: "divergent_lanes", kind: ptxsim.DivergentBarrier, result: driver.LaunchFailed, args: out},
		{kernel: "divergent_warps", kind: ptxsim.DivergentBarrier, result: driver.LaunchFailed, args: out},
		{kernel: "shuffle_half", block: 32, kind: ptxsim.WarpDivergence, result: driver.LaunchFailed, args: out},
		{kernel: "async_no_wait", block: 32, kind: ptxsim.AsyncCopy, result: driver.LaunchFailed, args: inOut(wave(128, 1))},
		{kernel: "async_no_barrier", kind: ptxsim.SharedRace, result: driver.LaunchFailed, args: inOut(wave(256, 1))},
		{kernel: "trap", kind: ptxsim.Trap, result: driver.LaunchFailed, args: func(*device) []driver.Arg { return nil }},
		{kernel: "write_constant", kind: ptxsim.ReadOnlyWrite, result: driver.IllegalAddress, args: func(*device) []driver.Arg { return nil }},
	}
	for _, tt := range tests {
		t.Run(tt.kernel, func(t *testing.T) {
			d := open(t, ptxsim.Options{Workers: 1}, "bugs")
			err := d.run(tt.kernel, max(tt.grid, 1), max(tt.block, 0)+n*b2i(tt.block == 0), tt.shared, tt.args(d)...)
			var f *ptxsim.Fault
			if !errors.As(err, &f) {
				t.Fatalf("want a fault, got %v", err)
			}
			if f.Kind != tt.kind || !errors.Is(err, tt.result) {
				t.Errorf("want %q and %v, got %v", tt.kind, tt.result, err)
			}
			if want := fmt.Sprintf("bugs.cu:%d", bugLine(t, tt.kernel)); f.Source != want {
				t.Errorf("want the fault at %s, got %v", want, err)
			}
			if err := d.Synchronize(); !errors.Is(err, tt.result) {
				t.Errorf("the fault must stick, got %v", err)
			}
		})
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// out passes one output of 64 floats.
func out(d *device) []driver.Arg { return []driver.Arg{driver.Ptr(d.alloc(64))} }

// outN passes an output and a number.
func outN(n int32) func(d *device) []driver.Arg {
	return func(d *device) []driver.Arg { return []driver.Arg{driver.Ptr(d.alloc(64)), driver.Int32(n)} }
}

// twice passes one memory of 64 floats as input and as output.
func twice(d *device) []driver.Arg {
	x := driver.Ptr(up(d, wave(64, 1)))
	return []driver.Arg{x, x}
}

// inOut passes an input and an output of 64 floats.
func inOut(in []float32) func(d *device) []driver.Arg {
	return func(d *device) []driver.Arg {
		return []driver.Arg{driver.Ptr(up(d, in)), driver.Ptr(d.alloc(64))}
	}
}

func TestUseAfterFree(t *testing.T) {
	d := open(t, ptxsim.Options{}, "bugs")
	x, y := up(d, wave(64, 1)), d.alloc(64)
	d.must(d.run("uninit_global", 1, 64, 0, driver.Ptr(x), driver.Ptr(y)))
	d.must(d.Free(x))
	var f *ptxsim.Fault
	err := d.run("uninit_global", 1, 64, 0, driver.Ptr(x), driver.Ptr(y))
	if !errors.As(err, &f) || f.Kind != ptxsim.UseAfterFree {
		t.Errorf("want %q, got %v", ptxsim.UseAfterFree, err)
	}
}

func TestEndless(t *testing.T) {
	d := open(t, ptxsim.Options{MaxSteps: 1 << 18}, "bugs")
	var f *ptxsim.Fault
	err := d.run("endless", 1, 64, 0, driver.Ptr(up(d, []uint32{0})))
	if !errors.As(err, &f) || f.Kind != ptxsim.Endless {
		t.Errorf("want %q, got %v", ptxsim.Endless, err)
	}
}

// TestRacesOnSeveralWorkers finds races between blocks that run at a time.
func TestRacesOnSeveralWorkers(t *testing.T) {
	for _, kernel := range []string{"race_blocks", "race_sum"} {
		d := open(t, ptxsim.Options{Workers: 4}, "bugs")
		var f *ptxsim.Fault
		err := d.run(kernel, 64, 1, 0, driver.Ptr(up(d, wave(64, 1))))
		if !errors.As(err, &f) || f.Kind != ptxsim.GlobalRace {
			t.Errorf("%s: want %q, got %v", kernel, ptxsim.GlobalRace, err)
		}
	}
}

func TestNoRaces(t *testing.T) {
	d := open(t, ptxsim.Options{NoRaces: true, Workers: 1}, "bugs")
	d.must(d.run("race_blocks", 2, 64, 0, driver.Ptr(d.alloc(64))))
	d.must(d.run("race_rewrite", 1, 64, 0, driver.Ptr(d.alloc(64)), driver.Int32(3)))
}
