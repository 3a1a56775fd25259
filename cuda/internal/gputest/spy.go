package gputest

import (
	"errors"
	"fmt"
	"testing"

	"aegis/cuda/driver"
)

// Spy is a driver whose contexts can fail, and count what is not freed.
type Spy struct {
	driver.Driver
	NoGraphs bool // there are none
	NoLoad   bool // modules are refused
	Idle     bool // graphs are counted, and nothing runs
	NoMemory int  // which graph, counted from 1, finds no memory
	NoFree   bool // graphs that are captured are not freed

	OnLaunch func(n int, args []driver.Arg) // sees each launch, counted from 1, and may spoil it

	Launches  int                      // so far
	Uploads   int                      // copies to the device by CopyToDevice
	Capturing bool                     // between BeginCapture and EndCapture
	graphs    int                      // that were to be made ready
	captured  int                      // launches in the graph that was captured last
	nodes     map[driver.GraphExec]int // launches in each graph
	Replays   []int                    // launches in each graph that was launched
	Held      map[string]int           // objects by kind
}

// NewSpy watches a driver.
func NewSpy(d driver.Driver) *Spy {
	return &Spy{Driver: d, nodes: make(map[driver.GraphExec]int), Held: make(map[string]int)}
}

// Context opens a context that is watched too.
func (s *Spy) Context(ordinal int) (driver.Context, error) {
	c, err := s.Driver.Context(ordinal)
	s.hold("context", 1, err)
	return &spyContext{Context: c, spy: s}, err
}

// hold counts an object that was made or freed.
func (s *Spy) hold(kind string, n int, err error) {
	if err == nil {
		s.Held[kind] += n
	}
}

// CheckFreed wants nothing left.
func (s *Spy) CheckFreed(t *testing.T) {
	t.Helper()
	for kind, n := range s.Held {
		if n != 0 {
			t.Errorf("%d objects left of kind %s", n, kind)
		}
	}
}

type spyContext struct {
	driver.Context
	spy *Spy
}

func (c *spyContext) Close() error {
	err := c.Context.Close()
	c.spy.hold("context", -1, err)
	return err
}

func (c *spyContext) CopyToDevice(dst driver.DevicePtr, src []byte) error {
	c.spy.Uploads++
	return c.Context.CopyToDevice(dst, src)
}

func (c *spyContext) LoadModule(image []byte) (driver.Module, error) {
	if c.spy.NoLoad {
		return 0, driver.NewError("cuModuleLoadDataEx", driver.InvalidPTX, errors.New("planted"))
	}
	m, err := c.Context.LoadModule(image)
	c.spy.hold("module", 1, err)
	return m, err
}

func (c *spyContext) UnloadModule(m driver.Module) error {
	err := c.Context.UnloadModule(m)
	c.spy.hold("module", -1, err)
	return err
}

func (c *spyContext) Alloc(bytes int64) (driver.DevicePtr, error) {
	p, err := c.Context.Alloc(bytes)
	c.spy.hold("memory", 1, err)
	return p, err
}

func (c *spyContext) Free(p driver.DevicePtr) error {
	err := c.Context.Free(p)
	c.spy.hold("memory", -1, err)
	return err
}

func (c *spyContext) AllocHost(bytes int) ([]byte, error) {
	b, err := c.Context.AllocHost(bytes)
	c.spy.hold("host memory", 1, err)
	return b, err
}

func (c *spyContext) FreeHost(b []byte) error {
	err := c.Context.FreeHost(b)
	c.spy.hold("host memory", -1, err)
	return err
}

func (c *spyContext) NewStream() (driver.Stream, error) {
	s, err := c.Context.NewStream()
	c.spy.hold("stream", 1, err)
	return s, err
}

func (c *spyContext) DestroyStream(s driver.Stream) error {
	err := c.Context.DestroyStream(s)
	c.spy.hold("stream", -1, err)
	return err
}

func (c *spyContext) NewEvent(timing bool) (driver.Event, error) {
	e, err := c.Context.NewEvent(timing)
	c.spy.hold("event", 1, err)
	return e, err
}

func (c *spyContext) DestroyEvent(e driver.Event) error {
	err := c.Context.DestroyEvent(e)
	c.spy.hold("event", -1, err)
	return err
}

func (c *spyContext) BeginCapture(s driver.Stream) error {
	if c.spy.NoGraphs {
		return fmt.Errorf("cuda: graphs: %w", driver.ErrNotSupported)
	}
	c.spy.Capturing, c.spy.captured = true, -c.spy.Launches
	return c.Context.BeginCapture(s)
}

func (c *spyContext) EndCapture(s driver.Stream) (driver.Graph, error) {
	c.spy.Capturing, c.spy.captured = false, c.spy.captured+c.spy.Launches
	g, err := c.Context.EndCapture(s)
	c.spy.hold("graph", 1, err)
	return g, err
}

func (c *spyContext) DestroyGraph(g driver.Graph) error {
	if c.spy.NoFree {
		return driver.NewError("cuGraphDestroy", driver.InvalidValue, errors.New("planted"))
	}
	err := c.Context.DestroyGraph(g)
	c.spy.hold("graph", -1, err)
	return err
}

func (c *spyContext) Instantiate(g driver.Graph) (driver.GraphExec, error) {
	if c.spy.graphs++; c.spy.graphs == c.spy.NoMemory {
		return 0, driver.NewError("cuGraphInstantiate", driver.OutOfMemory, errors.New("planted"))
	}
	x, err := c.Context.Instantiate(g)
	c.spy.nodes[x] = c.spy.captured
	c.spy.hold("executable graph", 1, err)
	return x, err
}

func (c *spyContext) DestroyGraphExec(x driver.GraphExec) error {
	err := c.Context.DestroyGraphExec(x)
	c.spy.hold("executable graph", -1, err)
	return err
}

func (c *spyContext) LaunchGraph(x driver.GraphExec, s driver.Stream) error {
	c.spy.Replays = append(c.spy.Replays, c.spy.nodes[x])
	if c.spy.Idle {
		return nil
	}
	return c.Context.LaunchGraph(x, s)
}

func (c *spyContext) Launch(f driver.Function, cfg driver.LaunchConfig, args ...driver.Arg) error {
	c.spy.Launches++
	if c.spy.OnLaunch != nil {
		args = append([]driver.Arg(nil), args...)
		c.spy.OnLaunch(c.spy.Launches, args)
	}
	return c.Context.Launch(f, cfg, args...)
}
