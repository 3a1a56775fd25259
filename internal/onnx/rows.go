package onnx

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"aegis/data"
)

// The names of the first dimensions.
const (
	dimBatch = "batch"
	dimLines = "lines"
)

// source is how rows become what a network reads: their shape, their scaling and
// the table that they are of, nil where they are of none.
type source struct {
	shape   data.Shape
	scaling data.Scaling
	table   *data.TableForm
}

// window is how many lines of a table are one row, 0 where rows are no windows.
func (s source) window() int {
	if s.table == nil {
		return 0
	}
	return s.table.Window
}

// dims is the shape of a row as a user has it: of a window lines by columns.
func (s source) dims() []int {
	switch w := s.window(); {
	case !s.shape.IsVector():
		return []int{s.shape.C, s.shape.H, s.shape.W}
	case w > 0:
		return []int{w, s.shape.W / w}
	}
	return []int{s.shape.W}
}

// fields are the table's columns that hold numbers, and those that hold
// categories.
func (s source) fields() (numbers, categories []data.Field) {
	for _, f := range s.table.Fields {
		if f.Categories == nil {
			numbers = append(numbers, f)
		} else {
			categories = append(categories, f)
		}
	}
	return numbers, categories
}

// read adds the inputs of raw rows and returns the values that they hold, before
// they are scaled: (rows,…), where rows is the name of the first dimension and
// lines says that these are the lines of a table and no windows of them.
func (b *builder) read(s source, lines bool) string {
	v := Value{Name: nameRows, Type: Float, Rows: dimBatch, Dims: s.dims(), Doc: "rows as their file has them"}
	if lines {
		v.Rows, v.Dims = dimLines, v.Dims[1:]
		v.Doc = "the lines of a table, in their order"
	}
	switch {
	case s.scaling.Kind == data.ScaleRange:
		v.Type, v.Doc = Uint8, "bytes from 0 to 255, as their file has them"
		if !s.shape.IsVector() {
			v.Doc += ": channels, height, width"
		}
		return b.cast(b.input(v), Float)
	case s.table == nil:
		return b.input(v)
	}
	return b.readTable(s, v)
}

// readTable adds the inputs of a table, numbers and categories, and returns the
// values of its columns in their order.
func (b *builder) readTable(s source, v Value) string {
	numbers, categories := s.fields()
	last := len(v.Dims) - 1
	width := v.Dims[last]
	var rows, texts string
	if len(numbers) > 0 {
		v.Dims = append(slices.Clone(v.Dims[:last]), len(numbers))
		v.Doc = "numbers of the columns " + listed(numbers)
		if slices.ContainsFunc(numbers, func(f data.Field) bool { return f.Fill != nil }) {
			v.Doc += "; NaN where one is missing"
		}
		rows = b.fill(b.input(v), numbers)
	}
	if len(categories) > 0 {
		v.Name, v.Type = nameCategories, String
		v.Dims = append(slices.Clone(v.Dims[:last]), len(categories))
		v.Doc = "texts of the columns " + listed(categories)
		texts = b.input(v)
	}
	if len(categories) == 0 {
		return rows
	}
	var parts []string
	number, category := 0, 0
	for i := 0; i < len(s.table.Fields); {
		if f := s.table.Fields[i]; f.Categories != nil {
			parts = append(parts, b.category(texts, category, f))
			category++
			i++
			continue
		}
		from := number
		for i < len(s.table.Fields) && s.table.Fields[i].Categories == nil {
			number++
			i++
		}
		parts = append(parts, b.slice(rows, -1, from, number))
	}
	if len(parts) == 1 && width > 0 {
		return parts[0]
	}
	return b.node("columns", "Concat", parts, attribute{"axis", int64(-1)})
}

