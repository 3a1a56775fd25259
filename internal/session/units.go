package session

import (
	"context"
	"fmt"
	"strings"

	"aegis/model"
	"aegis/model/program"
)

// divergence gathers what each dimension of codes that are distributions carries.
type divergence struct {
	sums []float64 // over rows, of that from N(0, 1), in nats
	rows int
}

// add takes the means and log variances of rows.
func (d *divergence) add(mu, logvar []float32) {
	width := len(d.sums)
	for i := range mu {
		d.sums[i%width] += model.Divergence(mu[i:i+1], logvar[i:i+1])
	}
	d.rows += len(mu) / width
}

// means are those over rows, nil where one is no finite number.
func (d *divergence) means() []float64 {
	all := make([]float64, len(d.sums))
	for i, sum := range d.sums {
		if all[i] = sum / float64(d.rows); finite(all[i]) == nil {
			return nil
		}
	}
	return all
}

// addLogVar takes in rows whose codes have the given means.
func (t *trainer) addLogVar(ctx context.Context, d *divergence, in program.Feed, mu []float32) error {
	logvar := make([]float32, len(mu))
	if err := t.machine.Infer(ctx, program.LogVar, in, logvar); err != nil {
		return err
	}
	d.add(mu, logvar)
	return nil
}

// activeVariance is above what the mean of a dimension that is in use varies
// from row to row (Burda et al. 2016).
const activeVariance = 0.01

// deadDimensions are those whose means hardly vary.
func deadDimensions(variances []float64) []int {
	dead := []int{}
	for i, v := range variances {
		if !(v > activeVariance) {
			dead = append(dead, i)
		}
	}
	return dead
}

// ranges writes numbers in ascending order, counted from 1, such as 1, 3–6, 10.
func ranges(numbers []int) string {
	var parts []string
	for from := 0; from < len(numbers); {
		to := from
		for to+1 < len(numbers) && numbers[to+1] == numbers[to]+1 {
			to++
		}
		text := fmt.Sprint(numbers[from] + 1)
		switch {
		case to == from+1:
			text += fmt.Sprintf(", %d", numbers[to]+1)
		case to > from:
			text += fmt.Sprintf("–%d", numbers[to]+1)
		}
		parts = append(parts, text)
		from = to + 1
	}
	return strings.Join(parts, ", ")
}

// collapsed warns of a code most of whose dimensions are dead, "" where they
// are not.
func collapsed(dead []int, size int) string {
	if 2*len(dead) <= size {
		return ""
	}
	which := "every dimension of the code is dead"
	if len(dead) < size {
		which = fmt.Sprintf("%d of the code's %d dimensions are dead (%s)", len(dead), size, ranges(dead))
	}
	return which + ": their means hardly hang on the image; try a lower beta, a KL warm-up or free bits, or fewer dimensions"
}
