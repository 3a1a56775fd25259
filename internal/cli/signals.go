package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
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
// one ends the process. Whoever runs it under nohup wants it to outlive its
// terminal.
func (p *Process) interruptible() (context.Context, func()) {
	p.stopping.set(stopping)
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		<-signals
		if text := p.stopping.get(); text != "" {
			fmt.Fprintf(p.Stderr, "\n%s: %s\n", p.Name, text)
		}
		cancel()
		<-signals
		os.Exit(ExitInterrupted)
	}()
	return ctx, func() { signal.Stop(signals) }
}
