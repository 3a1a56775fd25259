package cpu

import (
	"runtime"
	"sync/atomic"
	"time"

	"aegis/internal/vm/cpu/kernel"
)

// team is workers that run one function together, again and again. The
// caller is worker 0; the others sleep between calls and spin within one:
// waking a sleeping goroutine takes some 50 µs, a spinning one sees a barrier
// within a fraction of one. How many of them take part in a call, pace says.
type team struct {
	size   int // workers that there are
	active int // workers that take part in a call
	pace   pacer
	start  []chan func(worker int) // of workers 1 to size-1
	done   chan struct{}
	lost   []lostTime
	waits  atomic.Int32
	_      [60]byte // the two counters share no cache line
	rounds atomic.Uint32
}

// lostTime is how long a worker's thread did not run in a call, on a cache
// line of its own.
type lostTime struct {
	time time.Duration
	_    [56]byte
}

func newTeam(size int) *team {
	t := &team{size: size, active: size, pace: newPacer(size), done: make(chan struct{}, size), lost: make([]lostTime, size)}
	for i := 1; i < size; i++ {
		start := make(chan func(int))
		t.start = append(t.start, start)
		go func() {
			runtime.LockOSThread()
			kernel.FlushDenormals()
			for work := range start {
				t.timed(work, i)
				t.done <- struct{}{}
			}
		}()
	}
	return t
}

// run calls work on every active worker and returns when all have.
func (t *team) run(work func(worker int)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer kernel.FlushDenormals()()
	begin := time.Now()
	for _, start := range t.start[:t.active-1] {
		start <- work
	}
	t.timed(work, 0)
	for range t.active - 1 {
		<-t.done
	}
	lost := time.Duration(0)
	for i := range t.lost[:t.active] {
		lost += t.lost[i].time
	}
	t.active = t.pace.ran(time.Since(begin), lost)
}

// timed calls work and notes how long its thread did not run meanwhile: a
// worker computes or spins from beginning to end, so that the processor was
// somebody else's then.
func (t *team) timed(work func(worker int), worker int) {
	begin, ran := time.Now(), threadTime()
	work(worker)
	if ran = threadTime() - ran; ran > 0 {
		t.lost[worker].time = time.Since(begin) - ran
	}
}

// spinsBeforeYield is how often a worker looks before it yields: some
// microseconds, longer than most waits are where every worker has a processor.
const spinsBeforeYield = 4000

// barrier returns when every active worker of a run has called it and the last
// one to come has done what finish does.
func (t *team) barrier(finish func()) {
	round := t.rounds.Load()
	if t.waits.Add(1) == int32(t.active) {
		finish()
		t.waits.Store(0)
		t.rounds.Add(1)
		return
	}
	for i := 0; t.rounds.Load() == round; i++ {
		if i >= spinsBeforeYield {
			yield(t.active > runtime.GOMAXPROCS(0))
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
