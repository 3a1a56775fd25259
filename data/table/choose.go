package table

import (
	"fmt"
	"slices"
	"strconv"

	"aegis/data"
)

// choice is which columns of a table are read: those of values in their order,
// and behind them that of labels where there is one.
type choice struct {
	use     []int
	names   []string // of use
	label   bool     // the last one is that of labels
	ignored []string // by a model's form
}

// values is how many columns are values.
func (c choice) values() int {
	if c.label {
		return len(c.use) - 1
	}
	return len(c.use)
}

// labelName is that of the label column, empty where there is none.
func (c choice) labelName() string {
	if c.label {
		return c.names[len(c.names)-1]
	}
	return ""
}

// choose finds the columns of the options.
func choose(t opened, file string, opt Options) (choice, error) {
	names := t.columns()
	at := make(map[string]int, len(names))
	for i, n := range names {
		at[n] = i
	}
	named := func(column string) string {
		if n, err := strconv.Atoi(column); err == nil && n >= 1 && n <= len(names) {
			if _, there := at[column]; !there {
				return names[n-1]
			}
		}
		return column
	}
	values, drop, label := mapped(opt.Columns, named), mapped(opt.Drop, named), named(opt.Label)
	if opt.Form != nil {
		values = nil
		for _, f := range opt.Form.Fields {
			values = append(values, f.Name)
		}
		if _, there := at[opt.Form.Label]; label == "" && there {
			label = opt.Form.Label
		}
	}
	asked := slices.Concat(values, drop)
	if label != "" {
		asked = append(asked, label)
	}
	if err := allThere(at, asked, t, file); err != nil {
		return choice{}, err
	}
	if len(values) == 0 {
		values = names
	}
	c := choice{}
	taken := map[string]bool{}
	for _, n := range values {
		switch {
		case taken[n]:
			return choice{}, fmt.Errorf("table: %s: column %q is chosen twice; name it once", file, n)
		case n == label || slices.Contains(drop, n):
			continue
		}
		taken[n] = true
		c.use, c.names = append(c.use, at[n]), append(c.names, n)
	}
	switch {
	case len(c.use) == 0:
		return choice{}, fmt.Errorf("table: %s: no column is left of %s; drop fewer, and choose one that is not the label", file, listed(names))
	case opt.Form != nil && len(c.use) < len(opt.Form.Fields):
		return choice{}, fmt.Errorf("table: %s: column %q is a value of the model; want another one with labels", file, label)
	}
	if c.label = label != ""; c.label {
		c.use, c.names = append(c.use, at[label]), append(c.names, label)
	}
	if opt.Form != nil {
		for i, n := range names {
			if !slices.Contains(c.use, i) {
				c.ignored = append(c.ignored, n)
			}
		}
	}
	return c, c.allowed(t, file)
}

// mapped are names of columns as a table has them.
func mapped(columns []string, named func(string) string) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = named(c)
	}
	return names
}

// allThere says which columns a table does not have.
func allThere(at map[string]int, asked []string, t opened, file string) error {
	var absent []string
	for _, n := range asked {
		if _, there := at[n]; !there {
			absent = append(absent, n)
		}
	}
	if absent == nil {
		return nil
	}
	if text, ok := t.(*textTable); ok && !text.header {
		return fmt.Errorf("table: %s: no column %s; the file has no header, so that its columns are called 1 to %d: put a line with their names first", file, listed(absent), len(at))
	}
	return fmt.Errorf("table: %s: no column %s; want names among %s", file, listed(absent), listed(t.columns()))
}

// allowed says which columns cannot be read.
func (c choice) allowed(t opened, file string) error {
	for i, column := range c.use {
		if why := t.refused(column); why != "" {
			return &data.UnsupportedError{File: file, Problem: fmt.Sprintf("column %q", c.names[i]), Want: "numbers or short texts", Got: why, Advice: "drop the column"}
		}
	}
	return nil
}
