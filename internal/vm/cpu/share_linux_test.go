package cpu

import (
	"context"
	"slices"
	"syscall"
	"testing"

	"aegis/data/mnist"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model"
	"aegis/model/program"
)

// BenchmarkShare measures how much longer a step takes for an option, by turns
// on one thread, in processor time: on a busy machine too that is not far off.
func BenchmarkShare(b *testing.B) {
	for _, preset := range []string{"fc12", "conv"} {
		for _, c := range []struct {
			name string
			bend func(s *model.Spec)
		}{
			{"dropout", func(s *model.Spec) { s.Dropout = 0.2 }},
			{"batch norm", func(s *model.Spec) { s.BatchNorm = true }},
			{"gaussian", func(s *model.Spec) { s.Corrupt = "gaussian:0.5" }},
			{"mask", func(s *model.Spec) { s.Corrupt = "mask:0.3" }},
		} {
			b.Run(preset+"/"+c.name, func(b *testing.B) { share(b, preset, c.bend) })
		}
	}
}

func share(b *testing.B, preset string, bend func(s *model.Spec)) {
	const steps = 20
	runs := []func(){stepper(b, preset, func(*model.Spec) {}, steps), stepper(b, preset, bend, steps)}
	var times [2][]float64
	for range max(b.N, 10) {
		for i, run := range runs {
			before := processorTime(b)
			run()
			times[i] = append(times[i], processorTime(b)-before)
		}
	}
	var ratios []float64
	for i, plain := range times[0] {
		ratios = append(ratios, times[1][i]/plain)
	}
	median := func(x []float64) float64 { slices.Sort(x); return x[len(x)/2] }
	b.ReportMetric(100*(median(ratios)-1), "%-more")
	b.ReportMetric(median(times[0])/steps*1e6, "µs-plain")
	b.ReportMetric(median(times[1])/steps*1e6, "µs-with")
}

// bent opens a bent preset on one thread, with MNIST to train on.
func bent(b *testing.B, preset string, bend func(s *model.Spec)) *Machine {
	b.Helper()
	ds, err := mnist.Load()
	if err != nil {
		b.Fatal(err)
	}
	spec, err := model.Preset(preset)
	if err != nil {
		b.Fatal(err)
	}
	spec.Image, spec.Rows = [3]int{1, 28, 28}, ds.Train.Rows.N
	bend(&spec)
	p, err := spec.Program()
	if err != nil {
		b.Fatal(err)
	}
	m, err := Open(p, 1, Options{Threads: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = m.Close() })
	if err := m.Bind(vm.TrainSet, ds.Train.Rows); err != nil {
		b.Fatal(err)
	}
	return m
}

// stepper returns a function that trains some steps of a bent preset.
func stepper(b *testing.B, preset string, bend func(s *model.Spec), steps int) func() {
	b.Helper()
	m := bent(b, preset, bend)
	p := m.program
	first := int64(0)
	return func() {
		s := program.Steps{First: first, Rows: train.Rows(steps * p.Batch)}
		for i := range steps {
			s.Scalars = p.StepScalars(s.Scalars, first+int64(i), 1)
		}
		if err := m.Train(context.Background(), s); err != nil {
			b.Fatal(err)
		}
		if _, err := m.Losses(); err != nil {
			b.Fatal(err)
		}
		first += int64(steps)
	}
}

// processorTime is what this process took, in seconds.
func processorTime(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
