//go:build !cpu

package cuda_test

import (
	"bytes"
	"context"
	"testing"

	"aegis/cuda"
	"aegis/internal/numtest"
	"aegis/internal/run"
	"aegis/internal/vm"
	"aegis/internal/vm/cpu"
	"aegis/internal/vm/vmtest"
	"aegis/model/optim"
	"aegis/model/program"
)

// TestResumeOnAnotherDevice goes on from a state's file on the CPU that the GPU
// wrote, and the other way round: losses and state are, within what the VMs differ
// by, those of one device alone.
func TestResumeOnAnotherDevice(t *testing.T) {
	const images, before, after = 9, 6, 5 // steps
	for _, network := range []string{"momentum", "conv point"} {
		for _, optimizer := range []optim.Spec{momentum(), optim.Default(optim.Adam, 1e-2)} {
			p, data := small(t, network, images)
			p.Phases[0].Optimizer = optimizer
			devices := []func() vm.Trainer{
				func() vm.Trainer { return open(t, p, data, cuda.Options{}) },
				func() vm.Trainer {
					m, err := cpu.Open(p, 1, cpu.Options{Threads: 1})
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { _ = m.Close() })
					if err := m.Bind(vm.TrainSet, vmtest.Rows(p, data)); err != nil {
						t.Fatal(err)
					}
					return m
				},
			}
			for i, what := range []string{"GPU, then CPU", "CPU, then GPU"} {
				t.Run(network+" "+optimizer.Kind+" "+what, func(t *testing.T) {
					first, second := devices[i](), devices[1-i]()
					stepped(t, p, first, 0, before*p.Batch, images)
					file := saved(t, first)
					want := stepped(t, p, first, before, after*p.Batch, images)
					if err := second.SetState(restored(t, file)); err != nil {
						t.Fatal(err)
					}
					numtest.Close(t, "losses", stepped(t, p, second, before, after*p.Batch, images), want, 1e-4)
					got, alone := restored(t, saved(t, second)), restored(t, saved(t, first))
					if got.Step != before+after || len(got.Tensors) != len(alone.Tensors) {
						t.Errorf("%d tensors of step %d, want %d of %d", len(got.Tensors), got.Step, len(alone.Tensors), before+after)
					}
					for name, tensor := range alone.Tensors {
						numtest.Close(t, name, wide(got.Tensors[name].Data), wide(tensor.Data), 1e-3)
					}
				})
			}
		}
	}
}

// stepped trains some steps and returns their losses.
func stepped(t *testing.T, p *program.Program, m vm.Trainer, first int64, rows, images int) []float64 {
	t.Helper()
	if err := m.Train(context.Background(), someSteps(p, first, rows, images)); err != nil {
		t.Fatal(err)
	}
	losses, err := m.Losses()
	if err != nil {
		t.Fatal(err)
	}
	return wide(losses)
}

// file is a state as a checkpoint has it.
type file struct {
	step  int64
	bytes []byte
}

func saved(t *testing.T, m vm.Trainer) file {
	t.Helper()
	state, err := m.State()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := run.EncodeTensors(&b, state.Tensors, nil); err != nil {
		t.Fatal(err)
	}
	return file{state.Step, b.Bytes()}
}

func restored(t *testing.T, f file) *program.State {
	t.Helper()
	tensors, _, err := run.DecodeTensors(bytes.NewReader(f.bytes), int64(len(f.bytes)))
	if err != nil {
		t.Fatal(err)
	}
	return &program.State{Step: f.step, Tensors: tensors}
}
