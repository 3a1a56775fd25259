//go:build !cpu

package cuda_test

import (
	"slices"
	"sync"
	"testing"

	"aegis/cuda"
	"aegis/cuda/driver"
	"aegis/cuda/ptxsim"
	"aegis/internal/program"
	"aegis/internal/train"
	"aegis/internal/vmtest"
)

var _ train.Machine = (*cuda.Machine)(nil)

// on opens the VM with options.
func on(opt cuda.Options) vmtest.Open {
	return func(p *program.Program, seed uint64) (train.Machine, error) { return cuda.Open(p, seed, opt) }
}

// simulated opens the VM on the simulator.
func simulated() vmtest.Open { return on(cuda.Options{Driver: ptxsim.Open(ptxsim.Options{})}) }

func TestGolden(t *testing.T)    { vmtest.Golden(t, simulated()) }
func TestContract(t *testing.T)  { vmtest.Contract(t, simulated()) }
func TestReference(t *testing.T) { vmtest.Reference(t, simulated()) }

func TestHandmadeGraphs(t *testing.T) { vmtest.HandmadeGraphs(t, simulated()) }

// held is a context of GPU 0 that the process never closes, so that the GPU's
// context is not made anew for each test.
var held = sync.OnceValues(func() (driver.Context, error) {
	d, err := driver.Open()
	if err != nil {
		return nil, err
	}
	return d.Context(0)
})

// needGPU skips where no GPU can be used, and says why.
func needGPU(t testing.TB) {
	t.Helper()
	dev, err := cuda.Probe(cuda.Options{})
	if err != nil {
		t.Skipf("needs a GPU: %v", err)
	}
	if _, err := held(); err != nil {
		t.Fatal(err)
	}
	t.Logf("on %v", dev)
}

// TestGPU runs on a GPU what the tests above run on the simulator.
func TestGPU(t *testing.T) {
	needGPU(t)
	t.Run("golden", func(t *testing.T) { vmtest.Golden(t, on(cuda.Options{})) })
	t.Run("contract", func(t *testing.T) { vmtest.Contract(t, on(cuda.Options{})) })
	t.Run("reference", func(t *testing.T) { vmtest.Reference(t, on(cuda.Options{})) })
	t.Run("streamed", func(t *testing.T) { vmtest.Contract(t, on(cuda.Options{DataLimit: -1})) })
}

// TestGPUSameBits trains the same way twice, and with streamed images.
func TestGPUSameBits(t *testing.T) {
	needGPU(t)
	limits := []int{0, 0, -1}
	opened := func(limit int) vmtest.Open { return on(cuda.Options{DataLimit: int64(limit)}) }
	for name, results := range vmtest.TrainOn(t, limits, opened) {
		for i := range limits[1:] {
			if !slices.Equal(results[0], results[i+1]) {
				t.Errorf("%s: other bits with limit %d than at first", name, limits[i+1])
			}
		}
	}
}

func BenchmarkSteps(b *testing.B) {
	needGPU(b)
	vmtest.BenchmarkSteps(b, on(cuda.Options{}))
}
