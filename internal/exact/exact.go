// Package exact runs a forward part of a network in float64: for scores that divide
// errors by scales so small that what float32 rounds would show. It knows what
// networks on vectors are made of. Parameters are those of the model, in float32;
// all sums are chains of fused multiply-adds in the order of the inputs, so that
// results have the same bits on every machine of an architecture, whatever the
// number of threads.
//
// Shapes: n rows, P values in a row, Z in a code.
package exact

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"aegis/internal/flow"
	"aegis/internal/vm/cpu/kernel"
	"aegis/model/program"
)

// Part is a forward part with its parameters. Any number of goroutines may run it
// at once.
type Part struct {
	in, classes, out int // values of a row that is read, of its class one-hot, and of the result
	sizes            []int
	steps            []func(b *block)
	result           int
	given, labels    int // values by their numbers; labels −1: none are read
	free             sync.Pool
}

// rowsAtOnce is how many rows a goroutine runs before it takes more.
const rowsAtOnce = 64

// block is some rows on their way: each value is (n,size).
type block struct {
	n      int
	values [][]float64
}

// Read reads a part of a program, with parameters by their names. An operation that
// no network on vectors has is an error.
func Read(p *program.Program, part program.Part, params func(name string, shape []int) (program.Tensor, error)) (*Part, error) {
	f, err := flow.Read(p, part)
	if err != nil {
		return nil, fmt.Errorf("exact: %w", err)
	}
	set, err := kernel.Choose("")
	if err != nil {
		return nil, fmt.Errorf("exact: %w", err)
	}
	r := &reader{Part: &Part{labels: -1}, set: set, names: map[string]int{}, params: map[string]program.Tensor{}}
	for _, v := range f.Params {
		if r.params[v.Name], err = params(v.Name, v.Shape); err != nil {
			return nil, fmt.Errorf("exact: %w", err)
		}
	}
	r.given, r.in = r.value(f.Given.Name, f.Given.Shape), size(f.Given.Shape)
	if f.Labels != nil {
		r.labels, r.classes = r.value(f.Labels.Name, f.Labels.Shape), size(f.Labels.Shape)
	}
	for _, s := range f.Steps {
		if err := r.step(s); err != nil {
			return nil, fmt.Errorf("exact: %s: %w", part, err)
		}
	}
	r.result = r.names[f.Result]
	r.out = r.sizes[r.result]
	return r.Part, nil
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Run computes the part of n rows: values (n,P), and a class each where the part
// reads labels. It returns (n,P) or (n,Z).
func (p *Part) Run(ctx context.Context, values []float32, classes []int32) ([]float64, error) {
	n := len(values) / p.in
	if len(values)%p.in != 0 {
		return nil, fmt.Errorf("exact: %d values; want rows of %d", len(values), p.in)
	}
	if p.labels >= 0 && len(classes) != n {
		return nil, fmt.Errorf("exact: %d classes of %d rows; want one each", len(classes), n)
	}
	out := make([]float64, n*p.out)
	var next atomic.Int64
	work := func() {
		b, ok := p.free.Get().(*block)
		if !ok {
			b = &block{values: make([][]float64, len(p.sizes))}
			for i, size := range p.sizes {
				b.values[i] = make([]float64, rowsAtOnce*size)
			}
		}
		defer p.free.Put(b)
		for ctx.Err() == nil {
			from := int(next.Add(rowsAtOnce)) - rowsAtOnce
			if from >= n {
				return
			}
			p.run(b, out, values, classes, from, min(from+rowsAtOnce, n))
		}
	}
	if workers := min(runtime.GOMAXPROCS(0), (n+rowsAtOnce-1)/rowsAtOnce); workers > 1 {
		var group sync.WaitGroup
		for range workers {
			group.Go(work)
		}
		group.Wait()
	} else {
		work()
	}
	return out, ctx.Err()
}

// run computes rows from to to-1.
func (p *Part) run(b *block, out []float64, values []float32, classes []int32, from, to int) {
	b.n = to - from
	given := b.values[p.given]
	for i, v := range values[from*p.in : to*p.in] {
		given[i] = float64(v)
	}
	if p.labels >= 0 {
		hot := b.values[p.labels][:b.n*p.classes]
		clear(hot)
		for i, class := range classes[from:to] {
			if class >= 0 && int(class) < p.classes {
				hot[i*p.classes+int(class)] = 1
			}
		}
	}
	for _, step := range p.steps {
		step(b)
	}
	copy(out[from*p.out:to*p.out], b.values[p.result])
}
