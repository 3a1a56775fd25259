package cpu

import (
	"runtime"
	"slices"
	"time"
)

// chooseThreads returns how many workers pay on this machine now. A core that
// others use makes every barrier wait for it, so that one worker fewer is
// faster: the workers do the same piece of work over and over, and as long as
// most rounds take much longer than one worker alone needs, one is let go.
func chooseThreads() int {
	const slack = 1.35
	alone := roundTime(1)
	for n := runtime.GOMAXPROCS(0); n > 1; n-- {
		if float64(roundTime(n)) < slack*float64(alone) {
			return n
		}
	}
	return 1
}

// roundTime is the median time of a round of fixed work on n workers.
func roundTime(n int) time.Duration {
	const rounds, work = 60, 20_000
	t := newTeam(n)
	defer t.close()
	sums := make([]float32, 16*n) // a cache line each
	times := make([]time.Duration, 0, rounds)
	t.run(func(worker int) {
		for range rounds {
			begin := time.Now()
			x := sums[16*worker]
			for i := range work {
				x += float32(i) * 1e-9
			}
			sums[16*worker] = x
			t.barrier(func() { times = append(times, time.Since(begin)) })
		}
	})
	slices.Sort(times)
	return times[len(times)/2]
}
