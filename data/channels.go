package data

import "fmt"

// channelsLast says which of (N, second, …, last) is the channels: the second
// where it is 1 to 4 or no larger than the last, else the last.
func channelsLast(second, last int) bool {
	const most = 4
	return second > most && last < second
}

// arrange makes images of an IDX file's elements, in place.
func arrange(dims []int, pixels []byte) Rows {
	m := Rows{N: dims[0], Shape: imageShape(dims), Bytes: pixels}
	if len(dims) == mostRank && channelsLast(dims[1], dims[3]) {
		transpose(pixels, m.H*m.W, m.C)
	}
	return m
}

// imageShape is that of images of 3 or 4 dimensions.
func imageShape(dims []int) Shape {
	switch {
	case len(dims) == 3:
		return Shape{1, dims[1], dims[2]}
	case channelsLast(dims[1], dims[3]):
		return Shape{dims[3], dims[1], dims[2]}
	}
	return Shape{dims[1], dims[2], dims[3]}
}

// arranged says what [arrange] made of a file of four dimensions.
func arranged(dims []int) string {
	order := "channels, height, width"
	if channelsLast(dims[1], dims[3]) {
		order = "height, width, channels"
	}
	return fmt.Sprintf("(%d,%d,%d,%d) is taken as images, %s", dims[0], dims[1], dims[2], dims[3], order)
}

// upright turns images that are stored column by column, in place.
func (m *Rows) upright() {
	transpose(m.Bytes, m.H, m.W)
	m.H, m.W = m.W, m.H
}

// transpose makes of each (rows,columns) in pixels a (columns,rows).
func transpose[T any](pixels []T, rows, columns int) {
	size := rows * columns
	if size == 0 {
		return // no images
	}
	was := make([]T, size)
	for ; len(pixels) >= size; pixels = pixels[size:] {
		copy(was, pixels)
		for r := range rows {
			for c, v := range was[r*columns : (r+1)*columns] {
				pixels[c*rows+r] = v
			}
		}
	}
}
