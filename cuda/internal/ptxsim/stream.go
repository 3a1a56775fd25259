package ptxsim

import (
	"errors"
	"time"

	"aegis/cuda/driver"
)

// op is queued work. It returns the driver's error of the work.
type op func() error

// stream is a queue of work that nobody waited for yet.
type stream struct {
	handle  driver.Stream
	queue   []op
	done    int // ops run so far, over the stream's life
	capture *graph
}

// graph is captured work.
type graph struct {
	ops     []op
	invalid bool
}

// event is a place in a stream.
type event struct {
	timing   bool
	stream   *stream
	at       int // the stream's ops up to here
	recorded bool
	reached  bool
	when     time.Time
}

func (c *context) addStream(h driver.Stream) *stream {
	s := &stream{handle: h}
	c.streams[h] = s
	c.order = append(c.order, s)
	return s
}

// stream finds a stream.
func (c *context) stream(call string, h driver.Stream) (*stream, error) {
	if err := c.begin(call); err != nil {
		return nil, err
	}
	s := c.streams[h]
	if s == nil {
		return nil, unknown(call, "stream")
	}
	return s, nil
}

// submit queues work, or records it.
func (c *context) submit(call string, h driver.Stream, f op) error {
	s, err := c.stream(call, h)
	if err != nil {
		return err
	}
	if s.capture != nil {
		if s.capture.invalid {
			return driver.NewError(call, driver.CaptureInvalidated, nil)
		}
		s.capture.ops = append(s.capture.ops, f)
		return nil
	}
	s.queue = append(s.queue, f)
	return nil
}

// drain runs a stream's work. A failure sticks to the context.
func (c *context) drain(call string, s *stream) error { return c.drainTo(call, s, s.done+len(s.queue)) }

// drainTo runs a stream's work up to a place.
func (c *context) drainTo(call string, s *stream, to int) error {
	for s.done < to && len(s.queue) > 0 {
		f := s.queue[0]
		s.queue = s.queue[1:]
		s.done++
		if err := f(); err != nil {
			e := &driver.Error{}
			if !errors.As(err, &e) {
				return err
			}
			c.sticky = e
			for _, s := range c.order {
				s.queue = nil
			}
			return c.begin(call)
		}
	}
	return nil
}

func (c *context) drainAll(call string) error {
	for _, s := range c.order {
		if err := c.drain(call, s); err != nil {
			return err
		}
	}
	return nil
}

func (c *context) NewStream() (driver.Stream, error) {
	if err := c.begin("cuStreamCreate"); err != nil {
		return 0, err
	}
	return c.addStream(driver.Stream(c.handle())).handle, nil
}

func (c *context) DestroyStream(h driver.Stream) error {
	const call = "cuStreamDestroy"
	s, err := c.stream(call, h)
	if err != nil {
		return err
	}
	if h == 0 || s.capture != nil {
		return invalid(call, "the stream is the default one or is captured")
	}
	if err := c.drain(call, s); err != nil {
		return err
	}
	delete(c.streams, h)
	for i, o := range c.order {
		if o == s {
			c.order = append(c.order[:i], c.order[i+1:]...)
			break
		}
	}
	return nil
}

func (c *context) SyncStream(h driver.Stream) error {
	const call = "cuStreamSynchronize"
	s, err := c.stream(call, h)
	if err != nil {
		return err
	}
	if s.capture != nil {
		s.capture.invalid = true
		return driver.NewError(call, driver.CaptureUnsupported, errors.New("ptxsim: the stream is captured"))
	}
	return c.drain(call, s)
}

func (c *context) event(call string, h driver.Event) (*event, error) {
	if err := c.begin(call); err != nil {
		return nil, err
	}
	e := c.events[h]
	if e == nil {
		return nil, unknown(call, "event")
	}
	return e, nil
}

func (c *context) NewEvent(timing bool) (driver.Event, error) {
	if err := c.begin("cuEventCreate"); err != nil {
		return 0, err
	}
	h := driver.Event(c.handle())
	c.events[h] = &event{timing: timing}
	return h, nil
}

func (c *context) DestroyEvent(h driver.Event) error {
	if _, err := c.event("cuEventDestroy", h); err != nil {
		return err
	}
	delete(c.events, h)
	return nil
}

func (c *context) RecordEvent(h driver.Event, sh driver.Stream) error {
	const call = "cuEventRecord"
	e, err := c.event(call, h)
	if err != nil {
		return err
	}
	s, err := c.stream(call, sh)
	if err != nil {
		return err
	}
	if s.capture != nil {
		s.capture.invalid = true
		return driver.NewError(call, driver.CaptureUnsupported, errors.New("ptxsim: events are not captured: a graph here is the work of one stream"))
	}
	s.queue = append(s.queue, func() error {
		e.reached, e.when = true, time.Now()
		return nil
	})
	e.stream, e.at, e.recorded, e.reached = s, s.done+len(s.queue), true, false
	return nil
}

