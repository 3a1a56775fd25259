package verb

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// decimal is a flag of a number that is read as decimal, as train's are: the
// flag by itself takes Go's notation, in which 010 is eight.
type decimal struct{ pflag.Value }

// decimals makes the flags of a command, and of those below it, read numbers so.
func decimals(c *cobra.Command) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		switch f.Value.Type() {
		case "int", "uint64", "float64", "float64Slice":
			f.Value = decimal{f.Value}
		}
	})
	for _, below := range c.Commands() {
		decimals(below)
	}
}

// Set reads a number.
func (d decimal) Set(text string) (err error) {
	want := "a number"
	switch d.Type() {
	case "int":
		want = "a whole number"
		var n int
		n, err = strconv.Atoi(text)
		text = strconv.Itoa(n)
	case "uint64":
		want = "a whole number of at least 0"
		var n uint64
		n, err = strconv.ParseUint(text, 10, 64)
		text = strconv.FormatUint(n, 10)
	default:
		if strings.ContainsAny(text, "xX_") {
			err = strconv.ErrSyntax
		}
	}
	switch {
	case errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("want %s, got one that is out of range", want)
	case err == nil:
		err = d.Value.Set(text)
	}
	if err != nil {
		return fmt.Errorf("want %s", want)
	}
	return nil
}
