package table

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"aegis/data"
)

// Windows makes rows of windows in time: window lines that follow each other,
// the first line's values first, (n, window·columns) with
// n = (lines−window)/step + 1. A window's label is that of its last line: the
// state at the moment when the window is known.
func Windows(lines data.Set, window, step int) (data.Set, error) {
	if window < 1 || step < 1 {
		return data.Set{}, fmt.Errorf("table: windows of %d lines, step %d; want both at least 1", window, step)
	}
	if err := lines.Validate(); err != nil {
		return data.Set{}, err
	}
	if lines.N < window {
		return data.Set{}, fmt.Errorf("table: windows of %d lines: want at least as many lines, got %d; take smaller windows", window, lines.N)
	}
	n := (lines.N-window)/step + 1
	width := window * lines.Size()
	if err := fits("windows", n, width); err != nil {
		return data.Set{}, err
	}
	out := data.Set{Rows: data.Rows{N: n, Shape: data.Shape{W: width}}}
	out.Bytes = windows(lines.Bytes, lines.Size(), n, window, step)
	out.Floats = windows(lines.Floats, lines.Size(), n, window, step)
	if lines.Labels != nil {
		for i := range n {
			out.Labels = append(out.Labels, lines.Labels[i*step+window-1])
		}
	}
	return out, nil
}

func windows[T any](lines []T, width, n, window, step int) []T {
	if lines == nil {
		return nil
	}
	out := make([]T, 0, n*window*width)
	for i := range n {
		from := i * step * width
		out = append(out, lines[from:from+window*width]...)
	}
	return out
}

// windowNames names the values of windows: name@0 is that of the first line.
func windowNames(columns []string, window int) []string {
	var names []string
	for k := range window {
		for _, n := range columns {
			names = append(names, n+"@"+strconv.Itoa(k))
		}
	}
	return names
}

// windowReader makes windows of lines as they come.
type windowReader struct {
	lines        data.Reader
	file         string
	window, step int

	buf   data.Set // lines that windows to come begin in
	skip  int      // lines to come that no window has
	given bool
}

// ClassNames are those of the labels of all lines so far.
func (r *windowReader) ClassNames() []string { return data.ClassNames(r.lines) }

func (r *windowReader) Shape() data.Shape {
	return data.Shape{W: r.window * r.lines.Shape().W}
}

func (r *windowReader) Close() error { return r.lines.Close() }

func (r *windowReader) Next(n int) (data.Chunk, error) {
	const most = 4096 // lines at once
	for r.buf.N < r.window {
		c, err := r.lines.Next(most)
		if err == io.EOF && !r.given {
			err = fmt.Errorf("table: %s: windows of %d lines: want at least as many lines, got %d; take more lines, or a model of smaller windows", r.file, r.window, r.buf.N)
		}
		if err != nil {
			return data.Chunk{}, err
		}
		r.add(c.Set)
	}
	r.given = true
	count := min(max(1, n), (r.buf.N-r.window)/r.step+1)
	out, err := Windows(r.buf.Slice(0, (count-1)*r.step+r.window), r.window, r.step)
	if err != nil {
		return data.Chunk{}, err
	}
	r.drop(count * r.step)
	return data.Chunk{Set: out}, nil
}

// add appends lines behind those to skip.
func (r *windowReader) add(s data.Set) {
	skip := min(r.skip, s.N)
	r.skip -= skip
	s = s.Slice(skip, s.N)
	r.buf.Shape = s.Shape
	r.buf.N += s.N
	r.buf.Floats, r.buf.Labels = append(r.buf.Floats, s.Floats...), append(r.buf.Labels, s.Labels...)
}

// drop takes the first lines away, or of those to come where there are fewer.
func (r *windowReader) drop(n int) {
	here := min(n, r.buf.N)
	r.skip += n - here
	r.buf.N -= here
	r.buf.Floats = slices.Delete(r.buf.Floats, 0, here*r.buf.W)
	if r.buf.Labels != nil {
		r.buf.Labels = slices.Delete(r.buf.Labels, 0, here)
	}
}
