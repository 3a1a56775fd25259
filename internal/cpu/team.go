package cpu

import (
	"runtime"
	"sync/atomic"

	"aegis/internal/cpu/kernel"
)

// team is workers that run one function together, again and again. The
// caller is worker 0; the others sleep between calls and spin within one:
// waking a sleeping goroutine takes some 50 µs, a spinning one sees a barrier
// within a fraction of one.
type team struct {
	size   int
	spins  int
	start  []chan func(worker int) // of workers 1 to size-1
	done   chan struct{}
	waits  atomic.Int32
	_      [60]byte // the two counters share no cache line
	rounds atomic.Uint32
}

// spins returns how often a worker looks before it lets another goroutine
// run, which for one locked to its thread costs tens of microseconds: longer
// than any stage of a small network, unless there are more workers than
// processors to run them.
func spins(workers int) int {
	if workers > runtime.GOMAXPROCS(0) {
		return 100
	}
	return 1_000_000
}

func newTeam(size int) *team {
	t := &team{size: size, spins: spins(size), done: make(chan struct{}, size)}
	for i := 1; i < size; i++ {
		start := make(chan func(int))
		t.start = append(t.start, start)
		go func() {
			runtime.LockOSThread()
			kernel.FlushDenormals()
			for work := range start {
				work(i)
				t.done <- struct{}{}
			}
		}()
	}
	return t
}

// run calls work on every worker and returns when all have.
func (t *team) run(work func(worker int)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer kernel.FlushDenormals()()
	for _, start := range t.start {
		start <- work
	}
	work(0)
	for range t.start {
		<-t.done
	}
}

// barrier returns when every worker of a run has called it and the last one
// to come has done what finish does.
func (t *team) barrier(finish func()) {
	round := t.rounds.Load()
	if t.waits.Add(1) == int32(t.size) {
		finish()
		t.waits.Store(0)
		t.rounds.Add(1)
		return
	}
	for i := 0; t.rounds.Load() == round; i++ {
		if i >= t.spins {
			runtime.Gosched()
		}
	}
}

// close ends the workers.
func (t *team) close() {
	for _, start := range t.start {
		close(start)
	}
	t.start = nil
}
