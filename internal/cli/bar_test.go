package cli

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"aegis"
)

// TestBarFits draws in terminals of all widths: no line is as wide as the
// terminal, and nothing is left in the end.
func TestBarFits(t *testing.T) {
	for columns := range 140 {
		var out bytes.Buffer
		b := &bar{out: &out, columns: func() int { return columns }}
		for _, p := range []aegis.Progress{
			{Epoch: 1, Epochs: 1000, TotalRows: 60000},
			{Epoch: 1, Epochs: 1000, Rows: 64, TotalRows: 60000, Loss: 123456.789, ImagesPerSecond: 0.3},
			{Epoch: 1, Epochs: 1000, Rows: 30000, TotalRows: 60000, Loss: 0.1, ImagesPerSecond: 150000},
			{Epoch: 1, Epochs: 1000, Rows: 60000, TotalRows: 60000, Loss: 0.1, ImagesPerSecond: 1e9},
			{Epoch: 1000, Epochs: 1000, Rows: 100, TotalRows: 60000, Loss: 1e30, ImagesPerSecond: 1e9},
		} {
			b.draw(p)
		}
		b.clear()
		for _, line := range strings.Split(out.String(), "\r") {
			if n := utf8.RuneCountInString(line); n > 0 && n >= columns || strings.Contains(line, "\n") {
				t.Errorf("%d columns: a line of %d: %q", columns, n, line)
			}
		}
		if left := screen(out.String()); strings.TrimSpace(left) != "" {
			t.Errorf("%d columns: %q is left", columns, left)
		}
	}
}

// screen is what a terminal's line shows after an output.
func screen(output string) string {
	line := make([]rune, 0, 200)
	at := 0
	for _, c := range output {
		if c == '\r' {
			at = 0
			continue
		}
		if at == len(line) {
			line = append(line, ' ')
		}
		line[at] = c
		at++
	}
	return string(line)
}

func TestBarSays(t *testing.T) {
	p := aegis.Progress{Epoch: 3, Epochs: 20, Rows: 30000, TotalRows: 60000, Loss: 0.0123456, ImagesPerSecond: 15000}
	for columns, want := range map[int]string{
		100: "epoch 3/20  loss 0.01235  15000 images/s  50% |████████████            |",
		60:  "epoch 3/20  loss 0.01235  15000 images/s  50% |████     |",
		40:  "epoch 3/20  loss 0.01235  50% |██   |",
		30:  "epoch 3/20  50% |████     |",
		16:  "50% |██   |",
		9:   "",
	} {
		var out bytes.Buffer
		b := &bar{out: &out, columns: func() int { return columns }}
		b.draw(p)
		if got := strings.TrimSpace(screen(out.String())); got != want {
			t.Errorf("%d columns: %q, want %q", columns, got, want)
		}
	}
}
