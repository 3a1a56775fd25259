package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// What the first interrupt says.
const (
	stopping     = "stopping; once more to stop at once"
	stoppingStep = "stopping after the step in progress; once more to stop at once"
)

// notice is a text that one goroutine sets and another reads.
type notice struct {
	mu   sync.Mutex
	text string
}

func (n *notice) set(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text = text
}

func (n *notice) get() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text
}

// interruptible returns a context that the first interrupt ends; the second
// one ends the process. A signal that is ignored already stays so: who runs a
// command under nohup, or behind & in a script, wants it to outlive that.
func (p *Process) interruptible() (context.Context, func()) {
	p.stopping.set(stopping)
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() {
		<-signals
		if text := p.stopping.get(); text != "" {
			p.say("\n%s: %s\n", p.Name, text)
		}
		cancel()
		<-signals
		os.Exit(ExitInterrupted)
	}()
	return ctx, func() { signal.Stop(signals) }
}

// await returns what read does. A disk or a pipe can keep a read waiting for
// ever: when ctx ends, it is left to end with the process, and the error says that
// what was read left things so. Where it takes long, late is called once; it may be
// nil.
func await[T any](ctx context.Context, what, so string, late func(), read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
	}()
	for patient := time.After(patience); ; {
		select {
		case r := <-done:
			return r.value, r.err
		case <-ctx.Done():
			var none T
			return none, fmt.Errorf("interrupted while the %s was read; %s: %w", what, so, ctx.Err())
		case <-patient:
			if late != nil {
				late()
			}
		}
	}
}
