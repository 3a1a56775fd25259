package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/term"

	"aegis"
)

// watcher shows a run: a progress bar an epoch where stderr is a terminal, a
// line an epoch everywhere, the metrics as JSON on stdout with --json.
type watcher struct {
	flags          *flags
	stdout, stderr io.Writer
	bar            *bar
	out            string
	last           aegis.Metrics
	measured       time.Time // when a line last said how far the data was read
}

func newWatcher(f *flags, stdout, stderr io.Writer) *watcher {
	w := &watcher{flags: f, stdout: stdout, stderr: stderr}
	if file, ok := stderr.(*os.File); ok && term.IsTerminal(int(file.Fd())) && !f.quiet {
		w.bar = &bar{out: stderr, columns: func() int { return columns(file) }}
	}
	return w
}

// columns returns the width of a terminal.
func columns(terminal *os.File) int {
	if width, _, err := term.GetSize(int(terminal.Fd())); err == nil && width > 0 {
		return width
	}
	return 80
}

func (w *watcher) hooks() aegis.Hooks {
	return aegis.Hooks{Measure: w.measure, Start: w.start, Progress: w.progress, Epoch: w.metrics}
}

func (w *watcher) printf(format string, args ...any) {
	if !w.flags.quiet {
		fmt.Fprintf(w.stderr, format, args...)
	}
}

// patience is how long the data may be read without a word.
const patience = 5 * time.Second

// reading says that the data is being read.
func (w *watcher) reading() { w.printf("reading %s\n", w.flags.config.Data) }

// measure says every few seconds how much of the data was read.
func (w *watcher) measure(done, of int) {
	if w.measured.IsZero() {
		w.measured = time.Now()
	}
	if done < of && time.Since(w.measured) >= patience {
		w.measured = time.Now()
		w.printf("reading the data: %d %% of %d rows\n", 100*done/of, of)
	}
}

// start is called when data and network are there. Little of what went before
// is garbage: to look for it again and again while they grow took a third of a
// run of ten steps.
func (w *watcher) start(s aegis.Start) {
	debug.SetGCPercent(gcPercent)
	w.out = s.Out
	held := ""
	if s.ValRows > 0 {
		held = fmt.Sprintf(", %d held out", s.ValRows)
	}
	why := ""
	if s.Why != "" {
		why = ": " + s.Why
	}
	w.printf("%s, %d parameters, on %s%s\n%d training %s%s, %d test %s; writing to %s\n",
		w.flags.config.Model, s.Params, s.Device, why, s.TrainRows, s.Noun, held, s.Tests, s.Noun, s.Out)
	for _, note := range s.Notes {
		w.printf("%s\n", note)
	}
}

func (w *watcher) progress(p aegis.Progress) {
	if w.bar != nil {
		w.bar.draw(p)
	}
}

func (w *watcher) metrics(m aegis.Metrics) {
	w.close()
	w.last = m
	line := fmt.Sprintf("epoch %*d/%d  train %.5f", digits(w.flags.config.Epochs), m.Epoch, w.flags.config.Epochs, float64(m.TrainLoss))
	if m.ValLoss != nil {
		line += fmt.Sprintf("  val %.5f", float64(*m.ValLoss))
		if m.Best {
			line += " (best)"
		}
	}
	if m.TestLoss != nil {
		line += fmt.Sprintf("  test %.5f", float64(*m.TestLoss))
	}
	w.printf("%s  %.2f s, %.0f images/s\n", line, m.Seconds, m.ImagesPerSecond)
	if w.flags.json {
		text, err := json.Marshal(m)
		if err == nil {
			_, err = fmt.Fprintf(w.stdout, "%s\n", text)
		}
		if err != nil {
			fmt.Fprintf(w.stderr, "train: --json: %v\n", err)
		}
	}
}

func digits(n int) int { return len(fmt.Sprint(n)) }

// close takes the bar of an unfinished epoch away.
func (w *watcher) close() {
	if w.bar != nil {
		w.bar.clear()
	}
}

// done says what is wrong with the model, where everything is, and how good the
// model is.
func (w *watcher) done(s *aegis.Summary) {
	for _, warning := range s.Warnings {
		w.printf("warning: %s\n", warning)
	}
	names := []string{"model.safetensors"}
	for _, picture := range []string{"reconstructions.png", "latent.png", "loss.png"} {
		if _, err := os.Stat(filepath.Join(w.out, picture)); err == nil { // of vectors there is none of reconstructions
			names = append(names, picture)
		}
	}
	verdict := s.Verdict.Words()
	if verdict != "" {
		verdict = "; " + verdict
	}
	w.printf("%s: %s%s\n", filepath.Clean(w.out), strings.Join(names, ", "), verdict)
}
