package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Ranking is scores with which of them should be high, sorted, from which the
// metrics of a detector are taken. Equal scores cannot be told apart by any
// threshold: they count together.
type Ranking struct {
	scores              []float64 // distinct ones, falling
	truths, falses      []int     // at each score and above
	positive, negatives int
}

// ErrOneClass is the error of a metric of two classes where there is only one.
var ErrOneClass = errors.New("all labels are of one class")

// Rank sorts scores by the labels that they should have: true for what should
// score high.
func Rank(scores []float64, labels []bool) (*Ranking, error) {
	if len(scores) != len(labels) {
		return nil, fmt.Errorf("analysis: ranking: want a label for each score, got %d scores and %d labels", len(scores), len(labels))
	}
	order := make([]int, len(scores))
	for i, s := range scores {
		if math.IsNaN(s) {
			return nil, fmt.Errorf("analysis: ranking: want scores that can be sorted, got NaN in row %d", i)
		}
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case scores[a] > scores[b]:
			return -1
		case scores[a] < scores[b]:
			return 1
		}
		return 0
	})
	r := &Ranking{}
	for at, i := range order {
		if labels[i] {
			r.positive++
		} else {
			r.negatives++
		}
		if at+1 == len(order) || scores[order[at+1]] != scores[i] {
			r.scores = append(r.scores, scores[i])
			r.truths = append(r.truths, r.positive)
			r.falses = append(r.falses, r.negatives)
		}
	}
	if r.positive == 0 || r.negatives == 0 {
		return nil, fmt.Errorf("analysis: ranking: want labels of both classes, got %d positive and %d negative: %w", r.positive, r.negatives, ErrOneClass)
	}
	return r, nil
}

// ROCAUC returns the area under the receiver operating characteristic: the
// chance that a positive scores above a negative, half of it where they are
// equal (Hanley and McNeil, 1982).
func (r *Ranking) ROCAUC() float64 {
	var area float64
	truths, falses := 0, 0
	for i := range r.scores {
		area += float64(r.falses[i]-falses) * float64(r.truths[i]+truths) / 2
		truths, falses = r.truths[i], r.falses[i]
	}
	return area / float64(r.positive) / float64(r.negatives)
}

// AveragePrecision returns the area under the curve of precision over recall,
// as steps: Σ (recallᵢ − recallᵢ₋₁)·precisionᵢ.
func (r *Ranking) AveragePrecision() float64 {
	var area float64
	truths := 0
	for i := range r.scores {
		area += float64(r.truths[i]-truths) * float64(r.truths[i]) / float64(r.truths[i]+r.falses[i])
		truths = r.truths[i]
	}
	return area / float64(r.positive)
}

// Decision is how a threshold parts the scores: a score at the threshold or
// above is called positive.
type Decision struct {
	Threshold             float64
	Precision, Recall, F1 float64 // 0 where nothing is called positive
	FalseAlarms           float64 // the share of the negatives that are called positive
}

// At returns how a threshold decides.
func (r *Ranking) At(threshold float64) Decision {
	// The scores fall: those before i are at the threshold or above.
	i, _ := slices.BinarySearchFunc(r.scores, threshold, func(score, threshold float64) int {
		if score >= threshold {
			return -1
		}
		return 1
	})
	if i == 0 {
		return Decision{Threshold: threshold}
	}
	return r.decision(i-1, threshold)
}

// Best returns the decision of the highest F1, among equal ones that of the
// highest threshold.
func (r *Ranking) Best() Decision {
	best := r.decision(0, r.scores[0])
	for i := range r.scores {
		if d := r.decision(i, r.scores[i]); d.F1 > best.F1 {
			best = d
		}
	}
	return best
}

func (r *Ranking) decision(i int, threshold float64) Decision {
	truths, falses := float64(r.truths[i]), float64(r.falses[i])
	return Decision{
		Threshold:   threshold,
		Precision:   truths / (truths + falses),
		Recall:      truths / float64(r.positive),
		F1:          2 * truths / (truths + falses + float64(r.positive)),
		FalseAlarms: falses / float64(r.negatives),
	}
}
