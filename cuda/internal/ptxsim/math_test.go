package ptxsim_test

import (
	"math"
	"testing"

	"aegis/cuda/driver"
	"aegis/cuda/internal/ptxsim"
)

// TestMath compares CUDA's functions, as NVRTC writes them, with Go's. The
// tolerances are CUDA's stated errors with room, relative to 1+|value|.
func TestMath(t *testing.T) {
	f := math.Abs
	tests := map[string]struct {
		want func(x float64) float64
		tol  float64
	}{
		"f_exp":      {want: math.Exp, tol: 3e-7},
		"f_fastexp":  {want: math.Exp, tol: 2e-6},
		"f_exp2":     {want: math.Exp2, tol: 3e-7},
		"f_expm1":    {want: math.Expm1, tol: 3e-7},
		"f_log":      {want: func(x float64) float64 { return math.Log(f(x)) }, tol: 3e-7},
		"f_fastlog":  {want: func(x float64) float64 { return math.Log(f(x)) }, tol: 1e-6},
		"f_log1p":    {want: func(x float64) float64 { return math.Log1p(f(x)) }, tol: 3e-7},
		"f_tanh":     {want: math.Tanh, tol: 3e-7},
		"f_sin":      {want: math.Sin, tol: 3e-7},
		"f_cos":      {want: math.Cos, tol: 3e-7},
		"f_sqrt":     {want: func(x float64) float64 { return math.Sqrt(f(x)) }, tol: 1e-7},
		"f_rsqrt":    {want: func(x float64) float64 { return 1 / math.Sqrt(f(x)) }, tol: 3e-7},
		"f_rcp":      {want: func(x float64) float64 { return 1 / x }, tol: 1e-7},
		"f_fastdiv":  {want: func(x float64) float64 { return 1 / x }, tol: 3e-7},
		"f_erf":      {want: math.Erf, tol: 3e-7},
		"f_pow":      {want: func(x float64) float64 { return math.Pow(f(x), 1.7) }, tol: 2e-6},
		"f_sigmoid":  {want: func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, tol: 3e-7},
		"f_softplus": {want: func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-f(x))) }, tol: 3e-7},
		"f_floor":    {want: math.Floor},
		"f_rint":     {want: math.RoundToEven},
		"f_round":    {want: math.Round},
		"f_int":      {want: func(x float64) float64 { return math.Trunc(float64(float32(x) * 3)) }},
		"f_uint":     {want: func(x float64) float64 { return math.Trunc(f(float64(float32(x) * 3))) }},
		"f_clamp":    {want: func(x float64) float64 { return math.Min(math.Max(x, 0), 1) }},
		"f_copysign": {want: func(x float64) float64 { return math.Copysign(2, x) }},
		"f_fmod":     {want: func(x float64) float64 { return math.Mod(x, 0.75) }},
		"f_double":   {want: func(x float64) float64 { return math.Sqrt(x*x+1) / 3 }, tol: 1e-7},
		"f_rd":       {want: down32},
		"f_ru":       {want: func(x float64) float64 { return float64(up32(x * float64(float32(1.1)))) }},
		"f_rz":       {want: func(x float64) float64 { return third(x) }},
	}
	d := open(t, ptxsim.Options{}, "math")
	x := wave(1000, 6)
	in, out := up(d, x), d.alloc(len(x))
	for name, tt := range tests {
		d.must(d.run(name, 8, 128, 0, driver.Ptr(in), driver.Ptr(out), driver.Int32(int32(len(x)))))
		want := make([]float64, len(x))
		for i, v := range x {
			want[i] = tt.want(float64(v))
		}
		near(t, name, down[float32](d, out, len(x)), want, tt.tol)
	}
}

// down32 is x + 1e-9 rounded down: for |x| beyond 1e-2 the sum lies just
// above x, so x itself.
func down32(x float64) float64 {
	s := x + float64(float32(1e-9))
	v := float32(s)
	if float64(v) > s {
		v = math.Nextafter32(v, float32(math.Inf(-1)))
	}
	return float64(v)
}

// up32 is x rounded up.
func up32(x float64) float32 {
	v := float32(x)
	if float64(v) < x {
		v = math.Nextafter32(v, float32(math.Inf(1)))
	}
	return v
}

// third is x/3 rounded toward zero.
func third(x float64) float64 {
	q := x / 3
	v := float32(q)
	if math.Abs(float64(v)) > math.Abs(q) {
		v = math.Nextafter32(v, 0)
	}
	return float64(v)
}
