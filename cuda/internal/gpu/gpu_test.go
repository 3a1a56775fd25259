package gpu_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"aegis/cuda/driver"
	"aegis/cuda/internal/gpu"
	"aegis/cuda/internal/gputest"
	"aegis/cuda/internal/ptxsim"
	"aegis/cuda/kernels"
)

// opened opens a context on a simulator that is watched.
func opened(t *testing.T) (*gpu.Context, *gputest.Spy) {
	t.Helper()
	s := gputest.NewSpy(ptxsim.Open(ptxsim.Options{}))
	d, device, err := gpu.Choose(gpu.Options{Driver: s})
	if err != nil {
		t.Fatal(err)
	}
	c, err := gpu.Open(d, device)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, s
}

// copying is memory with values, and the calls that copy them on.
type copying struct {
	values []float32
	from   driver.DevicePtr
	to     driver.DevicePtr
	calls  []gpu.Call
}

// newCopying makes it inside Do.
func newCopying(c *gpu.Context) (*copying, error) {
	x := &copying{values: []float32{1, 2, 3, 4, 5, 6}}
	bytes := 4 * int64(len(x.values))
	block := kernels.StepBlock(2, 0, 2, 0)
	step, err := c.Alloc(kernels.StepSize)
	if err == nil {
		x.from, err = c.Alloc(bytes)
	}
	if err == nil {
		x.to, err = c.Alloc(bytes)
	}
	if err == nil {
		err = gpu.First(gpu.Upload(c, step, block[:]), gpu.Upload(c, x.from, x.values), gpu.Upload(c, x.to, make([]float32, len(x.values))))
	}
	if err != nil {
		return nil, err
	}
	x.calls, err = gpu.NewModules(c, kernels.PTX).Calls([]gpu.Operation{
		kernels.Copy{Batch: kernels.Batch{Rows: 2, Step: step}, Width: 3, X: x.from, Y: x.to},
	})
	return x, err
}

// TestReplay runs the same work as a graph, and where the driver has none.
func TestReplay(t *testing.T) {
	for _, noGraphs := range []bool{false, true} {
		c, s := opened(t)
		s.NoGraphs = noGraphs
		err := c.Do("a test", func() error {
			x, err := newCopying(c)
			if err != nil {
				return err
			}
			g, err := c.Capture(x.calls)
			if err != nil {
				return err
			}
			if err := c.Replay(g); err != nil {
				return err
			}
			got := make([]float32, len(x.values))
			if err := gpu.Download(c, got, x.to); err != nil {
				return err
			}
			if !slices.Equal(got, x.values) {
				t.Errorf("no graphs %v: copied %v, want %v", noGraphs, got, x.values)
			}
			if want := 1; !noGraphs && len(s.Replays) != want {
				t.Errorf("%d graphs launched, want %d", len(s.Replays), want)
			}
			return c.Discard(g)
		})
		if err != nil || s.Held["executable graph"] != 0 {
			t.Errorf("no graphs %v: error %v, %d graphs left", noGraphs, err, s.Held["executable graph"])
		}
	}
}

// TestCapture wants nothing left of a graph that could not be made.
func TestCapture(t *testing.T) {
	for _, c := range []struct {
		name  string
		plant func(s *gputest.Spy)
		want  string
		freed bool // the captured graph too
	}{
		{name: "launching", plant: func(s *gputest.Spy) {
			s.OnLaunch = func(_ int, args []driver.Arg) { args[0] = driver.Int32(0) } // a number for a pointer
		}, want: "cuLaunchKernel", freed: true},
		{name: "memory", plant: func(s *gputest.Spy) { s.NoMemory = 1 }, want: "OUT_OF_MEMORY", freed: true},
		{name: "freeing", plant: func(s *gputest.Spy) { s.NoFree = true }, want: "cuGraphDestroy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, s := opened(t)
			err := ctx.Do("a test", func() error {
				x, err := newCopying(ctx)
				if err != nil {
					return err
				}
				c.plant(s)
				g, err := ctx.Capture(x.calls)
				if g != nil {
					t.Error("a graph beside the error")
				}
				return err
			})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one of %s", err, c.want)
			}
			if s.Held["executable graph"] != 0 || c.freed && s.Held["graph"] != 0 {
				t.Errorf("left: %v", s.Held)
			}
		})
	}
}

// TestClose frees what was made and not freed.
func TestClose(t *testing.T) {
	c, s := opened(t)
	err := c.Do("a test", func() error {
		x, err := newCopying(c)
		if err != nil {
			return err
		}
		_, captured := c.Capture(x.calls)
		_, host := c.AllocHost(64)
		freed, event := c.NewEvent(false)
		_, other := c.NewEvent(true)
		return errors.Join(captured, host, event, other, c.DestroyEvent(freed), c.Free(x.to), c.Free(0))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	s.CheckFreed(t)
	if len(s.Held) != 8 {
		t.Errorf("counted %v, want 8 kinds", s.Held)
	}
	if err := c.Do("a test", func() error { return nil }); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("error %v after Close", err)
	}
}

// TestFault answers with the first fault from then on; too little memory is
// none.
func TestFault(t *testing.T) {
	c, _ := opened(t)
	fail := func(r driver.Result) error {
		return c.Do("a test", func() error { return driver.NewError("cuLaunchKernel", r, nil) })
	}
	if err := fail(driver.OutOfMemory); !errors.Is(err, driver.OutOfMemory) {
		t.Errorf("error %v, want one of memory", err)
	}
	if err := c.Do("a test", func() error { return errors.New("mistaken") }); err == nil || err.Error() != "mistaken" {
		t.Errorf("error %v, want what f returned", err)
	}
	first := fail(driver.IllegalAddress)
	if !errors.Is(first, driver.IllegalAddress) || !strings.Contains(first.Error(), "in a test on GPU 0, PTX simulator") {
		t.Errorf("error %v, want where the address was illegal", first)
	}
	ran := false
	if err := c.Do("another", func() error { ran = true; return nil }); ran || err == nil || err.Error() != first.Error() {
		t.Errorf("error %v, ran %v; want the first one, %v", err, ran, first)
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close after a fault: %v", err)
	}
}

// TestOutOfMemory explains a lack of memory, and nothing else.
func TestOutOfMemory(t *testing.T) {
	c, _ := opened(t)
	err := c.OutOfMemory(driver.NewError("cuMemAlloc", driver.OutOfMemory, nil), "want 3 apples")
	if !errors.Is(err, driver.OutOfMemory) || !strings.HasPrefix(err.Error(), "cuda: out of memory on GPU 0, PTX simulator (not a GPU): want 3 apples: ") {
		t.Errorf("error %v", err)
	}
	if other := errors.New("other"); c.OutOfMemory(other, "want 3 apples") != other {
		t.Error("another error is not what it was")
	}
}
