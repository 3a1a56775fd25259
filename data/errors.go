package data

import "fmt"

// FormatError is a broken file: truncated, with bytes after its end, without
// the magic bytes of IDX, with sizes that cannot be, or a damaged gzip stream.
type FormatError struct {
	File    string // its name
	Problem string // such as "truncated"
	Want    string // such as "7840016 bytes"
	Got     string
	Advice  string // what to do
	Err     error  // the cause, nil where there is no other
}

func (e *FormatError) Error() string {
	return describe(e.File, e.Problem, e.Want, e.Got, e.Advice)
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

// UnsupportedError is a file in order that this package does not read: IDX of
// another element type or another number of dimensions.
type UnsupportedError struct {
	File    string // its name
	Problem string // such as "element type"
	Want    string // such as "unsigned byte (0x08)"
	Got     string
	Advice  string // what to do
}

func (e *UnsupportedError) Error() string {
	return describe(e.File, "unsupported "+e.Problem, e.Want, e.Got, e.Advice)
}

func describe(file, problem, want, got, advice string) string {
	return fmt.Sprintf("data: %s: %s: want %s, got %s; %s", file, problem, want, got, advice)
}
