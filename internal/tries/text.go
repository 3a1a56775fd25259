package tries

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// figure is a column of numbers.
type figure struct {
	name, format string
	of           func(Try) *float64 // nil: a try has none
}

func count(of func(Try) int) func(Try) *float64 {
	return func(t Try) *float64 {
		n := float64(of(t))
		return &n
	}
}

// figures are all columns of numbers but the seed.
var figures = []figure{
	{"epochs", "%.4g", count(func(t Try) int { return t.Epochs })},
	{"best_epoch", "%.4g", count(func(t Try) int { return t.BestEpoch })},
	{"train_loss", "%.5g", func(t Try) *float64 { return t.TrainLoss }},
	{"val_loss", "%.5g", func(t Try) *float64 { return t.ValLoss }},
	{"test_loss", "%.5g", func(t Try) *float64 { return t.TestLoss }},
	{"seconds", "%.4g", func(t Try) *float64 { return &t.Seconds }},
}

// String is the table in words and columns: a line for each try, the median and
// the range of each figure, and which run is the best. A figure that no try has
// is left out.
func (r *Result) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	shown := slices.DeleteFunc(slices.Clone(figures), func(f figure) bool {
		return !slices.ContainsFunc(r.Tries, func(t Try) bool { return f.of(t) != nil })
	})
	head := []string{"seed", "status"}
	for _, f := range shown {
		head = append(head, f.name)
	}
	line := func(cells []string) { fmt.Fprintln(w, strings.Join(cells, "\t")) }
	line(head)
	for _, t := range r.Tries {
		cells := []string{strconv.FormatUint(uint64(t.Seed), 10), string(t.Status)}
		for _, f := range shown {
			cells = append(cells, f.text(f.of(t)))
		}
		line(cells)
	}
	if len(r.Figures) > 0 {
		line(r.summed("median", shown, func(f figure, s Figure) string { return f.text(&s.Median) }))
		line(r.summed("range", shown, func(f figure, s Figure) string {
			if s.Min == s.Max {
				return f.text(&s.Min)
			}
			return f.text(&s.Min) + "–" + f.text(&s.Max)
		}))
	}
	_ = w.Flush() // into memory
	b.WriteString(r.last())
	return b.String()
}

func (f figure) text(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf(f.format, *v)
}

// summed is a line of what figures sum up to.
func (r *Result) summed(name string, shown []figure, text func(figure, Figure) string) []string {
	cells := []string{name, fmt.Sprintf("of %d", len(r.finished()))}
	for _, f := range shown {
		cell := "-"
		for _, s := range r.Figures {
			if s.Name == f.name {
				cell = text(f, s)
			}
		}
		cells = append(cells, cell)
	}
	return cells
}

// last is the line of the best run.
func (r *Result) last() string {
	if r.Best == "" {
		return fmt.Sprintf("none of %d tries finished\n", r.Wanted)
	}
	where := filepath.Join(r.Dir, r.Best)
	if r.Linked {
		where = filepath.Join(r.Dir, Best) + ", a link to " + r.Best
	}
	by := map[string]string{"val_loss": "validation loss", "train_loss": "training loss, for no rows are held out"}[r.By]
	return fmt.Sprintf("the best by %s (the test set chooses nothing): %s\n", by, where)
}
