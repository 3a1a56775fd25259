//go:build !cpu

package cuda_test

import (
	"slices"
	"testing"

	"aegis/cuda"
	"aegis/cuda/internal/gputest"
	"aegis/cuda/internal/ptxsim"
	"aegis/internal/vm"
	"aegis/internal/vm/vmtest"
	"aegis/model/program"
)

var (
	_ vm.Trainer = (*cuda.Machine)(nil)
	_ vm.Runner  = (*cuda.Runner)(nil)
)

// on opens the VM with options.
func on(opt cuda.Options) vmtest.Open {
	return func(p *program.Program, seed uint64) (vm.Trainer, error) { return cuda.Open(p, seed, opt) }
}

// simulated opens the VM on the simulator.
func simulated() vmtest.Open { return on(cuda.Options{Driver: ptxsim.Open(ptxsim.Options{})}) }

func TestGolden(t *testing.T)    { vmtest.Golden(t, simulated()) }
func TestContract(t *testing.T)  { vmtest.Contract(t, simulated()) }
func TestReference(t *testing.T) { vmtest.Reference(t, simulated()) }

// runnersOn opens the forward parts with options.
func runnersOn(opt cuda.Options) vmtest.OpenRunner {
	return func(p *program.Program, seed uint64, params vm.Params) (vm.Runner, error) {
		return cuda.OpenRunner(p, seed, params, opt)
	}
}

func TestRunner(t *testing.T) {
	vmtest.Runner(t, runnersOn(cuda.Options{Driver: ptxsim.Open(ptxsim.Options{})}), 4, "odd widths", "conv loss bce")
}

// TestRunnerHasNoTraining: a runner has the parameters alone, where training
// with Adam has three tensors of each, and little else.
func TestRunnerHasNoTraining(t *testing.T) {
	p := vmtest.Tiny(t)
	opt := cuda.Options{Driver: ptxsim.Open(ptxsim.Options{})}
	r, err := cuda.OpenRunner(p, 1, p.Start(1).Tensor, opt)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	m, err := cuda.Open(p, 1, opt)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	used, trained := r.Memory(), m.Memory()
	if 3*used.State != trained.State || used.Queue >= trained.Queue || used.Data != 0 {
		t.Errorf("a runner takes %v, training %v", used, trained)
	}
}

func TestTrainsProgram(t *testing.T) { vmtest.TrainsProgram(t, simulated()) }

func TestHandmadeGraphs(t *testing.T) { vmtest.HandmadeGraphs(t, simulated()) }

// needGPU skips where no GPU can be used, and says why. Its context is kept
// from one test to the next.
func needGPU(t testing.TB) {
	t.Helper()
	dev, err := cuda.Probe(cuda.Options{})
	if err != nil {
		t.Skipf("needs a GPU: %v", err)
	}
	t.Logf("on %v", dev)
	gputest.Open(t)
}

// TestGPU runs on a GPU what the tests above run on the simulator.
func TestGPU(t *testing.T) {
	needGPU(t)
	for _, c := range []struct {
		name string
		test func(*testing.T, vmtest.Open)
		opt  cuda.Options
	}{
		{name: "golden", test: vmtest.Golden},
		{name: "contract", test: vmtest.Contract},
		{name: "reference", test: vmtest.Reference},
		{name: "streamed", test: vmtest.Contract, opt: cuda.Options{DataLimit: -1}},
		{name: "handmade graphs", test: vmtest.HandmadeGraphs},
		{name: "trains a program", test: vmtest.TrainsProgram},
		{name: "runner", test: func(t *testing.T, _ vmtest.Open) {
			vmtest.Runner(t, runnersOn(cuda.Options{}), 64, "odd widths", "colour", "conv loss bce")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			needGPU(t)
			c.test(t, on(c.opt))
		})
	}
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
