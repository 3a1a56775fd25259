package reportpage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"aegis/data"
	"aegis/internal/detect"
	"aegis/internal/infer"
	"aegis/internal/opendata"
)

// lines opens the lines of the table that the windows were made of by which a
// model is judged, and the number of the first; nil where there are none.
type lines func(context.Context) (rows data.Reader, first int, err error)

// linesOf are those of the run's own data.
func (r *left) linesOf(m *infer.Model) lines {
	if r.config == nil {
		return nil
	}
	return func(ctx context.Context) (data.Reader, int, error) {
		return opendata.Lines(ctx, *r.config, m.Spec(), "")
	}
}

// line is a line that was looked at.
type line struct {
	number int
	detect.Finding
}

// scoreLines gives the detector of lines all of them: how their scores lie, and
// the strangest.
func (j *judging) scoreLines(ctx context.Context) (err error) {
	rows, first, err := j.lines(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var scores []float64
	var top []line
	total := data.Len(rows)
	err = j.detector.Lines(ctx, j.model, rows, func(number int, f detect.Finding) error {
		scores = append(scores, f.Score)
		if len(scores)%1024 == 0 {
			j.o.Progress("lines", len(scores), total)
		}
		if len(top) == cards && f.Score <= top[cards-1].Score {
			return nil
		}
		at, _ := slices.BinarySearchFunc(top, f.Score, func(l line, score float64) int {
			if l.Score == score { // of equals the first stays first
				return -1
			}
			return cmp.Compare(score, l.Score)
		})
		top = slices.Insert(top, at, line{first + number, f})
		top = top[:min(cards, len(top))]
		return nil
	})
	if err != nil {
		return err
	}
	v := j.page.Detector
	v.Facts = append(v.Facts, above(scores, j.detector.Threshold.Value, "lines"))
	v.Histogram = histogram(scores, j.detector.Threshold.Value)
	c := Cards{ID: "strangest-lines", Heading: "The strangest lines", Text: fmt.Sprintf("The %d lines of the highest score, of %d. Windows of them are below.", len(top), len(scores))}
	for _, l := range top {
		card := Card{Name: fmt.Sprintf("Row %d of the table", l.number), Facts: []Fact{{"score", short(l.Score)}}}
		card.Columns = j.reasons(l.Finding, func(r detect.Reason) string { return r.Name })
		c.Cards = append(c.Cards, card)
	}
	j.page.Strange = append(j.page.Strange, c)
	return nil
}

// above says how many scores exceed a threshold.
func above(scores []float64, threshold float64, of string) Fact {
	n := 0
	for _, s := range scores {
		if s > threshold {
			n++
		}
	}
	return Fact{"Above the threshold", fmt.Sprintf("%d of %d %s, %.2f %%", n, len(scores), of, 100*float64(n)/float64(len(scores)))}
}
