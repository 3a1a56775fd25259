package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"aegis"
)

// bar is a line of a terminal that is drawn over and over. It is never wider
// than the terminal: what does not fit would stay behind on lines of its own.
type bar struct {
	out   io.Writer
	width func() int // columns of the terminal
	drawn int        // columns of the line that is there
}

// draw replaces the line. A line that cannot be drawn is no reason to stop.
func (b *bar) draw(p aegis.Progress) {
	line := barLine(p, b.width())
	length := utf8.RuneCountInString(line)
	_, _ = io.WriteString(b.out, "\r"+line+strings.Repeat(" ", max(0, min(b.drawn, b.width()-1)-length)))
	b.drawn = length
}

// clear takes the line away.
func (b *bar) clear() {
	if b.drawn > 0 {
		_, _ = io.WriteString(b.out, "\r"+strings.Repeat(" ", max(0, min(b.drawn, b.width()-1)))+"\r")
		b.drawn = 0
	}
}

// barLine is progress in fewer than columns characters: the less there is room
// for, the less it says.
func barLine(p aegis.Progress, columns int) string {
	const widest, narrowest = 24, 5
	share := float64(p.Rows) / float64(max(1, p.TotalRows))
	rate := fmt.Sprintf(" (%.0f images/s)", p.ImagesPerSecond)
	epoch := fmt.Sprintf("  epoch %d/%d", p.Epoch, p.Epochs)
	loss := fmt.Sprintf("  loss %.5f", p.Loss)
	for _, text := range []string{rate + epoch + loss + left(p), rate + epoch + loss, epoch + loss, epoch, ""} {
		head := fmt.Sprintf("%3.0f%% |", math.Floor(100*share))
		room := columns - 1 - utf8.RuneCountInString(head) - len("|") - utf8.RuneCountInString(text)
		if room < narrowest {
			continue
		}
		width := min(widest, room)
		full := int(share * float64(width))
		return head + strings.Repeat("█", full) + strings.Repeat(" ", width-full) + "|" + text
	}
	return ""
}

// left is how long the epoch will take yet.
func left(p aegis.Progress) string {
	if p.ImagesPerSecond <= 0 || p.Rows >= p.TotalRows {
		return ""
	}
	rest := time.Duration(float64(p.TotalRows-p.Rows) / p.ImagesPerSecond * float64(time.Second))
	return fmt.Sprintf("  %v left", rest.Round(time.Second))
}
