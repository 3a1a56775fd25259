package aegis

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"aegis/internal/compare"
	"aegis/internal/run"
)

// Comparison is runs side by side: Runs has one [Compared] each, those whose
// losses compare together and by their test losses. Its Columns, Text and Number
// are a table.
type Comparison = compare.Comparison

// Compared is one run of a [Comparison].
type Compared = compare.Compared

// Summary reads what the run came to. A run that is still training, that was
// killed, or that was imported has none.
func (r *Run) Summary() (*Summary, error) {
	var s Summary
	err := run.ReadSummary(r.Dir, &s)
	if err != nil {
		return nil, r.unfinished(err)
	}
	return &s, nil
}

// unfinished says of a file that is not there why that may be, and what to do.
func (r *Run) unfinished(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("aegis: %w", err)
	}
	why := "the model was imported, or came here alone: want a run that was trained, such as one that goes on from its parameters"
	if _, there := os.Stat(r.Path(run.LastFile)); there == nil {
		why = "the run is still training, or was cut short: wait for its end, or train it anew by its " + run.ConfigFile
	}
	return fmt.Errorf("aegis: %w; %s", err, why)
}

// Metrics reads what is known of each epoch that finished, in their order. A
// model that was imported has none.
func (r *Run) Metrics() ([]Metrics, error) {
	var all []Metrics
	err := run.ReadMetrics(r.Dir, func(line []byte) error {
		var m Metrics
		if err := json.Unmarshal(line, &m); err != nil {
			return err
		}
		all = append(all, m)
		return nil
	})
	if err != nil {
		return nil, r.unfinished(err)
	}
	return all, nil
}

// Compare puts runs side by side, by their configurations, summaries and metrics.
// Losses of runs on other data, or of another loss, do not compare: such runs are
// of other groups.
func Compare(runs ...*Run) (*Comparison, error) {
	var all []compare.Run
	for _, r := range runs {
		c, ok := r.Config()
		if !ok {
			return nil, fmt.Errorf("aegis: compare: no %s lies beside %s; want a run's directory", run.ConfigFile, r.File)
		}
		s, err := r.Summary()
		if err != nil {
			return nil, err
		}
		m, err := r.Metrics()
		if err != nil {
			return nil, err
		}
		all = append(all, compare.Run{Name: r.Dir, Config: c, Summary: *s, Metrics: m})
	}
	return compare.Runs(all)
}
