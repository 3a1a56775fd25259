package ptxsim_test

import (
	"errors"
	"strings"
	"testing"

	"aegis/cuda/driver"
	"aegis/cuda/internal/ptxsim"
)

func TestDeviceSaysSimulator(t *testing.T) {
	s := ptxsim.Open(ptxsim.Options{})
	dev, err := s.Device(0)
	if err != nil || !strings.Contains(dev.Name, "simulator") || dev.Major != 8 {
		t.Errorf("got %+v, %v", dev, err)
	}
	if _, err := s.Device(1); !errors.Is(err, driver.InvalidDevice) {
		t.Errorf("device 1: got %v", err)
	}
	if v, err := s.DeviceAttribute(0, driver.SharedOptin); v != 163<<10 || err != nil {
		t.Errorf("shared memory: got %d, %v", v, err)
	}
}

// TestWorkIsLate checks that queued work is not done before someone waits,
// as may be on a GPU.
func TestWorkIsLate(t *testing.T) {
	d := open(t, ptxsim.Options{}, "good")
	host, err := d.AllocHost(4)
	d.must(err)
	p := up(d, []uint32{1})
	d.must(d.Memset32Async(p, 2, 1, d.stream))
	if got := down[uint32](d, p, 1)[0]; got != 1 {
		t.Errorf("a copy that waits for no stream: want 1, got %d", got)
	}
	copy(host, []byte{3, 0, 0, 0})
	d.must(d.CopyToDeviceAsync(p, host, d.stream))
	host[0] = 4
	d.must(d.SyncStream(d.stream))
	if got := down[uint32](d, p, 1)[0]; got != 4 {
		t.Errorf("host memory changed before the copy: want 4, got %d", got)
	}
	if err := d.CopyToDeviceAsync(p, make([]byte, 4), d.stream); !errors.Is(err, driver.InvalidValue) {
		t.Errorf("copy from memory that is not page-locked: got %v", err)
	}
	d.must(d.FreeHost(host))
}

func TestEvents(t *testing.T) {
	d := open(t, ptxsim.Options{}, "")
	a, err := d.NewStream()
	d.must(err)
	b, err := d.NewStream()
	d.must(err)
	e, err := d.NewEvent(true)
	d.must(err)
	end, err := d.NewEvent(true)
	d.must(err)
	p := up(d, []uint32{1})
	d.must(d.Memset32Async(p, 2, 1, a))
	d.must(d.RecordEvent(e, a))
	d.must(d.Memset32Async(p, 3, 1, a))
	if done, err := d.EventDone(e); done || err != nil {
		t.Errorf("event before anyone waits: got %v, %v", done, err)
	}
	d.must(d.WaitEvent(b, e))
	d.must(d.RecordEvent(end, b))
	d.must(d.SyncStream(b))
	if got := down[uint32](d, p, 1)[0]; got != 2 {
		t.Errorf("want the work up to the event, 2, got %d", got)
	}
	if elapsed, err := d.Elapsed(e, end); elapsed < 0 || err != nil {
		t.Errorf("got %v, %v", elapsed, err)
	}
	d.must(d.SyncEvent(e))
	d.must(d.Synchronize())
	if got := down[uint32](d, p, 1)[0]; got != 3 {
		t.Errorf("want 3, got %d", got)
	}
	d.must(d.DestroyEvent(e))
	d.must(d.DestroyStream(a))
	if err := d.SyncStream(a); !errors.Is(err, driver.InvalidHandle) {
		t.Errorf("a destroyed stream: got %v", err)
	}
}

func TestGraph(t *testing.T) {
	d := open(t, ptxsim.Options{}, "good")
	count, x := up(d, []int32{0}), up(d, make([]float32, 64))
	sum, maxi, big := up(d, []float32{0}), up(d, []uint32{0}), up(d, []uint64{0})
	d.must(d.BeginCapture(d.stream))
	d.must(d.queue("atomics", driver.Dim3{X: 1, Y: 1, Z: 1}, driver.Dim3{X: 64, Y: 1, Z: 1}, 0,
		driver.Ptr(count), driver.Ptr(sum), driver.Ptr(maxi), driver.Ptr(big), driver.Ptr(x), driver.Int32(64)))
	g, err := d.EndCapture(d.stream)
	d.must(err)
	d.must(d.SyncStream(d.stream))
	if got := down[int32](d, count, 1)[0]; got != 0 {
		t.Errorf("captured work ran: %d", got)
	}
	exec, err := d.Instantiate(g)
	d.must(err)
	d.must(d.DestroyGraph(g))
	for range 3 {
		d.must(d.LaunchGraph(exec, d.stream))
	}
	d.must(d.SyncStream(d.stream))
	if got := down[int32](d, count, 1)[0]; got != 3*64 {
		t.Errorf("want 192, got %d", got)
	}
	d.must(d.DestroyGraphExec(exec))
	if err := d.LaunchGraph(exec, d.stream); !errors.Is(err, driver.InvalidHandle) {
		t.Errorf("a destroyed graph: got %v", err)
	}
}

