package verb

import (
	"time"

	"github.com/schollz/progressbar/v3"

	"aegis/internal/cli"
)

// progress shows on stderr how much is done: a bar on a terminal, else a line
// now and then.
type progress struct {
	process *cli.Process
	what    string
	of      int    // in all, −1 where that is unknown
	unit    string // of what is counted; a new one counts rows
	done    int
	silent  bool
	said    time.Time
	bar     *progressbar.ProgressBar
}

// patience is the time between two lines.
const patience = 5 * time.Second

func newProgress(p *cli.Process, what string, of int) *progress {
	b := &progress{process: p, what: what, of: of, unit: "rows", said: time.Now()}
	if columns := p.Columns(); columns > 0 {
		const text = 40 // beside the bar
		b.bar = progressbar.NewOptions(of,
			progressbar.OptionSetWriter(p.Stderr), progressbar.OptionSetDescription(what), progressbar.OptionSetWidth(max(5, min(24, columns-text))),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	return b
}

// add counts what is done.
func (b *progress) add(n int) {
	b.done += n
	switch {
	case b.silent:
	case b.bar != nil:
		_ = b.bar.Add(n) // what cannot be drawn is no reason to stop
	case time.Since(b.said) < patience:
	case b.of > 0:
		b.said = time.Now()
		b.process.Say("%s: %d of %d %s", b.what, b.done, b.of, b.unit)
	default:
		b.said = time.Now()
		b.process.Say("%s: %d %s", b.what, b.done, b.unit)
	}
}

// close takes the bar away.
func (b *progress) close() {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}