func (c *context) WaitEvent(sh driver.Stream, h driver.Event) error {
	const call = "cuStreamWaitEvent"
	e, err := c.event(call, h)
	if err != nil {
		return err
	}
	s, err := c.stream(call, sh)
	if err != nil {
		return err
	}
	if s.capture != nil {
		s.capture.invalid = true
		return driver.NewError(call, driver.CaptureUnsupported, errors.New("ptxsim: events are not captured: a graph here is the work of one stream"))
	}
	if !e.recorded || e.stream == s {
		return nil
	}
	from, at := e.stream, e.at
	s.queue = append(s.queue, func() error { return c.drainTo(call, from, at) })
	return nil
}

func (c *context) EventDone(h driver.Event) (bool, error) {
	e, err := c.event("cuEventQuery", h)
	if err != nil {
		return false, err
	}
	return !e.recorded || e.reached, nil
}

func (c *context) SyncEvent(h driver.Event) error {
	const call = "cuEventSynchronize"
	e, err := c.event(call, h)
	if err != nil || !e.recorded {
		return err
	}
	if err := c.waits(call); err != nil {
		return err
	}
	return c.drainTo(call, e.stream, e.at)
}

func (c *context) Elapsed(start, end driver.Event) (time.Duration, error) {
	const call = "cuEventElapsedTime"
	a, err := c.event(call, start)
	if err != nil {
		return 0, err
	}
	b, err := c.event(call, end)
	if err != nil {
		return 0, err
	}
	switch {
	case !a.timing || !b.timing || !a.recorded || !b.recorded:
		return 0, driver.NewError(call, driver.InvalidHandle, errors.New("ptxsim: both events need a clock and must be recorded"))
	case !a.reached || !b.reached:
		return 0, driver.NewError(call, driver.NotReady, nil)
	}
	return b.when.Sub(a.when), nil
}

func (c *context) BeginCapture(h driver.Stream) error {
	const call = "cuStreamBeginCapture"
	s, err := c.stream(call, h)
	if err != nil {
		return err
	}
	if h == 0 || c.capturing != nil {
		return driver.NewError(call, driver.CaptureUnsupported, errors.New("ptxsim: the stream is the default one, or another is captured"))
	}
	s.capture = &graph{}
	c.capturing = s
	return nil
}

func (c *context) EndCapture(h driver.Stream) (driver.Graph, error) {
	const call = "cuStreamEndCapture"
	s, err := c.stream(call, h)
	if err != nil {
		return 0, err
	}
	if s.capture == nil {
		return 0, invalid(call, "the stream is not captured")
	}
	g := s.capture
	s.capture, c.capturing = nil, nil
	if g.invalid {
		return 0, driver.NewError(call, driver.CaptureInvalidated, nil)
	}
	k := driver.Graph(c.handle())
	c.graphs[k] = g
	return k, nil
}

func (c *context) Instantiate(h driver.Graph) (driver.GraphExec, error) {
	const call = "cuGraphInstantiate"
	if err := c.begin(call); err != nil {
		return 0, err
	}
	g := c.graphs[h]
	if g == nil {
		return 0, unknown(call, "graph")
	}
	x := driver.GraphExec(c.handle())
	c.execs[x] = &graph{ops: append([]op(nil), g.ops...)}
	return x, nil
}

func (c *context) LaunchGraph(h driver.GraphExec, s driver.Stream) error {
	const call = "cuGraphLaunch"
	if err := c.begin(call); err != nil {
		return err
	}
	x := c.execs[h]
	if x == nil {
		return unknown(call, "executable graph")
	}
	for _, f := range x.ops {
		if err := c.submit(call, s, f); err != nil {
			return err
		}
	}
	return nil
}

func (c *context) DestroyGraph(h driver.Graph) error {
	const call = "cuGraphDestroy"
	if err := c.begin(call); err != nil {
		return err
	}
	if c.graphs[h] == nil {
		return unknown(call, "graph")
	}
	delete(c.graphs, h)
	return nil
}

func (c *context) DestroyGraphExec(h driver.GraphExec) error {
	const call = "cuGraphExecDestroy"
	if err := c.begin(call); err != nil {
		return err
	}
	if c.execs[h] == nil {
		return unknown(call, "executable graph")
	}
	delete(c.execs, h)
	return nil
}
