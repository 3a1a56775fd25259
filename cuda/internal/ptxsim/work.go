package ptxsim

import (
	"fmt"

	"aegis/cuda/driver"
)

// checkPinned fails for host memory that a copy may not read or write later.
func (c *context) checkPinned(call string, b []byte) error {
	if !c.pinned(b) {
		return invalid(call, "the host's memory is not from AllocHost: it may move or be freed before the copy is done")
	}
	return nil
}

func (c *context) CopyToDeviceAsync(dst driver.DevicePtr, src []byte, s driver.Stream) error {
	const call = "cuMemcpyHtoDAsync"
	if _, _, err := c.writable(call, dst, int64(len(src))); err != nil {
		return err
	}
	if err := c.checkPinned(call, src); err != nil {
		return err
	}
	return c.submit(call, s, func() error { return c.toDevice(call, dst, src) })
}

func (c *context) CopyToHostAsync(dst []byte, src driver.DevicePtr, s driver.Stream) error {
	const call = "cuMemcpyDtoHAsync"
	if _, _, err := c.mem.span(uint64(src), int64(len(dst))); err != nil {
		return invalid(call, "read of %w", err)
	}
	if err := c.checkPinned(call, dst); err != nil {
		return err
	}
	return c.submit(call, s, func() error { return c.toHost(call, dst, src) })
}

func (c *context) CopyDeviceAsync(dst, src driver.DevicePtr, bytes int64, s driver.Stream) error {
	const call = "cuMemcpyDtoDAsync"
	run := func() error {
		to, at, err := c.writable(call, dst, bytes)
		if err != nil {
			return err
		}
		from, off, err := c.mem.span(uint64(src), bytes)
		if err != nil {
			return invalid(call, "read of %w", err)
		}
		copy(to.data[at:], from.data[off:][:bytes])
		to.copied(at, from, off, uint64(bytes))
		return nil
	}
	if _, _, err := c.writable(call, dst, bytes); err != nil {
		return err
	}
	if _, _, err := c.mem.span(uint64(src), bytes); err != nil {
		return invalid(call, "read of %w", err)
	}
	return c.submit(call, s, run)
}

func (c *context) Memset8Async(dst driver.DevicePtr, value uint8, n int64, s driver.Stream) error {
	return c.memset("cuMemsetD8Async", dst, uint64(value), 1, n, s)
}

func (c *context) Memset32Async(dst driver.DevicePtr, value uint32, n int64, s driver.Stream) error {
	if dst&3 != 0 {
		return invalid("cuMemsetD32Async", "%#x is not a multiple of 4", uint64(dst))
	}
	return c.memset("cuMemsetD32Async", dst, uint64(value), 4, n, s)
}

func (c *context) memset(call string, dst driver.DevicePtr, value uint64, size, n int64, s driver.Stream) error {
	if _, _, err := c.writable(call, dst, size*n); err != nil {
		return err
	}
	return c.submit(call, s, func() error {
		a, off, err := c.writable(call, dst, size*n)
		if err != nil {
			return err
		}
		for i := range n {
			putUint(a.data[off+uint64(i*size):][:size], value)
		}
		a.written(off, uint64(size*n))
		return nil
	})
}

func (c *context) Launch(f driver.Function, cfg driver.LaunchConfig, args ...driver.Arg) error {
	const call = "cuLaunchKernel"
	if err := c.begin(call); err != nil {
		return err
	}
	k := c.functions[f]
	if k == nil {
		return unknown(call, "function")
	}
	if err := k.fits(cfg, c.options.SharedOptin); err != nil {
		return err
	}
	params, err := k.pack(args)
	if err != nil {
		return driver.NewError(call, driver.InvalidValue, fmt.Errorf("ptxsim: %w", err))
	}
	return c.submit(call, cfg.Stream, func() error { return c.execute(call, k, cfg, params) })
}

// execute runs a launch.
func (c *context) execute(call string, k *kernel, cfg driver.LaunchConfig, params []byte) error {
	blocks := uint64(cfg.Grid.X) * uint64(cfg.Grid.Y) * uint64(cfg.Grid.Z)
	if c.seq+blocks+2 >= 1<<blockBits {
		c.mem.forgetRaces()
		c.seq = 0
	}
	c.seq++
	l := &launch{k: k, cfg: cfg, params: params, mem: c.mem, seq: c.seq, races: !c.options.NoRaces, maxSteps: c.options.MaxSteps}
	c.seq += blocks
	if f := l.run(c.options.Workers); f != nil {
		return driver.NewError(call, f.result(), f)
	}
	return nil
}

// fits checks a launch against the device's limits.
func (k *kernel) fits(cfg driver.LaunchConfig, optin int) error {
	const call = "cuLaunchKernel"
	g, b := cfg.Grid, cfg.Block
	threads := uint64(b.X) * uint64(b.Y) * uint64(b.Z)
	switch {
	case g.X == 0 || g.Y == 0 || g.Z == 0 || g.X > maxGridX || g.Y > maxGridYZ || g.Z > maxGridYZ:
		return invalid(call, "kernel %s: grid (%d,%d,%d), want 1 to (%d,%d,%d)", k.name, g.X, g.Y, g.Z, maxGridX, maxGridYZ, maxGridYZ)
	case b.X == 0 || b.Y == 0 || b.Z == 0 || b.X > maxBlockXY || b.Y > maxBlockXY || b.Z > maxBlockZ || threads > maxThreadsPerBlock:
		return invalid(call, "kernel %s: block (%d,%d,%d), want 1 to %d threads and at most %d along z", k.name, b.X, b.Y, b.Z, maxThreadsPerBlock, maxBlockZ)
	case threads > uint64(k.maxThreads):
		return driver.NewError(call, driver.InvalidValue, fmt.Errorf("ptxsim: kernel %s: %d threads a block, its bounds allow %d", k.name, threads, k.maxThreads))
	case k.shared > defaultShared:
		return invalid(call, "kernel %s: %d bytes of static shared memory, want at most %d", k.name, k.shared, defaultShared)
	case int(cfg.Shared) > k.maxDynamic:
		return invalid(call, "kernel %s: %d bytes of dynamic shared memory, want at most %d; SetFunctionAttribute raises it up to %d in all", k.name, cfg.Shared, k.maxDynamic, optin)
	}
	return nil
}
