package gputest

import (
	"testing"

	"aegis/cuda/driver"
	"aegis/cuda/internal/ptxsim"
)

// counted counts contexts.
type counted struct {
	driver.Driver
	opened, open int
}

func (c *counted) Context(ordinal int) (driver.Context, error) {
	ctx, err := c.Driver.Context(ordinal)
	c.opened++
	c.open++
	return &closing{ctx, c}, err
}

type closing struct {
	driver.Context
	of *counted
}

func (c *closing) Close() error {
	c.of.open--
	return c.Context.Close()
}

// failing is a test that is told that it failed; its cleanups run by hand.
type failing struct {
	testing.TB
	failed   bool
	cleanups []func()
}

func (f *failing) Cleanup(g func()) { f.cleanups = append(f.cleanups, g) }
func (f *failing) Failed() bool     { return f.failed }

func (f *failing) end() {
	for _, g := range f.cleanups {
		g()
	}
}

// TestOneContext wants one context for all tests, and a new one after a test
// that failed.
func TestOneContext(t *testing.T) {
	system := &counted{Driver: ptxsim.Open(ptxsim.Options{})}
	k := keeper{connect: func() (driver.Driver, error) { return system, nil }}
	for i, c := range []struct {
		failed       bool
		opened, open int // contexts after the test
	}{
		{opened: 1, open: 1},
		{opened: 1, open: 1},
		{failed: true, opened: 1, open: 0},
		{opened: 2, open: 1},
	} {
		test := &failing{TB: t, failed: c.failed}
		if got := k.open(test); got != driver.Driver(system) {
			t.Fatalf("test %d: driver %v", i, got)
		}
		test.end()
		if system.opened != c.opened || system.open != c.open {
			t.Errorf("test %d: %d contexts opened and %d open, want %d and %d", i, system.opened, system.open, c.opened, c.open)
		}
	}
}
