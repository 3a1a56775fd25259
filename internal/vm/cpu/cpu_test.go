package cpu_test

import (
	"fmt"
	"slices"
	"testing"

	"aegis/internal/plan"
	"aegis/internal/vm"
	"aegis/internal/vm/cpu"
	"aegis/internal/vm/vmtest"
	"aegis/model/program"
)

// threads opens the VM on a number of workers.
func threads(n int) vmtest.Open {
	return func(p *program.Program, seed uint64) (vm.Trainer, error) {
		return cpu.Open(p, seed, cpu.Options{Threads: n})
	}
}

func TestGolden(t *testing.T)   { vmtest.Golden(t, threads(2)) }
func TestOptim(t *testing.T)    { vmtest.Optim(t, threads(2)) }
func TestContract(t *testing.T) { vmtest.Contract(t, threads(2)) }

func TestTrainsProgram(t *testing.T) { vmtest.TrainsProgram(t, threads(2)) }

func TestReference(t *testing.T) {
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d threads", n), func(t *testing.T) { vmtest.Reference(t, threads(n)) })
	}
}

func TestHandmadeGraphs(t *testing.T) {
	opt := cpu.PlanOptions()
	opt.Merge = false
	for name, open := range map[string]vmtest.Open{"1 thread": threads(1), "3 threads": threads(3), "separate updates": separate(opt)} {
		t.Run(name, func(t *testing.T) { vmtest.HandmadeGraphs(t, open) })
	}
}

func TestBatchNorm(t *testing.T) { vmtest.BatchNorm(t, threads(3)) }

func TestEMA(t *testing.T) { vmtest.EMA(t, threads(3)) }

func TestShadows(t *testing.T) { vmtest.Shadows(t, threads(3)) }

func TestAdversarial(t *testing.T) { vmtest.Adversarial(t, threads(3)) }

func TestRegular(t *testing.T) { vmtest.Regular(t, threads(3)) }

func TestClipped(t *testing.T) { vmtest.Clipped(t, threads(3)) }

func TestInputs(t *testing.T) {
	opt := cpu.PlanOptions()
	opt.Merge = false
	for name, open := range map[string]vmtest.Open{"1 thread": threads(1), "3 threads": threads(3), "separate updates": separate(opt)} {
		t.Run(name, func(t *testing.T) { vmtest.Inputs(t, open) })
	}
}

func TestExchange(t *testing.T) {
	vmtest.Exchange(t, func(exchange func(string, []float32) error) vmtest.Open {
		return func(p *program.Program, seed uint64) (vm.Trainer, error) {
			return cpu.Open(p, seed, cpu.Options{Threads: 2, Exchange: exchange})
		}
	})
}

// TestRunner takes networks of one thread and of several.
func TestRunner(t *testing.T) {
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d threads", n), func(t *testing.T) {
			open := func(p *program.Program, seed uint64, params vm.Params) (vm.Runner, error) {
				return cpu.OpenRunner(p, seed, params, cpu.Options{Threads: n})
			}
			vmtest.Runner(t, open, 64, "odd widths", "no hidden", "colour", "conv odd", "conv gelu", "loss bce", "conv loss bce", "batch norm", "conv batch norm", "vae", "conv-vae learned", "cvae", "conv-cvae")
			vmtest.RunnerInputs(t, open)
		})
	}
}

// TestSeparateUpdates runs plans whose gradients are buffers.
func TestSeparateUpdates(t *testing.T) {
	opt := cpu.PlanOptions()
	opt.Merge = false
	vmtest.Reference(t, separate(opt))
	vmtest.Optim(t, separate(opt))
}

func separate(opt plan.Options) vmtest.Open {
	return func(p *program.Program, seed uint64) (vm.Trainer, error) {
		return cpu.Open(p, seed, cpu.Options{Threads: 2, Plan: &opt})
	}
}

// TestEveryKernelSet runs the sets that Choose would not take.
func TestEveryKernelSet(t *testing.T) {
	for _, name := range cpu.Kernels()[1:] {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AEGIS_CPU", name)
			vmtest.Golden(t, threads(2))
			vmtest.EMA(t, threads(2))
			vmtest.Optim(t, threads(2))
			vmtest.Clipped(t, threads(2))
			sameBits(t, 1, 2, 4)
		})
	}
	t.Setenv("AEGIS_CPU", "sse")
	if _, err := threads(1)(vmtest.Tiny(t), 1); err == nil {
		t.Error("AEGIS_CPU=sse was taken")
	}
}

// TestSameBitsOnAnyNumberOfThreads compares some numbers of workers to the bit.
func TestSameBitsOnAnyNumberOfThreads(t *testing.T) { sameBits(t, 1, 2, 3, 4, 8) }

func sameBits(t *testing.T, counts ...int) {
	t.Helper()
	for name, results := range vmtest.TrainOn(t, counts, threads) {
		for i, n := range counts[1:] {
			if !slices.Equal(results[0], results[i+1]) {
				t.Errorf("%s: %d threads give other bits than one", name, n)
			}
		}
	}
}

func BenchmarkSteps(b *testing.B) {
	for _, n := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", n), func(b *testing.B) { vmtest.BenchmarkSteps(b, threads(n)) })
	}
}
