package optim

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// What clipping makes of two gradients, as torch.nn.utils has it.
func TestClip(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name     string
		clip     Clip
		in, want [][]float32
	}{
		{"nothing", Clip{}, [][]float32{{3, -4}, {12}}, [][]float32{{3, -4}, {12}}},
		{"norm of all", Clip{Norm: 6.5}, [][]float32{{3, -4}, {12}}, [][]float32{{1.5, -2}, {6}}},
		{"norm within", Clip{Norm: 14}, [][]float32{{3, -4}, {12}}, [][]float32{{3, -4}, {12}}},
		{"no gradient", Clip{Norm: 1}, [][]float32{{0, 0}}, [][]float32{{0, 0}}},
		{"values", Clip{Value: 3.5}, [][]float32{{3, -4}, {12}}, [][]float32{{3, -3.5}, {3.5}}},
		{"values, then norm", Clip{Norm: 2.5, Value: 4}, [][]float32{{3, -9}}, [][]float32{{1.5, -2}}},
		{"norm near the guard", Clip{Norm: 1e-6}, [][]float32{{3e-6, 4e-6}}, [][]float32{{5e-7, 6.6666667e-7}}},
		{"squares beyond float32", Clip{Norm: 1}, [][]float32{{3e30, 4e30}}, [][]float32{{0.6, 0.8}}},
		{"a NaN spreads", Clip{Norm: 1}, [][]float32{{nan, 1}, {2}}, [][]float32{{nan, nan}, {nan}}},
		{"a NaN has no bound", Clip{Value: 1}, [][]float32{{nan, 2}}, [][]float32{{nan, 1}}},
		{"infinite", Clip{Norm: 1}, [][]float32{{inf, 1}}, [][]float32{{nan, 0}}},
		{"infinite value", Clip{Value: 2}, [][]float32{{inf, -inf}}, [][]float32{{2, -2}}},
	} {
		c.clip.Apply(c.in)
		for i, want := range c.want {
			if !slices.EqualFunc(c.in[i], want, func(a, b float32) bool {
				return a == b || a != a && b != b || math.Abs(float64(a-b)) < 1e-5*math.Abs(float64(b))
			}) {
				t.Errorf("%s: gradient %d is %v, want %v", c.name, i, c.in[i], want)
			}
		}
	}
}

func TestClipValidate(t *testing.T) {
	for _, c := range []struct {
		clip Clip
		want string // of the error; "": none
	}{
		{Clip{}, ""},
		{Clip{Norm: 1e-30, Value: 1e30}, ""},
		{Clip{Norm: -1}, "norm of gradients to -1"},
		{Clip{Norm: math.NaN()}, "norm of gradients to NaN"},
		{Clip{Norm: math.Inf(1)}, "norm of gradients to +Inf"},
		{Clip{Norm: 1e300}, "norm of gradients to 1e+300"},
		{Clip{Value: -0.5}, "values of gradients to -0.5"},
		{Clip{Value: math.NaN()}, "values of gradients to NaN"},
		{Clip{Value: math.Inf(1)}, "values of gradients to +Inf"},
		{Clip{Value: 1e-60}, "values of gradients to 1e-60"},
	} {
		err := c.clip.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want %q", c.clip, err, c.want)
		}
	}
}
