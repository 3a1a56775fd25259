// Package data has datasets of images and the batches made from them: a reader
// and a writer of IDX files, the splits, and a loader that decodes ahead.
//
// Shapes: N images, C,H,W one image, P = C·H·W its pixels, B batch. Images stay
// bytes until a batch needs them as float32.
package data

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

// Dataset is a training and a test set whose images have one size. Without a
// test set, Test is the zero Set.
type Dataset struct {
	Name        string
	Train, Test Set
	Notes       []string // what a reader decided that its user should know, a line each
}
