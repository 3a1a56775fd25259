package detect

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// How says how a threshold was chosen.
type How string

// The ways to choose a threshold.
const (
	ByFalseAlarms   How = "false alarms"
	ByContamination How = "contamination"
	ByHand          How = "by hand"
)

// Threshold is what a score has to exceed to be anomalous.
type Threshold struct {
	Value float64 `json:"value"`
	How   How     `json:"how"`
	Rate  float64 `json:"rate,omitempty"` // of false alarms, or of anomalies in the data
}

// Calibration is the scores of the rows that a detector was fitted on, all of
// them, or of many some, the highest all.
type Calibration struct {
	N      int       `json:"n"`      // how many scores there were
	Ranks  []int     `json:"ranks"`  // which of them are kept, ascending, 0 the least, N-1 the greatest
	Scores []float64 `json:"scores"` // their values
}

// Of a calibration's scores the highest are kept all, and of the others some.
const (
	keptTail = 1024
	keptRest = 256
)

// calibrate keeps scores, which it sorts.
func calibrate(scores []float64) Calibration {
	slices.Sort(scores)
	n := len(scores)
	c := Calibration{N: n}
	keep := func(rank int) {
		c.Ranks, c.Scores = append(c.Ranks, rank), append(c.Scores, scores[rank])
	}
	tail := max(0, n-keptTail)
	for i := range min(keptRest, tail) {
		keep(i * tail / min(keptRest, tail))
	}
	for rank := tail; rank < n; rank++ {
		keep(rank)
	}
	return c
}

// at returns the score of a rank, or of the next above that was kept.
func (c Calibration) at(rank int) float64 {
	i, _ := slices.BinarySearch(c.Ranks, rank)
	return c.Scores[min(i, len(c.Scores)-1)]
}

// quantile returns the score that a share of all does not exceed.
func (c Calibration) quantile(share float64) float64 {
	return c.at(int(math.Ceil(share*float64(c.N))) - 1)
}

// SetFalseAlarms chooses the threshold so that a normal row that the detector
// did not see exceeds it with a chance of at most rate: of n scores of the
// calibration the ⌈(1−rate)·(n+1)⌉-th. The rows that it was fitted on should be
// normal ones that the model was not trained on.
func (d *Detector) SetFalseAlarms(rate float64) error {
	n := d.Calibration.N
	if n == 0 {
		return errors.New("detect: the detector is empty; want one that was fitted or decoded")
	}
	if !(rate > 0 && rate < 1) {
		return fmt.Errorf("detect: a rate of %v false alarms; want one between 0 and 1, such as 0.01", rate)
	}
	rank := int(math.Ceil((1-rate)*float64(n+1)-1e-9)) - 1
	if rank >= n {
		return fmt.Errorf("detect: a rate of %v false alarms, of %d normal rows; so few show rates of at least %.2g: want more rows, or a higher rate", rate, n, 1/float64(n+1))
	}
	d.Threshold = Threshold{Value: d.Calibration.at(max(0, rank)), How: ByFalseAlarms, Rate: rate}
	return nil
}

// SetContamination chooses the threshold so that a share of these scores, the
// highest, exceeds it: of n scores round(share·n), or fewer where the next has
// the same value.
func (d *Detector) SetContamination(share float64, scores []float64) error {
	if !(share > 0 && share < 1) || len(scores) == 0 {
		return fmt.Errorf("detect: a contamination of %v of %d scores; want a share between 0 and 1, such as 0.01, of at least one", share, len(scores))
	}
	if i := slices.IndexFunc(scores, func(v float64) bool { return !finite(v) }); i >= 0 {
		return fmt.Errorf("detect: score %d is %v; want finite ones", i, scores[i])
	}
	sorted := slices.Sorted(slices.Values(scores))
	value := math.Nextafter(sorted[0], math.Inf(-1)) // all exceed it
	if normal := len(sorted) - int(math.Round(share*float64(len(sorted)))); normal > 0 {
		value = sorted[normal-1]
	}
	return d.set(Threshold{Value: value, How: ByContamination, Rate: share})
}

// SetThreshold takes a threshold as it is given.
func (d *Detector) SetThreshold(value float64) error {
	return d.set(Threshold{Value: value, How: ByHand})
}

func (d *Detector) set(t Threshold) error {
	if !finite(t.Value) {
		return fmt.Errorf("detect: a threshold of %v; want a finite one", t.Value)
	}
	d.Threshold = t
	return nil
}

func finite(v float64) bool { return v-v == 0 }
