package op

import (
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Values returns the values of a tensor in row-major order, as its strides have them:
// one that was transposed, is in column-major order or is a part of another is
// copied, any other shares its memory. A scalar is one value. ok is false where
// values are of another type.
func Values[T float32 | float64](v G.Value) (values []T, ok bool) {
	switch data := v.Data().(type) {
	case T:
		return []T{data}, true
	case []T:
		values = data
	default:
		return nil, false
	}
	t, dense := v.(*tensor.Dense)
	if !dense || t.IsScalar() {
		return values, true
	}
	shape, strides := t.Shape(), t.Strides()
	if len(strides) != len(shape) || regular(shape, strides) {
		return values[:shape.TotalSize()], true
	}
	out := make([]T, 0, shape.TotalSize())
	at := make([]int, len(shape))
	for range cap(out) {
		from := 0
		for k, i := range at {
			from += i * strides[k]
		}
		out = append(out, values[from])
		for k := len(at) - 1; k >= 0; k-- {
			if at[k]++; at[k] < shape[k] {
				break
			}
			at[k] = 0
		}
	}
	return out, true
}

// regular says that strides are those of a shape in row-major order.
func regular(shape tensor.Shape, strides []int) bool {
	want := 1
	for k := len(shape) - 1; k >= 0; k-- {
		if shape[k] != 1 && strides[k] != want {
			return false
		}
		want *= shape[k]
	}
	return true
}
