package tape_test

import (
	"testing"

	"aegis/internal/vm"
	"aegis/internal/vm/tape"
	"aegis/internal/vm/vmtest"
	"aegis/model/program"
)

func open(p *program.Program, seed uint64) (vm.Machine, error) { return tape.Open(p, seed) }

func TestGolden(t *testing.T)   { vmtest.Golden(t, open) }
func TestContract(t *testing.T) { vmtest.Contract(t, open) }

func BenchmarkSteps(b *testing.B) { vmtest.BenchmarkSteps(b, open) }