func TestIllegalInCapture(t *testing.T) {
	calls := map[string]func(d *device, p driver.DevicePtr) error{
		"Alloc":        func(d *device, _ driver.DevicePtr) error { _, err := d.Alloc(4); return err },
		"Free":         func(d *device, p driver.DevicePtr) error { return d.Free(p) },
		"AllocHost":    func(d *device, _ driver.DevicePtr) error { _, err := d.AllocHost(4); return err },
		"CopyToHost":   func(d *device, p driver.DevicePtr) error { return d.CopyToHost(make([]byte, 4), p) },
		"CopyToDevice": func(d *device, p driver.DevicePtr) error { return d.CopyToDevice(p, make([]byte, 4)) },
		"Synchronize":  func(d *device, _ driver.DevicePtr) error { return d.Synchronize() },
		"SyncStream":   func(d *device, _ driver.DevicePtr) error { return d.SyncStream(d.stream) },
	}
	for name, call := range calls {
		d := open(t, ptxsim.Options{}, "good")
		p := up(d, []uint32{1})
		d.must(d.BeginCapture(d.stream))
		if err := call(d, p); !errors.Is(err, driver.CaptureUnsupported) {
			t.Errorf("%s: want %v, got %v", name, driver.CaptureUnsupported, err)
		}
		if err := d.Memset32Async(p, 1, 1, d.stream); !errors.Is(err, driver.CaptureInvalidated) {
			t.Errorf("%s: work after it: got %v", name, err)
		}
		if _, err := d.EndCapture(d.stream); !errors.Is(err, driver.CaptureInvalidated) {
			t.Errorf("%s: end of the capture: got %v", name, err)
		}
		d.must(d.Memset32Async(p, 1, 1, d.stream))
		d.must(d.SyncStream(d.stream))
	}
}

func TestLaunchLimits(t *testing.T) {
	one := driver.Dim3{X: 1, Y: 1, Z: 1}
	tests := []struct {
		name        string
		kernel      string
		grid, block driver.Dim3
		shared      uint32
		args        []driver.Arg
	}{
		{name: "no blocks", kernel: "tree", grid: driver.Dim3{X: 1, Z: 1}, block: one, args: make([]driver.Arg, 2)},
		{name: "no threads", kernel: "tree", grid: one, block: driver.Dim3{X: 1, Y: 1}, args: make([]driver.Arg, 2)},
		{name: "high grid", kernel: "tree", grid: driver.Dim3{X: 1, Y: 65536, Z: 1}, block: one, args: make([]driver.Arg, 2)},
		{name: "large block", kernel: "tree", grid: one, block: driver.Dim3{X: 1025, Y: 1, Z: 1}, args: make([]driver.Arg, 2)},
		{name: "deep block", kernel: "tree", grid: one, block: driver.Dim3{X: 1, Y: 1, Z: 65}, args: make([]driver.Arg, 2)},
		{name: "launch bounds", kernel: "gemm", grid: one, block: driver.Dim3{X: 512, Y: 1, Z: 1}, args: make([]driver.Arg, 6)},
		{name: "shared memory", kernel: "tree", grid: one, block: one, shared: 48<<10 + 1, args: make([]driver.Arg, 2)},
		{name: "few parameters", kernel: "tree", grid: one, block: one, args: []driver.Arg{driver.Ptr(1)}},
		{name: "parameter's size", kernel: "tree", grid: one, block: one, args: []driver.Arg{driver.Ptr(1), driver.Int32(1)}},
	}
	for _, tt := range tests {
		d := open(t, ptxsim.Options{}, "good")
		for i, a := range tt.args {
			if a.Size == 0 {
				tt.args[i] = driver.Ptr(1)
			}
		}
		if err := d.queue(tt.kernel, tt.grid, tt.block, tt.shared, tt.args...); !errors.Is(err, driver.InvalidValue) {
			t.Errorf("%s: want %v, got %v", tt.name, driver.InvalidValue, err)
		}
	}
}

