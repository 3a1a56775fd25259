package tape_test

import (
	"testing"

	"aegis/internal/vm"
	"aegis/internal/vm/tape"
	"aegis/internal/vm/vmtest"
	"aegis/model/program"
)

func open(p *program.Program, seed uint64) (vm.Trainer, error) { return tape.Open(p, seed) }

func TestGolden(t *testing.T)   { vmtest.Golden(t, open) }
func TestOptim(t *testing.T)    { vmtest.Optim(t, open) }
func TestContract(t *testing.T) { vmtest.Contract(t, open) }

func TestBatchNorm(t *testing.T) { vmtest.BatchNorm(t, open) }

func TestEMA(t *testing.T) { vmtest.EMA(t, open) }

func TestAdversarial(t *testing.T) { vmtest.Adversarial(t, open) }

func TestRegular(t *testing.T) { vmtest.Regular(t, open) }

func TestClipped(t *testing.T) { vmtest.Clipped(t, open) }

func TestRunner(t *testing.T) {
	open := func(p *program.Program, seed uint64, params vm.Params) (vm.Runner, error) {
		return tape.OpenRunner(p, seed, params)
	}
	vmtest.Runner(t, open, 64, "odd widths", "conv loss bce", "vae", "cvae")
	vmtest.RunnerInputs(t, open)
}

func BenchmarkSteps(b *testing.B) { vmtest.BenchmarkSteps(b, open) }
