package tape_test

import (
	"testing"

	"aegis/internal/program"
	"aegis/internal/tape"
	"aegis/internal/train"
	"aegis/internal/vmtest"
)

func open(p *program.Program, seed uint64) (train.Machine, error) { return tape.Open(p, seed) }

func TestGolden(t *testing.T)   { vmtest.Golden(t, open) }
func TestContract(t *testing.T) { vmtest.Contract(t, open) }

func BenchmarkSteps(b *testing.B) { vmtest.BenchmarkSteps(b, open) }
