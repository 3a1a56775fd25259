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
func TestOptim(t *testing.T)     { vmtest.Optim(t, simulated()) }
func TestContract(t *testing.T)  { vmtest.Contract(t, simulated()) }
func TestReference(t *testing.T) { vmtest.Reference(t, simulated()) }

func TestBatchNorm(t *testing.T) { vmtest.BatchNorm(t, simulated()) }

func TestEMA(t *testing.T) { vmtest.EMA(t, simulated()) }

func TestShadows(t *testing.T) { vmtest.Shadows(t, simulated()) }

func TestAdversarial(t *testing.T) { vmtest.Adversarial(t, simulated()) }

func TestRegular(t *testing.T) { vmtest.Regular(t, simulated()) }

func TestClipped(t *testing.T) { vmtest.Clipped(t, simulated()) }

// Rows that do not stay on the device are sent as they are, and scaled there.
func TestStreamedRows(t *testing.T) {
	vmtest.ContractRows(t, on(cuda.Options{Driver: ptxsim.Open(ptxsim.Options{}), DataLimit: -1}))
}

// TestInputs reads inputs of every kind, from sets on the device and streamed,
// in one graph of several steps and in calls for which the queue is too short.
func TestInputs(t *testing.T) {
	for _, c := range []struct {
		name   string
		opt    cuda.Options
		tuning cuda.Tuning
	}{
		{name: "graphs of 4 steps", tuning: cuda.Tuning{Queue: 64, Graph: 4}},
		{name: "streamed", opt: cuda.Options{DataLimit: -1}, tuning: cuda.Tuning{Queue: 64, Graph: 4}},
		{name: "streamed, a queue of one step", opt: cuda.Options{DataLimit: -1}, tuning: cuda.Tuning{Queue: 1, Graph: 1}},
		{name: "gradients handed out", opt: cuda.Options{Exchange: func(string, []float32) error { return nil }}, tuning: cuda.Tuning{Queue: 64, Graph: 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.opt.Driver = ptxsim.Open(ptxsim.Options{})
			vmtest.Inputs(t, func(p *program.Program, seed uint64) (vm.Trainer, error) {
				return cuda.OpenTuned(p, seed, c.opt, c.tuning)
			})
		})
	}
}

func TestExchange(t *testing.T) {
	for _, limit := range []int64{0, -1} {
		vmtest.Exchange(t, func(exchange func(string, []float32) error) vmtest.Open {
			return on(cuda.Options{DataLimit: limit, Driver: ptxsim.Open(ptxsim.Options{}), Exchange: exchange})
		})
	}
}

// runnersOn opens the forward parts with options.
func runnersOn(opt cuda.Options) vmtest.OpenRunner {
	return func(p *program.Program, seed uint64, params vm.Params) (vm.Runner, error) {
		return cuda.OpenRunner(p, seed, params, opt)
	}
}

func TestRunner(t *testing.T) {
	open := runnersOn(cuda.Options{Driver: ptxsim.Open(ptxsim.Options{})})
	vmtest.Runner(t, open, 4, "odd widths", "conv loss bce", "conv batch norm", "conv-vae", "conv-cvae")
	vmtest.RunnerInputs(t, open)
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
		{name: "clipped", test: vmtest.Clipped},
		{name: "handmade graphs", test: vmtest.HandmadeGraphs},
		{name: "inputs", test: vmtest.Inputs},
		{name: "averages", test: vmtest.EMA},
		{name: "shadows", test: vmtest.Shadows},
		{name: "streamed inputs", test: vmtest.Inputs, opt: cuda.Options{DataLimit: -1}},
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
