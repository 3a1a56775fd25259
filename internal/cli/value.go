package cli

import (
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"aegis"
)

// set parses text into the value that a pointer of the table points to.
func set(pointer any, text string) error {
	switch v := pointer.(type) {
	case *bool:
		return parse(v, text, "true or false", strconv.ParseBool)
	case *int:
		return parse(v, text, "a whole number", strconv.Atoi)
	case *float64:
		return parse(v, text, "a number", parseNumber)
	case *aegis.Seed:
		return parse(v, text, "a whole number of at least 0", func(s string) (aegis.Seed, error) {
			n, err := strconv.ParseUint(s, 10, 64)
			return aegis.Seed(n), err
		})
	case *[]int:
		return setWidths(v, text)
	case *[]string:
		return setNames(v, text)
	case flag.Value:
		return v.Set(text)
	}
	reflect.ValueOf(pointer).Elem().SetString(text) // text of a named type
	return nil
}

func parse[T any](v *T, text, want string, read func(string) (T, error)) error {
	value, err := read(text)
	if errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("want %s, got one that is out of range", want)
	} else if err != nil {
		return fmt.Errorf("want %s", want)
	}
	*v = value
	return nil
}

// parseNumber reads a decimal number.
func parseNumber(text string) (float64, error) {
	if strings.ContainsAny(text, "xX_") { // Go's notation of others
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(text, 64)
}

// setWidths reads a list of layer widths, such as 512,256; "none" has no layer.
func setWidths(v *[]int, text string) error {
	widths := []int{}
	if text != "none" {
		for _, field := range strings.Split(text, ",") {
			n, err := strconv.Atoi(strings.TrimSpace(field))
			if err != nil {
				return fmt.Errorf("want widths such as 512,256, or none, got %q", text)
			}
			widths = append(widths, n)
		}
	}
	*v = widths
	return nil
}

// setNames reads a list of names, such as a,b; a name with a comma in it is in
// double quotes, as in CSV.
func setNames(v *[]string, text string) error {
	names, err := csv.NewReader(strings.NewReader(text)).Read()
	if err != nil || slices.Contains(names, "") {
		return fmt.Errorf("want names such as a,b, got %q", text)
	}
	*v = names
	return nil
}

// isText says whether a pointer's value is text, which is never empty: an empty
// string is what a shell makes of a variable that is not set.
func isText(pointer any) bool { return reflect.TypeOf(pointer).Elem().Kind() == reflect.String }

// isSwitch says whether a pointer's value is true or false.
func isSwitch(pointer any) bool { return reflect.TypeOf(pointer).Elem().Kind() == reflect.Bool }
