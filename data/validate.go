package data

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// Validate says what is wrong with rows that a program made: whether every
// dimension is at least 1, and Bytes or Floats holds just as many values.
func (r Rows) Validate() error {
	if err := r.check(); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	return nil
}

func (r Rows) check() error {
	size, ok := product(append([]int{r.N}, r.dims()...)...)
	if !ok {
		return fmt.Errorf("rows: %d of shape %v; want N, and C, H and W or a width alone, of at least 1, in memory's reach", r.N, r.dims())
	}
	if r.Floats != nil && r.Bytes != nil {
		return fmt.Errorf("rows: %d bytes and %d float32; want one of them", len(r.Bytes), len(r.Floats))
	}
	if got := len(r.Bytes) + len(r.Floats); got != size {
		return fmt.Errorf("rows: want %d %s for %d rows of shape %v, got %d; correct the shape or the values", size, r.valueType(), r.N, r.dims(), got)
	}
	if r.N > math.MaxInt32 {
		return fmt.Errorf("rows: %d of them; want at most %d, a row number is an int32", r.N, math.MaxInt32)
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

// Validate says what is wrong with a source that a program made: its rows, its
// labels, the number of names, a set whose rows are not as those of training.
func (s *Source) Validate() error {
	if s == nil {
		return errors.New("data: the source is nil; want one with training rows")
	}
	if err := s.check("training", s.Train); err != nil {
		return err
	}
	for _, other := range []struct {
		which string
		set   Set
	}{{"validation", s.Val}, {"test", s.Test}} {
		if other.set.empty() {
			continue
		}
		if err := s.check(other.which, other.set); err != nil {
			return err
		}
		want, got := s.Train.Shape.String(), other.set.Shape.String()
		if want == got {
			want, got = s.Train.valueType(), other.set.valueType()
		}
		if want != got {
			return fmt.Errorf("data: %s: %s rows: want %s as in training, got %s; get all sets from one source", s, other.which, want, got)
		}
	}
	if err := s.Form.check(s.Train.Shape); err != nil {
		return fmt.Errorf("data: %s: %w", s, err)
	}
	return nil
}

// check says what is wrong with a set of a source.
func (s *Source) check(which string, set Set) error {
	if err := set.Rows.check(); err != nil {
		return fmt.Errorf("data: %s: %s %w", s, which, err)
	}
	if set.Labels != nil && len(set.Labels) != set.N {
		return fmt.Errorf("data: %s: %s labels: want %d, one a row, got %d; get both from one source, or leave the labels out",
			s, which, set.N, len(set.Labels))
	}
	for row, label := range set.Labels {
		if n := len(s.Classes); n > 0 && int(label) >= n {
			return fmt.Errorf("data: %s: %s labels: want 0 to %d, which have names, got %d in row %d; name all classes or none",
				s, which, n-1, label, row)
		}
	}
	return nil
}

// empty says that there is no such set.
func (s Set) empty() bool {
	return s.N == 0 && len(s.Bytes) == 0 && len(s.Floats) == 0 && len(s.Labels) == 0
}

// valueType names the type of values.
func (r Rows) valueType() string {
	if r.IsBytes() {
		return "bytes"
	}
	return "float32"
}
