package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"aegis"
)

// watcher shows a run: a progress bar an epoch where stderr is a terminal, a
// line an epoch everywhere, the metrics as JSON on stdout with --json.
type watcher struct {
	*call
	process  *Process
	bar      *bar
	dir      string    // of the run that began last
	root     string    // of tries
	noun     string    // what rows are called
	measured time.Time // when a line last said how far the data was read
	failed   error     // of writing to stdout, said already
	gone     bool      // nobody reads stdout
}

func newWatcher(p *Process, c *call) *watcher {
	w := &watcher{call: c, process: p}
	if file, ok := p.Stderr.(*os.File); ok && term.IsTerminal(int(file.Fd())) && !c.quiet {
		w.bar = &bar{out: p.Stderr, columns: func() int { return columns(file) }}
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
	return aegis.Hooks{Measure: w.measure, Start: w.start, Progress: w.progress, Epoch: w.metrics, Warn: w.warn}
}

func (w *watcher) printf(format string, args ...any) {
	if !w.quiet {
		w.process.say(format, args...)
	}
}

// patience is how long the data may be read without a word.
const patience = 5 * time.Second

// opening says every few seconds how far data are decoded, read or fetched. It is
// called from the goroutine that opens them, before any other. Each image or line
// leaves garbage, so that it is collected from here on.
func (w *watcher) opening(what string, done, of int) {
	if w.measured.IsZero() {
		w.process.Collect()
		w.measured = time.Now()
	}
	if time.Since(w.measured) < patience {
		return
	}
	w.measured = time.Now()
	if of > 0 {
		w.printf("%s: %d %% of %d\n", what, 100*done/of, of)
	} else {
		w.printf("%s: %d\n", what, done)
	}
}

// reading says that the data is being read.
func (w *watcher) reading() { w.printf("reading %s\n", w.config.Data) }

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
	w.process.Collect()
	if !w.quiet {
		w.process.stopping.set(stoppingStep)
	}
	w.dir, w.noun = s.Out, s.Noun
	if w.bar != nil {
		w.bar.noun = s.Noun
	}
	held := ""
	if s.ValRows > 0 {
		held = fmt.Sprintf(", %d held out", s.ValRows)
	}
	why := ""
	if s.Why != "" {
		why = ": " + s.Why
	}
	w.printf("%s, %d parameters, on %s%s\n%d training %s%s, %d test %s; writing to %s\n",
		w.config.Model, s.Params, s.Device, why, s.TrainRows, s.Noun, held, s.Tests, s.Noun, s.Out)
	for _, note := range s.Notes {
		w.printf("%s\n", note)
	}
}

// warn says what goes wrong with files while training goes on, whatever else is
// not said.
func (w *watcher) warn(text string) {
	w.close()
	w.process.Say("%s", text)
}

func (w *watcher) progress(p aegis.Progress) {
	if w.bar != nil {
		w.bar.draw(p)
	}
}

// metrics says what an epoch came to.
func (w *watcher) metrics(m aegis.Metrics) {
	w.epoch("", m)
	w.line(m)
}

// epoch prints an epoch's line behind a label.
func (w *watcher) epoch(label string, m aegis.Metrics) {
	w.close()
	line := label + fmt.Sprintf("epoch %*d/%d  train %.5f%s", digits(w.config.Epochs), m.Epoch, w.config.Epochs, m.TrainLoss, terms(m.Terms))
	if m.ValLoss != nil {
		line += fmt.Sprintf("  val %.5f%s", *m.ValLoss, terms(m.ValTerms))
		if m.Best {
			line += " (best)"
		}
	}
	if m.TestLoss != nil {
		line += fmt.Sprintf("  test %.5f%s", *m.TestLoss, terms(m.TestTerms))
	}
	if m.Seconds > 0 { // of an epoch that was gone on with behind its last step nothing was timed
		line += fmt.Sprintf("  %.2f s, %.0f %s/s", m.Seconds, m.ImagesPerSecond, w.noun)
	}
	w.printf("%s\n", line)
}

// terms lists those of a loss but for itself, "" where there are no others.
func terms(all map[string]float64) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name != "loss" {
			list = append(list, fmt.Sprintf("%s %.3f", name, all[name]))
		}
	}
	if list == nil {
		return ""
	}
	return " (" + strings.Join(list, ", ") + ")"
}

// line prints metrics as JSON, where they are asked for. Where that fails the run
// goes on, and is kept; a reader that has gone away has read what it wanted.
func (w *watcher) line(metrics any) {
	if !w.json || w.failed != nil || w.gone {
		return
	}
	text, err := json.Marshal(metrics)
	if err == nil {
		_, err = fmt.Fprintf(w.process.Stdout, "%s\n", text)
	}
	switch {
	case errors.Is(err, syscall.EPIPE):
		w.gone = true
		w.printf("nobody reads the lines of --json any more; training goes on\n")
	case err != nil:
		w.failed = &saidError{err}
		w.process.say("%s: --json: %v; training goes on without it\n", w.process.Name, err)
	}
}

func digits(n int) int { return len(fmt.Sprint(n)) }

// close takes the bar of an unfinished epoch away.
func (w *watcher) close() {
	if w.bar != nil {
		w.bar.clear()
	}
}

// done says what is wrong with the model in a run's directory, where everything
// is, and how good the model is.
func (w *watcher) done(s *aegis.Summary, dir string) {
	if s.NothingLeft != "" {
		w.printf("%s\n", s.NothingLeft)
		return
	}
	if s.EarlyStop > 0 {
		w.printf("stopped after epoch %d: validation has not got better since epoch %d\n", s.EarlyStop, s.BestEpoch)
	}
	for _, warning := range s.Warnings {
		w.printf("warning: %s\n", warning)
	}
	names := []string{"model.safetensors"}
	for _, picture := range []string{"reconstructions.png", "latent.png", "samples.png", "grid.png", "loss.png", "terms.png"} {
		if _, err := os.Stat(filepath.Join(dir, picture)); err == nil { // of vectors there is none of reconstructions
			names = append(names, picture)
		}
	}
	verdict := s.Verdict.Words()
	if verdict != "" {
		verdict = "; " + verdict
	}
	w.printf("%s: %s%s\n", filepath.Clean(dir), strings.Join(names, ", "), verdict)
}