// listed names columns, of many the first and the last.
func listed(fields []data.Field) string {
	const most = 20
	var names []string
	for i, f := range fields {
		if len(fields) > most && i >= most-1 {
			return fmt.Sprintf("%s, …, %s (%d in all, named in the metadata)", strings.Join(names, ", "), fields[len(fields)-1].Name, len(fields))
		}
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// slice takes elements from to to-1 of an axis.
func (b *builder) slice(x string, axis, from, to int) string {
	return b.do("Slice", x, b.integers("from", int64(from)), b.integers("to", int64(to)), b.integers("axis", int64(axis)))
}

// fill puts in what a missing number becomes, where the table has it.
func (b *builder) fill(rows string, fields []data.Field) string {
	fills, any := make([]float32, len(fields)), false
	for i, f := range fields {
		fills[i] = float32(math.NaN())
		if f.Fill != nil {
			fills[i], any = float32(*f.Fill), true
		}
	}
	if !any {
		return rows
	}
	return b.do("Where", b.do("IsNaN", rows), b.floats("fills", fills), rows)
}

// category makes values of the texts of a column: 1 in a category's place among
// zeros, of a missing text what the table fills in, of an unknown one NaN.
func (b *builder) category(texts string, column int, f data.Field) string {
	k := len(f.Categories)
	missing, unknown := k, k+1
	keys, places := slices.Clone(f.Categories), make([]int64, k)
	for i := range places {
		places[i] = int64(i)
	}
	if f.Fill != nil {
		for _, text := range missingTexts() {
			keys, places = append(keys, text), append(places, int64(missing))
		}
	}
	values := make([]float32, (k+2)*k)
	for i := range k {
		values[i*k+i] = 1
		if f.Fill != nil {
			values[missing*k+i] = float32(*f.Fill)
		}
		values[unknown*k+i] = float32(math.NaN())
	}
	own := b.node("column", "Gather", []string{texts, b.integer("number", int64(column))}, attribute{"axis", int64(-1)})
	name := b.unique("category")
	b.file.nodes = append(b.file.nodes, node{
		name: name, op: "LabelEncoder", domain: domainML, in: []string{own}, out: []string{name},
		attributes: []attribute{{"keys_strings", keys}, {"values_int64s", places}, {"default_int64", int64(unknown)}},
	})
	table := b.constant(tensor{name: f.Name + ".values", kind: Float, shape: []int{k + 2, k}, floats: values})
	return b.node("onehot", "Gather", []string{table, name}, attribute{"axis", int64(0)})
}

// missingTexts are those that a table reads as a missing value, in capitals and
// without.
func missingTexts() []string {
	texts := []string{"", "?"}
	for _, word := range []string{"na", "nan", "n/a", "null", "-nan"} {
		forms := []string{""}
		for _, c := range word {
			var more []string
			for _, f := range forms {
				more = append(more, f+string(c))
				if upper := strings.ToUpper(string(c)); upper != string(c) {
					more = append(more, f+upper)
				}
			}
			forms = more
		}
		texts = append(texts, forms...)
	}
	return texts
}

// scale makes of values what the network reads.
func (b *builder) scale(s data.Scaling, x string) string {
	switch {
	case s.Kind == data.ScaleRange:
		factor, offset := s.Pixels.Scale()
		return b.as(b.do("Add", b.do("Mul", x, b.number("scale.factor", factor)), b.number("scale.offset", offset)), x)
	case len(s.Factor) == 0:
		return x
	}
	return b.as(b.do("Mul", b.do("Sub", x, b.floats("scale.shift", s.Shift)), b.floats("scale.factor", s.Factor)), x)
}

// unscale brings what a network rebuilt back to where its rows came from.
func (b *builder) unscale(s data.Scaling, x string) string {
	if len(s.Factor) == 0 {
		return x
	}
	return b.as(b.do("Add", b.do("Div", x, b.floats("scale.factor", s.Factor)), b.floats("scale.shift", s.Shift)), x)
}

// bytes makes of pixels in a range bytes from 0 to 255; what is beyond is cut
// off.
func (b *builder) bytes(x string, r data.Range) string {
	x = b.cast(x, Double)
	x = b.do("Sub", x, b.double("pixels.lo", float64(r.Lo)))
	x = b.do("Div", x, b.double("pixels.span", float64(r.Hi)-float64(r.Lo)))
	x = b.do("Clip", x, b.double("zero", 0), b.double("one", 1))
	x = b.do("Add", b.do("Mul", x, b.double("white", math.MaxUint8)), b.double("half", 0.5))
	return b.cast(b.do("Floor", x), Uint8)
}

// oneHot makes of classes (batch) 1 in a class's place among zeros (batch,n). A
// class that there is not is an error when the graph runs.
func (b *builder) oneHot(n int) string {
	labels := b.input(Value{Name: nameLabels, Type: Int64, Rows: dimBatch, Doc: fmt.Sprintf("the class of each row, 0 to %d", n-1)})
	beyond := b.do("Where", b.do("Less", labels, b.integer("zero", 0)), b.integer("classes", int64(n)), labels)
	eye := make([]float32, n*n)
	for i := range n {
		eye[i*n+i] = 1
	}
	table := b.constant(tensor{name: "classes.values", kind: Float, shape: []int{n, n}, floats: eye})
	return b.node("labels.onehot", "Gather", []string{table, beyond}, attribute{"axis", int64(0)})
}
