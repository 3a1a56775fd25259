package data

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// Validate says what is wrong with images that a program made: whether every
// dimension is at least 1, and Pixels holds just as many bytes.
func (m Images) Validate() error {
	if err := m.check(); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	return nil
}

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
	if m.N > math.MaxInt32 {
		return fmt.Errorf("images: %d of them; want at most %d, a row number is an int32", m.N, math.MaxInt32)
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

// Validate says what is wrong with a dataset that a program made: its images,
// the number of labels, a test set of another size than the training set.
func (d *Dataset) Validate() error {
	if d == nil {
		return errors.New("data: the dataset is nil; want one with training images")
	}
	if err := d.Train.check("training", d.Name); err != nil {
		return err
	}
	if d.Test.empty() {
		return nil
	}
	if err := d.Test.check("test", d.Name); err != nil {
		return err
	}
	if a, b := d.Train, d.Test; a.C != b.C || a.H != b.H || a.W != b.W {
		return fmt.Errorf("data: %s: test images: want %s as in training, got %s; get both sets from one source",
			d.Name, a.shape(), b.shape())
	}
	return nil
}

// check says what is wrong with a set of a dataset.
func (s Set) check(which, dataset string) error {
	if err := s.Images.check(); err != nil {
		return fmt.Errorf("data: %s: %s %w", dataset, which, err)
	}
	if s.Labels != nil && len(s.Labels) != s.N {
		return fmt.Errorf("data: %s: %s labels: want %d, one an image, got %d; get both from one source, or leave the labels out",
			dataset, which, s.N, len(s.Labels))
	}
	return nil
}

// empty says that there is no such set.
func (s Set) empty() bool { return s.N == 0 && len(s.Pixels) == 0 && len(s.Labels) == 0 }

// shape is the size of an image as text: 28×28, or 3 channels of 28×28.
func (m Images) shape() string {
	if m.C == 1 {
		return fmt.Sprintf("%d×%d", m.H, m.W)
	}
	return fmt.Sprintf("%d channels of %d×%d", m.C, m.H, m.W)
}
