package gpu

import (
	"errors"

	"aegis/cuda/driver"
)

// Queue launches calls one after the other.
func (c *Context) Queue(calls []Call) error {
	for _, call := range calls {
		if err := c.Launch(call.Function, call.Config, call.Args...); err != nil {
			return err
		}
	}
	return nil
}

// Graph is work that is launched at once: a CUDA graph, or where the driver
// has none the launches one by one.
type Graph struct {
	exec  driver.GraphExec
	calls []Call
}

// Capture makes a graph of calls, all of which must have been launched before:
// a driver may load kernels only when they are first launched, and must not do
// so in a capture. Where it fails, nothing is left of it.
func (c *Context) Capture(calls []Call) (*Graph, error) {
	exec, err := c.capture(calls)
	if errors.Is(err, driver.ErrNotSupported) {
		return &Graph{calls: calls}, nil
	}
	if err != nil {
		return nil, err
	}
	return &Graph{exec: exec}, nil
}

func (c *Context) capture(calls []Call) (driver.GraphExec, error) {
	if err := c.BeginCapture(c.Stream); err != nil {
		return 0, err
	}
	err := c.Queue(calls)
	graph, ended := c.EndCapture(c.Stream)
	if ended != nil {
		return 0, First(err, ended)
	}
	var exec driver.GraphExec
	if err == nil {
		exec, err = c.Instantiate(graph)
	}
	if freed := c.DestroyGraph(graph); freed != nil && err == nil {
		return 0, First(freed, c.DestroyGraphExec(exec))
	}
	return exec, err
}

// Replay queues a graph.
func (c *Context) Replay(g *Graph) error {
	if g.exec != 0 {
		return c.LaunchGraph(g.exec, c.Stream)
	}
	return c.Queue(g.calls)
}

// Discard frees a graph.
func (c *Context) Discard(g *Graph) error {
	if g.exec == 0 {
		return nil
	}
	return c.DestroyGraphExec(g.exec)
}
