package serve

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"net/http"
	"slices"
	"strings"

	"aegis/data"
)

// reader reads the rows of a JSON body.
type reader struct {
	*scanner
	model *served
	shape data.Shape
	bytes bool // rows are bytes
	most  int  // rows
	rows  data.Rows
}

// readJSON reads an object: rows, columns or codes, and what else the operation
// takes.
func (s *served) readJSON(operation string, r *request, body []byte, mostRows int) error {
	in := &reader{scanner: &scanner{text: body}, model: s, shape: s.rowShape(operation), bytes: s.bytes, most: mostRows}
	if operation == opDecode {
		in.shape, in.bytes = data.Shape{W: s.network.Spec().Latent}, false
	}
	in.rows.Shape = in.shape
	given := ""
	in.fields("an object such as {\"rows\": [[…]]}", func(name string) {
		rows := operation != opGenerate && (operation == opDecode) == (name == "codes") && slices.Contains([]string{"rows", "columns", "codes"}, name)
		switch {
		case rows && given != "":
			in.fail("both %s and %s; want one of them", given, name)
		case rows && name == "columns":
			given = name
			in.columns()
		case rows:
			given = name
			in.each("an array of "+name, func(int) { in.row() })
		case name == "codes" && operation == opGenerate:
			r.codes = in.bool()
		case takes(operation, name):
			in.option(r, name)
		default:
			in.fail("%v", unknown(operation, name))
		}
	})
	r.rows = in.rows
	return in.end()
}

// option reads what is no row.
func (in *reader) option(r *request, name string) {
	switch name {
	case "labels":
		r.labels = []byte{}
		in.each("an array of labels", func(int) { r.labels = append(r.labels, in.label()) })
	case "corrupt":
		r.corrupt = in.string("a kind of noise such as \"gaussian:0.5\"")
	case "class":
		if in.next() == '"' {
			r.class = in.string("a class")
		} else {
			r.class = fmt.Sprint(in.byte())
		}
	case "seed":
		r.seed = in.whole()
	case "count":
		n := in.whole()
		if n > math.MaxInt32 {
			in.fail("a count of %d rows", n)
		}
		r.count = int(min(n, math.MaxInt32))
	default:
		r.turn(name, in.bool())
	}
}

// label is a class by number or name.
func (in *reader) label() byte {
	if in.next() != '"' {
		v := in.whole()
		if v > math.MaxUint8 {
			in.fail("label %d; want a class from 0 to 255", v)
		}
		return byte(v)
	}
	class, err := in.model.network.Spec().Form.Class(in.string("a class"))
	if err != nil {
		in.fail("%v", err)
	}
	return class
}

// row reads one more row.
func (in *reader) row() {
	if in.rows.N == in.most {
		in.err = refuse(http.StatusRequestEntityTooLarge, "more than %d rows; want at most so many a request", in.most)
		return
	}
	size := in.shape.Size()
	if in.bytes {
		in.rows.Bytes = slices.Grow(in.rows.Bytes, size)
	} else {
		in.rows.Floats = slices.Grow(in.rows.Floats, size)
	}
	row, at := in.rows.N, in.at
	switch in.next() {
	case '"':
		in.picture()
	case '{':
		in.line()
	default:
		in.values(in.nested())
	}
	if got := len(in.rows.Bytes) + len(in.rows.Floats) - row*size; in.err == nil && got != size {
		in.at = at
		in.fail("row %d, counted from 0: want %d values, got %d", row, size, got)
	}
	in.rows.N++
}

// nested are the sizes that a row of nested arrays has.
func (in *reader) nested() []int {
	s := in.shape
	switch window := in.model.window(); {
	case s.C == 1:
		return []int{s.H, s.W}
	case s.C > 1:
		return []int{s.C, s.H, s.W}
	case window > 0 && s == in.model.shape:
		return []int{window, s.W / window}
	}
	return nil
}

// values reads an array of a row's values: all in one, or nested by sizes.
func (in *reader) values(sizes []int) {
	nested := false
	n := in.each("an array of numbers", func(i int) {
		c := in.next()
		if i == 0 {
			nested = c == '[' || c == '{'
		}
		switch {
		case nested && len(sizes) < 2:
			in.fail("an array in an array of numbers; want rows of %v", in.shape)
		case nested && c == '{':
			in.line()
		case nested:
			in.values(sizes[1:])
		case len(in.rows.Bytes)+len(in.rows.Floats) >= (in.rows.N+1)*in.shape.Size():
			in.fail("row %d, counted from 0: want %d values, got more", in.rows.N, in.shape.Size())
		case in.bytes:
			in.rows.Bytes = append(in.rows.Bytes, in.byte())
		default:
			in.rows.Floats = append(in.rows.Floats, in.float())
		}
	})
	if in.err == nil && len(sizes) > 0 && (nested || len(sizes) < len(in.nested())) && n != sizes[0] {
		in.fail("row %d, counted from 0: want arrays of %v, got one of %d", in.rows.N, in.nested(), n)
	}
}

