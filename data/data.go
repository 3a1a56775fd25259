// Package data has datasets of images and the batches made from them: a reader
// and a writer of IDX files, the splits, and a loader that decodes ahead.
//
// Shapes: N images, C,H,W one image, P = C·H·W its pixels, B batch. Images stay
// bytes until a batch needs them as float32.
package data

import (
	"fmt"
	"math"
	"math/bits"
)

// Images is N images of C·H·W bytes, one after the other.
type Images struct {
	N, C, H, W int
	Pixels     []byte // (N, C, H, W)
}

// Size returns P, the bytes of one image.
func (m Images) Size() int { return m.C * m.H * m.W }

// Image returns image i, which shares memory with m. Like an index, i must be
// in [0, N).
func (m Images) Image(i int) []byte {
	p := m.Size()
	return m.Pixels[i*p : (i+1)*p : (i+1)*p]
}

// Slice returns images from to to-1, which share memory with m. The bounds are
// those of a slice expression: 0 ≤ from ≤ to ≤ N.
func (m Images) Slice(from, to int) Images {
	p := m.Size()
	m.Pixels = m.Pixels[from*p : to*p : to*p]
	m.N = to - from
	return m
}

// check says what is wrong with images that a caller built.
func (m Images) check() error {
	size, ok := product(m.N, m.C, m.H, m.W)
	if !ok {
		return fmt.Errorf("images: shape (%d,%d,%d,%d); want N, C, H and W of at least 1, in memory's reach",
			m.N, m.C, m.H, m.W)
	}
	if len(m.Pixels) != size {
		return fmt.Errorf("images: want %d bytes for shape (%d,%d,%d,%d), got %d; correct the shape or Pixels",
			size, m.N, m.C, m.H, m.W, len(m.Pixels))
	}
	return nil
}

// product multiplies dimensions. ok is false where one is below 1 or the
// product and a header beside it are more than an int holds.
func product(dims ...int) (size int, ok bool) {
	p := uint64(1)
	for _, d := range dims {
		if d < 1 {
			return 0, false
		}
		hi, lo := bits.Mul64(p, uint64(d))
		if hi != 0 || lo > math.MaxInt-maxHeader {
			return 0, false
		}
		p = lo
	}
	return int(p), true
}

// Set is images with their labels.
type Set struct {
	Images
	Labels []byte // (N), nil where there are none
}

// Len returns N.
func (s Set) Len() int { return s.N }

// Slice returns rows from to to-1, which share memory with s. The bounds are
// those of a slice expression: 0 ≤ from ≤ to ≤ N.
func (s Set) Slice(from, to int) Set {
	s.Images = s.Images.Slice(from, to)
	if s.Labels != nil {
		s.Labels = s.Labels[from:to:to]
	}
	return s
}

// Dataset is a training and a test set whose images have one size.
type Dataset struct {
	Name        string
	Train, Test Set
}

// Split takes the first limit rows of the training set, all of them where limit
// is 0, and holds the last held of those out as the validation set. The sets
// share memory with d; where held is 0, val has no rows.
func (d *Dataset) Split(limit, held int) (train, val, test Set, err error) {
	all := d.Train.Len()
	if limit < 0 || limit > all {
		return Set{}, Set{}, Set{}, fmt.Errorf("data: %s: limit of %d training rows; want 1 to %d, or 0 for all",
			d.Name, limit, all)
	}
	rows := limit
	if limit == 0 {
		rows = all
	}
	if held < 0 || held >= rows {
		return Set{}, Set{}, Set{}, fmt.Errorf(
			"data: %s: %d validation rows of %d training rows; want 0 to %d, so that a row is left to train on",
			d.Name, held, rows, rows-1)
	}
	return d.Train.Slice(0, rows-held), d.Train.Slice(rows-held, rows), d.Test, nil
}
