package cpu

import "time"

// pacer says how many workers take part in a call, by what the calls before
// lost. A worker whose processor is taken away makes the others wait at the
// next barrier, so that beside a busy process two workers can take longer than
// one. No number depends on how many there are.
type pacer struct {
	size, active int

	// Of the window in progress: time that passed, and time that the workers
	// did not run, summed over them.
	wall, lost time.Duration

	quiet time.Duration // since the number last changed
	wait  time.Duration // that it takes until one worker more is tried
	trial bool          // one worker more is being tried
}

const (
	// Windows are long against the few milliseconds for which a system lets
	// a process run. A trial beside a busy process is slow, so it is short.
	fullWindow  = 50 * time.Millisecond
	trialWindow = 12 * time.Millisecond

	firstWait = 250 * time.Millisecond
	mostWait  = 8 * time.Second

	// tolerated is what may be lost, as a share of the gain of the last
	// worker: with n workers, losing one worker's time altogether costs as
	// much as its part of the work is worth when n times the share lost is 1.
	tolerated = 0.7
)

func newPacer(size int) pacer {
	return pacer{size: size, active: size, wait: firstWait, trial: size > 1}
}

// windowLength is how long the next call should take at most.
func (p *pacer) windowLength() time.Duration {
	if p.trial {
		return trialWindow
	}
	return fullWindow
}

// ran takes a call's time and what its workers lost in sum, and returns how
// many take part in the next one.
func (p *pacer) ran(wall, lost time.Duration) int {
	p.wall += wall
	p.lost += lost
	if p.size == 1 || p.wall < p.windowLength()/2 {
		return p.active
	}
	share := float64(p.lost) / float64(p.wall)
	p.quiet += p.wall
	p.wall, p.lost = 0, 0
	switch {
	case p.active > 1 && share*float64(p.active) > tolerated:
		p.fewer(int(share + 0.5))
	case p.trial: // the worker more pays
		p.trial = false
		p.quiet = 0
	case p.active < p.size && p.quiet >= p.wait:
		p.active++
		p.quiet, p.trial = 0, true
	case p.quiet >= p.wait: // all have run for long: the next trouble is a new one
		p.wait = firstWait
	}
	return p.active
}

// fewer lets workers go, about as many as the neighbours take processors. A
// trial that failed is tried again after twice the time.
func (p *pacer) fewer(taken int) {
	if p.trial {
		p.wait = min(2*p.wait, mostWait)
	}
	p.active = max(1, p.active-max(1, taken))
	p.quiet, p.trial = 0, false
}
