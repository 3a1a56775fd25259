package vmtest

import (
	"context"
	"testing"

	"aegis/data/mnist"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model"
	"aegis/model/program"
)

// BenchmarkSteps trains each preset on MNIST, a step an iteration.
func BenchmarkSteps(b *testing.B, open Open) {
	ds, err := mnist.Load()
	if err != nil {
		b.Fatal(err)
	}
	for _, spec := range model.Presets() {
		b.Run(spec.Model, func(b *testing.B) {
			spec.Image, spec.Rows = [3]int{1, 28, 28}, ds.Train.Rows.N
			p, err := spec.Program()
			if err != nil {
				b.Fatal(err)
			}
			m, err := open(p, goldenSeed)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = m.Close() }()
			if err := m.Bind(vm.TrainSet, ds.Train.Rows); err != nil {
				b.Fatal(err)
			}
			const steps = 32
			run := func(first, count int64) {
				s := program.Steps{First: first, Rows: train.Rows(int(count) * p.Batch)}
				for i := range count {
					s.Scalars = p.StepScalars(s.Scalars, first+i, 1)
				}
				if err := m.Train(context.Background(), s); err != nil {
					b.Fatal(err)
				}
				if _, err := m.Losses(); err != nil {
					b.Fatal(err)
				}
			}
			run(0, 1)
			b.ReportAllocs()
			b.ResetTimer()
			for done := int64(0); done < int64(b.N); {
				count := min(steps, int64(b.N)-done)
				run(1+done, count)
				done += count
			}
			b.ReportMetric(float64(b.N*p.Batch)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
