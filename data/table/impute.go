package table

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"aegis/data"
)

// impute fills in what is missing, and says so in notes. Every column of
// numbers gets its fill, so that a model has one for each.
func (l *loading) impute(set data.Set, fills []int) error {
	if l.opt.Impute != "" {
		l.fillAll(set)
	}
	for i, n := range fills {
		if f := l.form.Fields[i]; n > 0 {
			note := fmt.Sprintf("column %q: %d missing values become %.6g", f.Name, n, *f.Fill)
			if f.Categories != nil {
				note = fmt.Sprintf("column %q: %d missing values become none of its categories", f.Name, n)
			}
			l.found = append(l.found, note)
		}
	}
	return nil
}

// fillAll finds each column's fill, a processor for some of them.
func (l *loading) fillAll(set data.Set) {
	var wg sync.WaitGroup
	turns := make(chan struct{}, atOnce())
	at := 0
	for i := range l.form.Fields {
		f := &l.form.Fields[i]
		width := f.Values() // before another goroutine writes to the field
		if f.Categories == nil {
			turns <- struct{}{}
			offset := at
			wg.Go(func() {
				f.Fill = fillColumn(set.Floats[offset:], set.W, l.opt.Impute)
				<-turns
			})
		}
		at += width
	}
	wg.Wait()
}

// fillColumn replaces NaN in every width-th value.
func fillColumn(values []float32, width int, how string) *float64 {
	var known []float32
	for i := 0; i < len(values); i += width {
		if v := values[i]; v == v {
			known = append(known, v)
		}
	}
	fill := mean(known)
	if how == imputeMedian {
		fill = median(known)
	}
	for i := 0; i < len(values); i += width {
		if v := values[i]; v != v {
			values[i] = float32(fill)
		}
	}
	return &fill
}

func mean(values []float32) float64 {
	sum := 0.0
	for _, v := range values {
		sum += float64(v)
	}
	return sum / math.Max(1, float64(len(values)))
}

// median sorts the values. Of an even number it is the mean of the middle two.
func median(values []float32) float64 {
	slices.Sort(values)
	n := len(values)
	if n == 0 {
		return 0
	}
	return (float64(values[(n-1)/2]) + float64(values[n/2])) / 2
}
