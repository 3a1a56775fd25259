package table

import (
	"math"
	"strconv"
	"strings"
)

// kind is what a cell of a table holds.
type kind uint8

const (
	missing  kind = iota
	number        // finite, and within float32
	infinite      // ±Inf
	huge          // a number that float32 does not reach
	text
)

// value is a cell. Of text files it has its text; of Parquet numbers have none.
type value struct {
	kind   kind
	number float64
	text   string
}

// ofNumber is a cell of a number.
func ofNumber(v float64) value {
	switch {
	case math.IsNaN(v):
		return value{}
	case math.IsInf(v, 0):
		return value{kind: infinite, number: v}
	case math.IsInf(float64(float32(v)), 0):
		return value{kind: huge, number: v}
	}
	return value{kind: number, number: v}
}

// ofText is a cell of text, which may be a number. comma says that a comma
// stands before the decimals.
func ofText(s string, comma bool) value {
	s = strings.TrimSpace(s)
	if isMissing(s) {
		return value{text: s}
	}
	v := value{kind: text, text: s}
	if isInfinite(s) {
		v.kind = infinite
		return v
	}
	digits, ok := decimal(s, comma)
	if !ok {
		return v
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil && !math.IsInf(f, 0) {
		return v
	}
	if v.number, v.kind = f, number; math.IsInf(float64(float32(f)), 0) {
		v.kind = huge
	}
	return v
}

// decimal returns a text as Go writes numbers, with a point. ok is false where
// it has something that no decimal number has: Go reads other ones too.
func decimal(s string, comma bool) (digits string, ok bool) {
	mark := -1
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', c == '-', c == '+', c == 'e', c == 'E':
		case c == '.' && !comma:
		case c == ',' && comma && mark < 0:
			mark = i
		default:
			return "", false
		}
	}
	if mark >= 0 {
		return s[:mark] + "." + s[mark+1:], true
	}
	return s, true
}

func isMissing(s string) bool {
	switch len(s) {
	case 0:
		return true
	case 1:
		return s == "?"
	case 2:
		return strings.EqualFold(s, "na")
	case 3:
		return strings.EqualFold(s, "nan") || strings.EqualFold(s, "n/a")
	case 4:
		return strings.EqualFold(s, "null") || strings.EqualFold(s, "-nan")
	}
	return false
}

func isInfinite(s string) bool {
	if s[0] == '+' || s[0] == '-' {
		s = s[1:]
	}
	if len(s) != len("inf") && len(s) != len("infinity") {
		return false
	}
	return strings.EqualFold(s, "inf") || strings.EqualFold(s, "infinity")
}

// String is the text of a cell, as categories have it.
func (v value) String() string {
	if v.text == "" && v.kind != missing {
		return strconv.FormatFloat(v.number, 'g', -1, 64)
	}
	return v.text
}

// missed is what stands in the place of a missing value.
func (v value) missed() string {
	if v.text == "" {
		return "none"
	}
	return quoted(v.text)
}

// class is what a cell of the label column calls its class: the same for 1,
// 1.0 and 1e0.
func (v value) class() string {
	if v.kind == number {
		return strconv.FormatFloat(v.number+0, 'g', -1, 64)
	}
	return v.String()
}

// isClass says that a cell is a class by itself.
func (v value) isClass() bool {
	return v.kind == number && v.number >= 0 && v.number < mostClasses && v.number == math.Trunc(v.number)
}