func TestSharedOptIn(t *testing.T) {
	d := open(t, ptxsim.Options{SharedOptin: 99 << 10}, "good")
	f, err := d.Function(d.mod, "tree")
	d.must(err)
	if err := d.SetFunctionAttribute(f, driver.FunctionMaxDynamicShared, 100<<10); !errors.Is(err, driver.InvalidValue) {
		t.Errorf("more than the device has: got %v", err)
	}
	d.must(d.SetFunctionAttribute(f, driver.FunctionMaxDynamicShared, 64<<10))
	x, out := up(d, wave(256, 1)), d.alloc(1)
	d.must(d.run("tree", 1, 256, 64<<10, driver.Ptr(x), driver.Ptr(out)))
	if v, err := d.FunctionAttribute(f, driver.FunctionMaxDynamicShared); v != 64<<10 || err != nil {
		t.Errorf("got %d, %v", v, err)
	}
}

func TestMemory(t *testing.T) {
	d := open(t, ptxsim.Options{Memory: 1 << 20}, "")
	if _, err := d.Alloc(2 << 20); !errors.Is(err, driver.OutOfMemory) {
		t.Errorf("too much: got %v", err)
	}
	if _, err := d.Alloc(0); !errors.Is(err, driver.InvalidValue) {
		t.Errorf("nothing: got %v", err)
	}
	p, err := d.Alloc(1 << 10)
	d.must(err)
	if free, total, err := d.MemInfo(); free != 1<<20-1<<10 || total != 1<<20 || err != nil {
		t.Errorf("got %d of %d free, %v", free, total, err)
	}
	if err := d.CopyToDevice(p+1000, make([]byte, 100)); !errors.Is(err, driver.InvalidValue) {
		t.Errorf("copy past the end: got %v", err)
	}
	if err := d.Free(p + 256); !errors.Is(err, driver.InvalidValue) {
		t.Errorf("free of a part: got %v", err)
	}
	d.must(d.Free(p))
	if err := d.Free(p); !errors.Is(err, driver.InvalidValue) {
		t.Errorf("freed twice: got %v", err)
	}
	d.must(d.Close())
	if _, err := d.Alloc(4); !errors.Is(err, driver.InvalidContext) {
		t.Errorf("after Close: got %v", err)
	}
}

func TestBadModules(t *testing.T) {
	head := ".version 7.8\n.target sm_80\n.address_size 64\n"
	body := func(s string) string { return head + ".visible .entry k()\n{\n.reg .b32 %r<3>;\n" + s + "\nret;\n}\n" }
	tests := map[string]string{
		"":                              "no .target",
		"not PTX":                       "unknown directive",
		head + "extra":                  "unknown directive",
		body("frob.u32 %r1, %r2;"):      "PTX line 7: frob.u32: unknown instruction",
		body("add.u32 %r1, %r2, %r9;"):  "special register %r9",
		body("bra nowhere;"):            "label nowhere",
		body("add.u32 %r1;"):            "want more than 1 operands",
		body("mov.u32 %r1, %clock;"):    "special register %clock",
		body("ld.global.u32 %r1, [%r2"): `want "]"`,
		body("mma.sync.aligned.m8n8k4 {%r1}, %r2;"): "this shape or type",
	}
	for text, want := range tests {
		d := open(t, ptxsim.Options{}, "")
		if _, err := d.LoadModule([]byte(text)); !errors.Is(err, driver.InvalidPTX) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: want %q, got %v", text, want, err)
		}
	}
	d := open(t, ptxsim.Options{}, "good")
	if _, err := d.Function(d.mod, "nosuch"); !errors.Is(err, driver.NotFound) {
		t.Errorf("an unknown kernel: got %v", err)
	}
}

func FuzzLoadModule(f *testing.F) {
	f.Add(".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 p)\n{\n.reg .pred %p<2>;\n.reg .b32 %r<3>;\n.shared .align 4 .b8 s[16];\nL: @%p1 bra L;\nmov.b32 %r1, {%r2, %r2};\nst.shared.u32 [s+4], %r1;\n{ .reg .b32 t; mov.u32 t, 1; }\nret;\n}\n")
	f.Add(".target sm_80\n.const .align 4 .b8 c[4] = {1, 2};\n.func (.param .b32 r) g(.param .b32 a) { ret; }")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ptxsim.Open(ptxsim.Options{Memory: 1 << 20}).Context(0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.LoadModule([]byte(text)); err != nil && !errors.Is(err, driver.InvalidPTX) && !errors.Is(err, driver.OutOfMemory) {
			t.Errorf("got %v", err)
		}
	})
}
