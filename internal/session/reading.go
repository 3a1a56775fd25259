package session

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"aegis/data"
)

// Reading says how rows are made of the files that Data names; what does not go
// with them is an error of the reader.
type Reading struct {
	Size      Size     `json:"size,omitzero"`       // of images of files of all sizes
	ImageFit  data.Fit `json:"fit,omitempty"`       // how an image becomes one of that size; empty: crop
	Gray      bool     `json:"gray,omitempty"`      // colours become grey
	Strict    bool     `json:"strict,omitempty"`    // an image that cannot be read is an error
	Columns   []string `json:"columns,omitempty"`   // of a table, those that are read; none: all
	Drop      []string `json:"drop,omitempty"`      // of a table, those that are not
	Label     string   `json:"label,omitempty"`     // the column of a table with each row's class
	Header    string   `json:"header,omitempty"`    // yes or no; empty: as a table looks
	Delimiter string   `json:"delimiter,omitempty"` // between the values of a table; empty: as it looks
	Decimal   string   `json:"decimal,omitempty"`   // the mark in a number, "." or ","; empty: as a table looks
	Impute    string   `json:"impute,omitempty"`    // mean or median for values that are missing; empty: an error
	Window    Window   `json:"window,omitzero"`     // lines of a table that follow each other become a row
	Keys      string   `json:"keys,omitempty"`      // arrays of an archive: train=a,train_labels=b,test=c; empty: by their usual names
}

// The words of Header and Impute.
const (
	headerYes, headerNo        = "yes", "no"
	imputeMean, imputeMedian   = "mean", "median"
	mostSide, mostWindow       = 1 << 14, 1 << 20
	sizeExample, windowExample = "64x64", "32:8"
)

// validate says what is wrong with it on any data.
func (r Reading) validate() error {
	for _, c := range []struct {
		what, got string
		want      []string
	}{
		{"fit", string(r.ImageFit), []string{string(data.FitCrop), string(data.FitPad), string(data.FitStretch)}},
		{"header", r.Header, []string{headerYes, headerNo}},
		{"decimal", r.Decimal, []string{".", ","}},
		{"impute", r.Impute, []string{imputeMean, imputeMedian}},
	} {
		if c.got != "" && !slices.Contains(c.want, c.got) {
			return configErrorf("aegis: %s %q; want one of %q, or none at all", c.what, c.got, c.want)
		}
	}
	for _, column := range r.Columns {
		if slices.Contains(r.Drop, column) {
			return configErrorf("aegis: column %q is to be read and to be dropped; want one of them", column)
		}
	}
	if err := r.Size.check(); err != nil {
		return err
	}
	return r.Window.check()
}

// Size is the height and width that images get. As text it is 64x64.
type Size struct{ Height, Width int }

// IsZero says that there is none.
func (s Size) IsZero() bool { return s == Size{} }

func (s Size) check() error {
	if !s.IsZero() && (min(s.Height, s.Width) < 1 || max(s.Height, s.Width) > mostSide) {
		return configErrorf("aegis: size %d×%d; want 1 to %d each way, such as %s", s.Height, s.Width, mostSide, sizeExample)
	}
	return nil
}

func (s Size) String() string {
	if s.IsZero() {
		return ""
	}
	return fmt.Sprintf("%dx%d", s.Height, s.Width)
}

// Set reads what String writes, for package flag.
func (s *Size) Set(text string) error {
	if text == "" {
		*s = Size{}
		return nil
	}
	height, width, ok := strings.Cut(strings.Replace(text, "×", "x", 1), "x")
	h, errHeight := strconv.Atoi(height)
	w, errWidth := strconv.Atoi(width)
	if read := (Size{h, w}); ok && errHeight == nil && errWidth == nil && !read.IsZero() && read.check() == nil {
		*s = read
		return nil
	}
	return fmt.Errorf("want height and width of 1 to %d, such as %s, got %q", mostSide, sizeExample, text)
}

// MarshalText writes what Set reads.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Size) UnmarshalText(text []byte) error { return s.Set(string(text)) }

// Window is how many lines of a table are one row, and how many lines on the
// next one begins. As text it is 32:8, or 32 for 32:1.
type Window struct{ Lines, Step int }

// IsZero says that there is none: each line is a row.
func (w Window) IsZero() bool { return w == Window{} }

func (w Window) check() error {
	if !w.IsZero() && (w.Lines < 2 || w.Lines > mostWindow || w.Step < 1 || w.Step > w.Lines) {
		return configErrorf("aegis: window of %d lines, step %d; want at least 2 lines and a step of 1 to as many, such as %s", w.Lines, w.Step, windowExample)
	}
	return nil
}

func (w Window) String() string {
	switch {
	case w.IsZero():
		return ""
	case w.Step == 1:
		return strconv.Itoa(w.Lines)
	}
	return fmt.Sprintf("%d:%d", w.Lines, w.Step)
}

// Set reads what String writes, for package flag.
func (w *Window) Set(text string) error {
	if text == "" {
		*w = Window{}
		return nil
	}
	lines, step, two := strings.Cut(text, ":")
	if !two {
		step = "1"
	}
	n, errLines := strconv.Atoi(lines)
	s, errStep := strconv.Atoi(step)
	if read := (Window{n, s}); errLines == nil && errStep == nil && !read.IsZero() && read.check() == nil {
		*w = read
		return nil
	}
	return fmt.Errorf("want lines of at least 2 and a step of 1 to as many, such as %s, got %q", windowExample, text)
}

// MarshalText writes what Set reads.
func (w Window) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (w *Window) UnmarshalText(text []byte) error { return w.Set(string(text)) }
