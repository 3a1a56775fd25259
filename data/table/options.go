package table

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// check says what is wrong with options for any table.
func (o Options) check(name string) error {
	if problem := o.problem(); problem != "" {
		return fmt.Errorf("table: %s: %s", name, problem)
	}
	return nil
}

func (o Options) problem() string {
	d, size := utf8.DecodeRuneInString(o.Delimiter)
	set := o.Columns != nil || o.Drop != nil || o.Impute != "" || o.Window != 0 || o.Step != 0
	switch {
	case !slices.Contains([]string{"", "yes", "no"}, o.Header):
		return fmt.Sprintf(`header %q; want "yes", "no", or nothing for what is found`, o.Header)
	case !slices.Contains([]string{"", ".", ","}, o.Decimal):
		return fmt.Sprintf(`decimal mark %q; want ".", ",", or nothing for what is found`, o.Decimal)
	case !slices.Contains([]string{"", imputeMean, imputeMedian}, o.Impute):
		return fmt.Sprintf("impute %q; want %q, %q, or nothing: a missing value is an error then", o.Impute, imputeMean, imputeMedian)
	case o.Delimiter != "" && (size != len(o.Delimiter) || d == utf8.RuneError || d == '"' || d == '\r' || d == '\n' || d == 0):
		return fmt.Sprintf("delimiter %q; want one character that is no quote and no line end, or nothing for what is found", o.Delimiter)
	case o.Window < 0 || o.Step < 0 || o.Window == 0 && o.Step > 0:
		return fmt.Sprintf("windows of %d lines, step %d; want at least 1 line and a step of at least 1, or neither", o.Window, o.Step)
	case o.Form != nil && set:
		return "columns, what is dropped or filled in, or windows beside the form of a model, which says all that; leave them out"
	case o.Form != nil && len(o.Form.Fields) == 0:
		return "the form of a model has no fields; want at least one"
	case o.Form == nil && o.Classes != nil:
		return "names of classes without the form of a model; they are found in the label column"
	case len(o.Classes) > mostClasses:
		return fmt.Sprintf("%d names of classes; want at most %d", len(o.Classes), mostClasses)
	}
	return ""
}

// window returns the lines of a row and the step between rows; 0, 0: a row is
// a line.
func (o Options) window() (window, step int) {
	switch {
	case o.Form != nil:
		return o.Form.Window, o.Form.Step
	case o.Window > 0:
		return o.Window, max(1, o.Step)
	}
	return 0, 0
}
