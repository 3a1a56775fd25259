package tries

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"aegis/internal/analysis"
	"aegis/internal/compare"
	"aegis/internal/session"
)

// Try is what the run of one seed came to. The losses are those of its model.
type Try struct {
	Seed      session.Seed   `json:"seed"`
	Dir       string         `json:"directory"` // beside the table
	Status    session.Status `json:"status"`
	Error     string         `json:"error,omitempty"`
	Epochs    int            `json:"epochs"` // finished
	BestEpoch int            `json:"best_epoch"`
	TrainLoss *float64       `json:"train_loss"` // nil: there is none
	ValLoss   *float64       `json:"val_loss"`
	TestLoss  *float64       `json:"test_loss"`
	Seconds   float64        `json:"seconds"` // of training, all epochs

	Err error `json:"-"` // whose text Error is; nil in a table that was read
}

// Result is a table of tries.
type Result struct {
	Dir   string `json:"-"` // that it lies in
	Model string `json:"model"`
	// Settings are the values of the configuration that are not the preset's, by
	// their keys; seeds are the tries'.
	Settings map[string]string `json:"settings"`
	Wanted   int               `json:"wanted"` // how many tries there were to be
	// By is the loss that the best run has the least of: val_loss where rows are
	// held out, else train_loss. The test set chooses nothing.
	By     string `json:"by"`
	Best   string `json:"best"`   // directory of the best run that finished, "" where none did
	Linked bool   `json:"linked"` // there is a link to it beside the table
	Tries  []Try  `json:"tries"`  // by their seeds
	// Figures sum up the tries that finished.
	Figures []Figure `json:"figures"`
}

// Figure sums up one figure of tries.
type Figure struct {
	Name   string  `json:"name"`
	Tries  int     `json:"tries"` // that have it
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// tried is what a run came to; its summary is nil where it did not begin.
func tried(seed session.Seed, s *session.Summary, err error) Try {
	t := Try{Seed: seed, Dir: dirOf(seed), Status: session.Failed, Err: err}
	if s != nil {
		t.Status, t.Epochs, t.BestEpoch = s.Status, s.Epochs, s.BestEpoch
		t.TrainLoss, t.ValLoss, t.TestLoss = s.TrainLoss, s.ValLoss, s.TestLoss
	}
	if err != nil {
		if t.Error = err.Error(); t.Status == session.Finished {
			t.Status = session.Failed
		}
	}
	return t
}

// add takes a try in, and sums up anew.
func (r *Result) add(t Try) {
	r.Tries = append(r.Tries, t)
	slices.SortFunc(r.Tries, func(a, b Try) int { return cmp.Compare(a.Seed, b.Seed) })
	r.Figures = nil
	for _, f := range figures {
		var values []float64
		for _, t := range r.finished() {
			if v := f.of(t); v != nil {
				values = append(values, *v)
			}
		}
		if len(values) > 0 {
			slices.Sort(values)
			r.Figures = append(r.Figures, Figure{f.name, len(values), analysis.Quantile(values, 0.5), values[0], values[len(values)-1]})
		}
	}
	r.choose()
}

// choose finds the best try, of the same loss the first.
func (r *Result) choose() {
	loss := func(t Try) *float64 { return t.TrainLoss }
	if r.By, r.Best = "train_loss", ""; slices.ContainsFunc(r.finished(), func(t Try) bool { return t.ValLoss != nil }) {
		r.By, loss = "val_loss", func(t Try) *float64 { return t.ValLoss }
	}
	var least *float64
	for _, t := range r.finished() {
		if v := loss(t); v != nil && (least == nil || *v < *least) {
			r.Best, least = t.Dir, v
		}
	}
}

// finished are the tries that did.
func (r *Result) finished() (some []Try) {
	for _, t := range r.Tries {
		if t.Status == session.Finished {
			some = append(some, t)
		}
	}
	return some
}

// Runs are the directories of the runs that have an epoch to show.
func (r *Result) Runs() (dirs []string) {
	for _, t := range r.Tries {
		if t.Epochs > 0 {
			dirs = append(dirs, filepath.Join(r.Dir, t.Dir))
		}
	}
	return dirs
}

// settings are the values of a configuration that are not its preset's.
func settings(c session.Config) map[string]string {
	all := make(map[string]string)
	preset, err := session.NewConfig(c.Model)
	for _, g := range session.ConfigGroups() {
		for _, o := range g.Options {
			value := compare.Text(o.At(&c))
			if o.Key != "seed" && (err != nil || value != compare.Text(o.At(&preset))) { // an unknown preset's are all
				all[o.Key] = value
			}
		}
	}
	return all
}

// write writes the table as JSON.
func (r *Result) write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// Read reads the table in a directory of tries.
func Read(dir string) (*Result, error) {
	path := filepath.Join(dir, File)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("aegis: read tries: %w", err)
	}
	r := &Result{Dir: dir}
	if err = json.Unmarshal(text, r); err == nil && len(r.Tries) == 0 {
		err = errors.New("no tries are in it")
	}
	for _, t := range r.Tries {
		if err == nil && t.Dir != dirOf(t.Seed) {
			err = fmt.Errorf("seed %d is in %q; want %q", t.Seed, t.Dir, dirOf(t.Seed))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("aegis: read tries: %s: %w", path, err)
	}
	return r, nil
}