// line reads an object of a table's line by the names of its columns.
func (in *reader) line() {
	fields := in.model.fields
	if fields == nil || in.bytes {
		in.fail("an object for a row; the model's rows have no names: want arrays of %v", in.shape)
		return
	}
	width := in.shape.W
	if w := in.model.window(); w > 0 && in.shape == in.model.shape {
		width /= w
	}
	from := len(in.rows.Floats)
	if from >= (in.rows.N+1)*in.shape.Size() {
		in.fail("row %d, counted from 0: want %d values, got more", in.rows.N, in.shape.Size())
		return
	}
	in.rows.Floats = append(in.rows.Floats, make([]float32, width)...)
	values := in.rows.Floats[from:]
	seen := map[string]bool{}
	in.fields("an object by column", func(name string) {
		f, ok := fields[name]
		if !ok {
			in.fail("unknown column %q; want %s", clip(name), in.names())
			return
		}
		seen[name] = true
		in.field(values, name, f)
	})
	if in.err == nil && len(seen) < len(fields) {
		for name, f := range fields {
			if !seen[name] && (f.fill == nil || f.categories != nil) {
				in.fail("row %d, counted from 0: no value of column %q; want %s", in.rows.N, name, in.names())
				return
			}
			if !seen[name] {
				values[f.at] = float32(*f.fill)
			}
		}
	}
}

// field reads the value of a column.
func (in *reader) field(values []float32, name string, f field) {
	switch {
	case f.categories != nil:
		text := ""
		if in.next() == '"' {
			text = in.string("a category")
		} else {
			number, _ := in.span()
			text = string(number)
		}
		at := slices.Index(f.categories, text)
		if in.err == nil && at < 0 {
			in.fail("column %q: unknown category %q; want one of %q", name, clip(text), f.categories)
		}
		if at >= 0 {
			values[f.at+at] = 1
		}
	case in.null():
		if f.fill == nil {
			in.fail("column %q: a missing value, and the model has nothing to fill it with; want a number", name)
			return
		}
		values[f.at] = float32(*f.fill)
	default:
		values[f.at] = in.float()
	}
}

// names are those of the columns, some of them where there are many.
func (in *reader) names() string {
	var names []string
	for name := range in.model.fields {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return in.model.fields[a].at - in.model.fields[b].at })
	const most = 12
	if len(names) > most {
		names = append(names[:most], "…")
	}
	return strings.Join(names, ", ")
}

// columns reads an object of arrays, a column each.
func (in *reader) columns() {
	fields := in.model.fields
	if fields == nil || in.bytes || in.model.window() > 0 && in.shape == in.model.shape {
		in.fail("columns for rows that have no names; want rows of %v", in.shape)
		return
	}
	seen := 0
	width := in.shape.W
	in.fields("an object of columns", func(name string) {
		f, ok := fields[name]
		if !ok {
			in.fail("unknown column %q; want %s", clip(name), in.names())
			return
		}
		n := in.each("an array of a column's values", func(i int) {
			if i >= in.most {
				in.err = refuse(http.StatusRequestEntityTooLarge, "more than %d rows; want at most so many a request", in.most)
				return
			}
			if i == in.rows.N {
				if seen > 0 {
					in.fail("column %q has more values than those before, which have %d", name, in.rows.N)
					return
				}
				in.rows.N++
				in.rows.Floats = append(in.rows.Floats, make([]float32, width)...)
			}
			in.field(in.rows.Floats[i*width:][:width], name, f)
		})
		if in.err == nil && n != in.rows.N {
			in.fail("column %q has %d values; want %d as in those before", name, n, in.rows.N)
		}
		seen++
	})
	if in.err == nil && seen < len(fields) {
		in.fail("%d columns of %d; want %s", seen, len(fields), in.names())
	}
}

// picture reads an image as a PNG in base64, plain or as a data URL.
func (in *reader) picture() {
	at := in.at
	text := in.string("a PNG in base64")
	if in.err != nil {
		return
	}
	if err := in.decode(text); err != nil {
		in.at = at
		in.fail("row %d, counted from 0: %v", in.rows.N, err)
	}
}

func (in *reader) decode(text string) error {
	s := in.shape
	if !in.bytes || s.C != 1 && s.C != 3 {
		return fmt.Errorf("a text for a row; want an array of numbers")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "data:image/png;base64,"))
	if err != nil {
		return fmt.Errorf("want a PNG in base64: %w", err)
	}
	head, err := png.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("want a PNG: %w", err)
	}
	if head.Width != s.W || head.Height != s.H {
		return fmt.Errorf("want a PNG of %d×%d pixels, height by width, got %d×%d", s.H, s.W, head.Height, head.Width)
	}
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("want a PNG: %w", err)
	}
	in.rows.Bytes = appendPixels(in.rows.Bytes, img, s)
	return nil
}

// appendPixels adds the pixels of an image, a channel after the other.
func appendPixels(row []byte, img image.Image, s data.Shape) []byte {
	b := img.Bounds()
	for c := range s.C {
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				if s.C == 1 {
					row = append(row, color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y)
					continue
				}
				v := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
				row = append(row, [3]byte{v.R, v.G, v.B}[c])
			}
		}
	}
	return row
}
