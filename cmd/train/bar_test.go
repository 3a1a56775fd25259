package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"aegis"
)

func TestBarLine(t *testing.T) {
	p := aegis.Progress{Epoch: 3, Epochs: 20, Rows: 30000, TotalRows: 60000, Loss: 0.0123456, ImagesPerSecond: 15000}
	for columns, want := range map[int]string{
		100: " 50% |" + strings.Repeat("█", 12) + strings.Repeat(" ", 12) + "| (15000 images/s)  epoch 3/20  loss 0.01235  2s left",
		60:  " 50% |" + strings.Repeat("█", 4) + strings.Repeat(" ", 5) + "| (15000 images/s)  epoch 3/20  loss 0.01235",
		40:  " 50% |███   |  epoch 3/20  loss 0.01235",
		30:  " 50% |█████     |  epoch 3/20",
		20:  " 50% |██████      |",
		5:   "",
		0:   "",
	} {
		if got := barLine(p, columns); got != want {
			t.Errorf("%d columns: %q, want %q", columns, got, want)
		}
	}
	for columns := range 200 {
		for _, rows := range []int{0, 1, 59999, 60000} {
			for _, rate := range []float64{0, 0.3, 1e9} {
				p.Rows, p.ImagesPerSecond = rows, rate
				if got := utf8.RuneCountInString(barLine(p, columns)); got > max(0, columns-1) {
					t.Fatalf("%d columns, %d rows: a line of %d", columns, rows, got)
				}
			}
		}
	}
}

// TestBarIsOverdrawn: a shorter line leaves nothing of a longer one, and clear
// nothing at all.
func TestBarIsOverdrawn(t *testing.T) {
	var b bytes.Buffer
	columns := 80
	line := &bar{out: &b, width: func() int { return columns }}
	p := aegis.Progress{Epoch: 1, Epochs: 2, Rows: 10, TotalRows: 100, Loss: 12345, ImagesPerSecond: 2}
	line.draw(p)
	columns = 40
	line.draw(p)
	p.Loss = 1
	line.draw(p)
	line.clear()
	line.clear()
	screen := make([]rune, 80)
	at := 0
	for _, c := range b.String() {
		if c == '\r' {
			at = 0
			continue
		}
		screen[at] = c
		at++
	}
	if left := strings.TrimRight(string(screen[:39]), " \x00"); left != "" {
		t.Errorf("%q is left on the screen", left)
	}
	if at != 0 {
		t.Errorf("the cursor is in column %d, want 0", at)
	}
}
