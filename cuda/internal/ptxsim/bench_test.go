package ptxsim_test

import (
	"testing"

	"aegis/cuda/driver"
	"aegis/cuda/internal/ptxsim"
)

// BenchmarkKernels reports millions of fused multiply-adds, or of elements, a
// second, on one worker where the name does not say otherwise.
func BenchmarkKernels(b *testing.B) {
	const n = 1 << 16
	tests := []struct {
		name   string
		kernel string
		grid   int
		noRace bool
		lanes  float64 // multiply-adds, or elements, a launch
		unit   string
		cores  int
		args   func(d *device) []driver.Arg
	}{
		{name: "fma", kernel: "flops", grid: 4, lanes: 4 * 256 * 100 * 64, unit: "Mfma/s", args: func(d *device) []driver.Arg {
			return []driver.Arg{driver.Ptr(d.alloc(4 * 256)), driver.Int32(100)}
		}},
		{name: "gemm", kernel: "gemm", grid: 2, lanes: 128 * 64 * 256, unit: "Mfma/s", args: gemmArgs},
		{name: "gemm/noraces", kernel: "gemm", noRace: true, grid: 2, lanes: 128 * 64 * 256, unit: "Mfma/s", args: gemmArgs},
		{name: "adam", kernel: "adam", grid: n / 256, lanes: n, unit: "Melem/s", args: adamArgs(n)},
		{name: "adam/noraces", kernel: "adam", noRace: true, grid: n / 256, lanes: n, unit: "Melem/s", args: adamArgs(n)},
		{name: "adam/2 workers", kernel: "adam", cores: 2, grid: n / 256, lanes: n, unit: "Melem/s", args: adamArgs(n)},
		{name: "reduce", kernel: "reduce", grid: 4, lanes: n, unit: "Melem/s", args: func(d *device) []driver.Arg {
			return []driver.Arg{driver.Ptr(up(d, wave(n, 1))), driver.Ptr(d.alloc(4)), driver.Int32(n)}
		}},
	}
	for _, tt := range tests {
		b.Run(tt.name, func(b *testing.B) {
			d := open(b, ptxsim.Options{Workers: max(tt.cores, 1), NoRaces: tt.noRace}, "good")
			args := tt.args(d)
			for b.Loop() {
				d.must(d.run(tt.kernel, tt.grid, 256, 0, args...))
			}
			b.ReportMetric(tt.lanes*float64(b.N)/b.Elapsed().Seconds()/1e6, tt.unit)
		})
	}
}

// gemmArgs is a product (64,256) . (256,128).
func gemmArgs(d *device) []driver.Arg {
	return []driver.Arg{
		driver.Ptr(up(d, wave(64*256, 1))), driver.Ptr(up(d, wave(256*128, 1))), driver.Ptr(d.alloc(64 * 128)),
		driver.Int32(64), driver.Int32(128), driver.Int32(256),
	}
}

func adamArgs(n int) func(d *device) []driver.Arg {
	return func(d *device) []driver.Arg {
		zero := make([]float32, n)
		return []driver.Arg{
			driver.Ptr(up(d, wave(n, 1))), driver.Ptr(up(d, wave(n, 1))), driver.Ptr(up(d, zero)), driver.Ptr(up(d, zero)), driver.Int32(int32(n)),
			driver.Float32(1e-3), driver.Float32(0.9), driver.Float32(0.999), driver.Float32(1e-8), driver.Float32(10), driver.Float32(1000),
		}
	}
}
