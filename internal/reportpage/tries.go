package reportpage

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"aegis/internal/run"
	"aegis/internal/session"
	"aegis/internal/tries"
)

// viewTries is what the page says of a directory of tries: all of them in a table,
// and the losses of each.
func viewTries(path string) (*Page, error) {
	t, err := tries.Read(path)
	if err != nil {
		return nil, err
	}
	v := &Page{Title: nameOf(path), Version: session.Version, Subtitle: fmt.Sprintf("%s under %d seeds", t.Model, len(t.Tries))}
	if len(t.Tries) < t.Wanted {
		v.Notes = append(v.Notes, Note{"bad", fmt.Sprintf("Of %d tries that were to be, %d have ended.", t.Wanted, len(t.Tries))})
	}
	v.Facts = triesFacts(t)
	v.Tries = triesTable(t)
	for _, of := range []struct {
		title string
		loss  func(m session.Metrics) *float64
	}{
		{"Training loss", func(m session.Metrics) *float64 { return &m.TrainLoss }},
		{"Validation loss", func(m session.Metrics) *float64 { return m.ValLoss }},
		{"Test loss", func(m session.Metrics) *float64 { return m.TestLoss }},
	} {
		if c := triesChart(path, t, of.title, of.loss); len(c.Lines) > 0 {
			v.Charts = append(v.Charts, c)
		}
	}
	return v, nil
}

func triesFacts(t *tries.Result) []Fact {
	facts := []Fact{{"Model", t.Model}, {"Chosen by", strings.ReplaceAll(t.By, "_", " ")}}
	if t.Best != "" {
		facts = append(facts, Fact{"Best run", t.Best})
	} else {
		facts = append(facts, Fact{"Best run", "none finished"})
	}
	for _, key := range slices.Sorted(maps.Keys(t.Settings)) {
		facts = append(facts, Fact{key, t.Settings[key]})
	}
	for _, f := range t.Figures {
		facts = append(facts, Fact{
			"Median " + strings.ReplaceAll(f.Name, "_", " "),
			fmt.Sprintf("%s, from %s to %s over %d tries", short(f.Median), short(f.Min), short(f.Max), f.Tries),
		})
	}
	return facts
}

func triesTable(t *tries.Result) *Table {
	table := &Table{Caption: "Tries by their seeds", Words: 2, Head: []string{"Run", "Status", "Seed", "Epochs", "Best epoch", "Training loss", "Validation loss", "Test loss", "Seconds"}}
	for _, one := range t.Tries {
		name, status := one.Dir, string(one.Status)
		if one.Dir == t.Best {
			name += " (best)"
		}
		if one.Error != "" {
			status += ": " + one.Error
		}
		table.Rows = append(table.Rows, []string{
			name, status, fmt.Sprint(one.Seed), strconv.Itoa(one.Epochs), strconv.Itoa(one.BestEpoch),
			optional(one.TrainLoss), optional(one.ValLoss), optional(one.TestLoss), strconv.FormatFloat(one.Seconds, 'f', 2, 64),
		})
	}
	return table
}

// triesChart has a line for each try whose metrics can be read.
func triesChart(path string, t *tries.Result, title string, loss func(m session.Metrics) *float64) Chart {
	runs := make([]left, len(t.Tries))
	longest := 0
	for i, one := range t.Tries {
		_ = run.ReadMetrics(filepath.Join(path, filepath.Base(one.Dir)), func(line []byte) error { // a try without metrics has no line
			var m session.Metrics
			if err := json.Unmarshal(line, &m); err != nil {
				return err
			}
			runs[i].metrics = append(runs[i].metrics, m)
			return nil
		})
		longest = max(longest, len(runs[i].metrics))
	}
	x := make([]float64, longest)
	for i := range x {
		x[i] = float64(i + 1)
	}
	var lines []Line
	for i, one := range t.Tries {
		l := runs[i].line(one.Dir, loss)
		for len(l.Values) < longest {
			l.Values = append(l.Values, nil)
		}
		lines = append(lines, l)
	}
	return chart(title, "loss", x, lines...)
}
