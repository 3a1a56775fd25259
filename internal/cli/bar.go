package cli

import (
	"cmp"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"

	"aegis"
)

// bar is the progress of an epoch on a terminal. It is never wider than the
// terminal: what does not fit would stay behind on lines of its own. Its rate
// is the epoch's so far.
type bar struct {
	out     io.Writer
	columns func() int // of the terminal
	noun    string     // what rows are called; images where it is empty

	shown *progressbar.ProgressBar // nil: nothing is drawn
	epoch int
	width int // of shown
}

// draw shows progress. A bar that cannot be drawn is no reason to stop.
func (b *bar) draw(p aegis.Progress) {
	description, width := layout(p, b.noun, b.columns())
	if b.shown != nil && (b.epoch != p.Epoch || b.width != width) {
		b.clear()
	}
	if width == 0 {
		return
	}
	if b.shown == nil {
		b.epoch, b.width = p.Epoch, width
		b.shown = progressbar.NewOptions(p.TotalRows,
			progressbar.OptionSetWriter(b.out), progressbar.OptionSetWidth(width), progressbar.OptionSetDescription(description),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false), progressbar.OptionClearOnFinish())
	}
	b.shown.Describe(description)
	_ = b.shown.Set(p.Rows)
}

// clear takes the bar away.
func (b *bar) clear() {
	if b.shown != nil {
		_ = b.shown.Clear()
		b.shown = nil
	}
}

// layout returns what stands before a bar, and the bar's width, so that both
// fit: the less room there is, the less is said. A width of 0 is no bar.
func layout(p aegis.Progress, noun string, columns int) (description string, width int) {
	const (
		widest, narrowest = 24, 5
		frame             = len("  100% || ") + 1 // the last column stays free
	)
	epoch := fmt.Sprintf("epoch %d/%d", p.Epoch, p.Epochs)
	loss := fmt.Sprintf("  loss %.5f", p.Loss)
	rate := fmt.Sprintf("  %.0f %s/s", p.ImagesPerSecond, cmp.Or(noun, "images"))
	for _, text := range []string{epoch + loss + rate, epoch + loss, epoch, ""} {
		if room := columns - frame - utf8.RuneCountInString(text); room >= narrowest {
			return text, min(widest, room)
		}
	}
	return "", 0
}
