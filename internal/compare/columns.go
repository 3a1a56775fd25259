package compare

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// column is one of a comparison's table.
type column struct {
	name   string
	text   func(Compared) string
	number func(Compared) float64 // NaN: there is none; nil: it is text
}

func whole(name string, of func(Compared) int) column {
	return column{
		name, func(c Compared) string { return strconv.Itoa(of(c)) },
		func(c Compared) float64 { return float64(of(c)) },
	}
}

func loss(name string, of func(Compared) *float64) column {
	number := func(c Compared) float64 {
		if v := of(c); v != nil {
			return *v
		}
		return math.NaN()
	}
	return column{name, func(c Compared) string {
		if v := number(c); v == v {
			return fmt.Sprintf("%.5g", v)
		}
		return "-"
	}, number}
}

func words(name string, of func(Compared) string) column { return column{name: name, text: of} }

// columns are all of a comparison, the run first.
func (c *Comparison) columns() []column {
	all := []column{
		words("run", func(r Compared) string { return r.Run }),
		whole("group", func(r Compared) int { return r.Group }),
		words("status", func(r Compared) string { return r.Status }),
		words("model", func(r Compared) string { return r.Model }),
		whole("params", func(r Compared) int { return r.Params }),
		words("data", func(r Compared) string { return r.Data }),
		whole("rows", func(r Compared) int { return r.Rows }),
		whole("epochs", func(r Compared) int { return r.Epochs }),
		{"seed", func(r Compared) string { return strconv.FormatUint(r.Seed, 10) }, func(r Compared) float64 { return float64(r.Seed) }},
		whole("batch", func(r Compared) int { return r.Batch }),
		{"lr", func(r Compared) string { return fmt.Sprint(r.LR) }, func(r Compared) float64 { return r.LR }},
		words("device", func(r Compared) string { return r.Device }),
	}
	for _, key := range c.Keys {
		all = append(all, words(key, func(r Compared) string { return cmp.Or(r.Settings[key], "-") }))
	}
	return append(all,
		whole("best_epoch", func(r Compared) int { return r.BestEpoch }),
		loss("train_loss", func(r Compared) *float64 { return r.TrainLoss }),
		loss("val_loss", func(r Compared) *float64 { return r.ValLoss }),
		loss("test_loss", func(r Compared) *float64 { return r.TestLoss }),
		column{"seconds", func(r Compared) string { return fmt.Sprintf("%.4g", r.Seconds) }, func(r Compared) float64 { return r.Seconds }},
	)
}

// Columns returns the names of a table's columns: run, group, what a Compared
// has, and among them the keys in which configurations differ.
func (c *Comparison) Columns() (names []string) {
	for _, column := range c.columns() {
		names = append(names, column.name)
	}
	return names
}

// Text is a run's value in a column, "-" where there is none.
func (c *Comparison) Text(r Compared, name string) string {
	for _, column := range c.columns() {
		if column.name == name {
			return column.text(r)
		}
	}
	return "-"
}

// Number is a run's value in a column of numbers, NaN where there is none, and
// whether the column is one.
func (c *Comparison) Number(r Compared, name string) (float64, bool) {
	for _, column := range c.columns() {
		if column.name == name && column.number != nil {
			return column.number(r), true
		}
	}
	return 0, false
}

// Same says that all runs have the same in a column.
func (c *Comparison) Same(name string) bool {
	return !slices.ContainsFunc(c.Runs, func(r Compared) bool { return c.Text(r, name) != c.Text(c.Runs[0], name) })
}

// Sort orders the runs by a column, the least first and those without a value
// last, whatever their groups.
func (c *Comparison) Sort(name string) error {
	names := c.Columns()
	if !slices.Contains(names, name) {
		return fmt.Errorf("aegis: compare: unknown column %q; want one of %q", name, names)
	}
	slices.SortStableFunc(c.Runs, func(a, b Compared) int {
		x, number := c.Number(a, name)
		if !number {
			return cmp.Compare(c.Text(a, name), c.Text(b, name))
		}
		y, _ := c.Number(b, name)
		if x != x || y != y {
			return -cmp.Compare(x, y) // NaN is the least
		}
		return cmp.Compare(x, y)
	})
	return nil
}
