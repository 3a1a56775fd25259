package data

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Form says how rows were made of what they were read from. A model keeps that
// of the rows that it was trained on, so that others are read in the same way.
type Form struct {
	Columns []string   `json:"columns,omitempty"` // names of a vector's values, nil where they have none
	Classes []string   `json:"classes,omitempty"` // names of the labels 0, 1, …, nil where they have none
	Images  *ImageForm `json:"images,omitempty"`  // of image files
	Table   *TableForm `json:"table,omitempty"`   // of a table
}

// Fit is how an image of another shape becomes one of the shape that is wanted.
type Fit string

// The ways to fit an image.
const (
	FitCrop    Fit = "crop"    // scaled until it covers the shape; what is beyond, at both ends alike, is cut off
	FitPad     Fit = "pad"     // scaled until it lies within the shape; the rest is black
	FitStretch Fit = "stretch" // scaled each way by itself
)

// Fits returns all ways, the default first.
func Fits() []Fit { return []Fit{FitCrop, FitPad, FitStretch} }

// ImageForm is how image files become rows of one shape.
type ImageForm struct {
	Channels int `json:"channels"` // 1: grey, 3: red, green and blue
	Height   int `json:"height"`
	Width    int `json:"width"`
	Fit      Fit `json:"fit"`
}

// Shape is that of a row.
func (f ImageForm) Shape() Shape { return Shape{C: f.Channels, H: f.Height, W: f.Width} }

// TableForm is how the lines of a table become rows: which fields they have,
// in the order of a row's values.
type TableForm struct {
	Fields []Field `json:"fields"`
	Label  string  `json:"label,omitempty"` // the column that holds a row's class
	// Window is how many lines that follow each other are one row, the first
	// line's values first, and Step how many lines on the next row begins. A
	// Window of 0: each line is a row.
	Window int `json:"window,omitempty"`
	Step   int `json:"step,omitempty"`
}

// Field is a column of a table: one value, or one for each category.
type Field struct {
	Name string `json:"name"`
	// Categories are the texts that become a 1 in their place among zeros; nil:
	// the column has numbers.
	Categories []string `json:"categories,omitempty"`
	Fill       *float64 `json:"fill,omitempty"` // what a missing number becomes, nil: an error
}

// Values is how many values of a row come from the field.
func (f Field) Values() int { return max(1, len(f.Categories)) }

// Names are those of its values.
func (f Field) Names() []string {
	if f.Categories == nil {
		return []string{f.Name}
	}
	var names []string
	for _, c := range f.Categories {
		names = append(names, f.Name+"="+c)
	}
	return names
}

// Columns are the names of one line's values.
func (f TableForm) Columns() []string {
	var names []string
	for _, field := range f.Fields {
		names = append(names, field.Names()...)
	}
	return names
}

// ClassName is what a label is called: its name, or its number.
func (f Form) ClassName(label byte) string {
	if int(label) < len(f.Classes) {
		return f.Classes[label]
	}
	return strconv.Itoa(int(label))
}

// Class returns the label that a name or a number stands for; a name goes first.
func (f Form) Class(name string) (byte, error) {
	if at := slices.Index(f.Classes, name); at >= 0 {
		return byte(at), nil
	}
	n, err := strconv.ParseUint(name, 10, 8)
	if known := len(f.Classes); err != nil || known > 0 && int(n) >= known {
		if known > 0 {
			return 0, fmt.Errorf("data: unknown class %q; want one of %q", name, f.Classes)
		}
		return 0, fmt.Errorf("data: class %q; want a number from 0 to 255: the classes have no names", name)
	}
	return byte(n), nil
}

// Validate says what is wrong with a form of rows of a shape, such as one that
// was read from a file.
func (f Form) Validate(shape Shape) error {
	if err := f.check(shape); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	return nil
}

func (f Form) check(shape Shape) error {
	if n := len(f.Columns); n > 0 && n != shape.Size() {
		return fmt.Errorf("%d names of columns; want %d, one a value, or none", n, shape.Size())
	}
	if f.Images != nil && f.Table != nil {
		return errors.New("rows of images and of a table at once; want one of them")
	}
	if i := f.Images; i != nil {
		if i.Channels != 1 && i.Channels != 3 || i.Shape() != shape || !slices.Contains(Fits(), i.Fit) {
			return fmt.Errorf("form of images of %d channels of %d×%d, fit %q, for rows of %v; want their shape, 1 or 3 channels and one of %q",
				i.Channels, i.Height, i.Width, i.Fit, shape, Fits())
		}
	}
	if t := f.Table; t != nil {
		lines := max(1, t.Window)
		if t.Window < 0 || t.Step < 0 || (t.Window == 0) != (t.Step == 0) || lines*len(t.Columns()) != shape.Size() {
			return fmt.Errorf("form of %d lines of %d values, step %d, for rows of %v; want as many values as a row has, and a step of at least 1 with a window",
				lines, len(t.Columns()), t.Step, shape)
		}
	}
	return nil
}
