package aegis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"aegis/internal/run"
)

// Metrics reads what the run wrote of each epoch. A last line that is not whole,
// as a run leaves that is killed or still going on, is left out.
func (r *Run) Metrics() ([]Metrics, error) {
	text, err := os.ReadFile(r.Path(run.MetricsFile))
	if err != nil {
		return nil, fmt.Errorf("aegis: metrics of a run: %w; want a run's directory with what it wrote of each epoch", err)
	}
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	var all []Metrics
	for number, line := range bytes.Split(bytes.TrimRight(text, "\n"), []byte{'\n'}) {
		var m Metrics
		if len(line) == 0 {
			continue
		}
		if err := json.Unmarshal(line, &m); err != nil {
			return nil, fmt.Errorf("aegis: metrics of a run: %s, line %d: %w; want a JSON object of an epoch", r.Path(run.MetricsFile), number+1, err)
		}
		all = append(all, m)
	}
	return all, nil
}
