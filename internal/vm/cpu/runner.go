package cpu

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"aegis/internal/plan"
	"aegis/internal/vm"
	"aegis/model/program"
)

// Runner runs the forward parts of a program; it is a vm.Runner. Its parts
// share the weights. Each batch of a call takes an execution, the memory of one
// plan, and runs it on the goroutine that it is called from; a call of many
// rows takes several goroutines. There are as many executions at once as
// processors pay: a call waits for one, and gives it back after each batch.
type Runner struct {
	weights host // without workers
	threads int
	parts   map[program.Part]*part
	turns   chan struct{} // holds a value for each execution in progress
}

// part is a forward part of a Runner.
type part struct {
	plan    *plan.Plan
	missing error // why the program has none

	mu   sync.Mutex
	idle []*execution
	made []*execution
}

// execution is a plan with memory of its own.
type execution struct {
	host host
	exec *exec
}

// OpenRunner prepares a program under the parameters that params gives. Parts
// that the program cannot build are errors when they are asked for. Options
// for training have no meaning here.
func OpenRunner(p *program.Program, seed uint64, params vm.Params, opt Options) (*Runner, error) {
	kernels, threads, err := opt.choose()
	if err != nil {
		return nil, err
	}
	r := &Runner{
		weights: host{program: p, kernels: kernels, params: make(map[string]*param), seed: seed},
		threads: threads, parts: make(map[program.Part]*part), turns: make(chan struct{}, threads),
	}
	for _, name := range vm.RunnerParts() {
		if r.parts[name], err = compileForward(p, name); err != nil {
			return nil, fmt.Errorf("cpu: part %s: %w", name, err)
		}
	}
	if err := r.load(params); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Bounds of the plans of a Runner: enough rows that products pay, in so little
// memory that there can be one for each processor.
const (
	runnerRows  = 64
	runnerArena = 8 << 20 // floats
)

// compileForward makes the plan of a part.
func compileForward(p *program.Program, name program.Part) (*part, error) {
	for rows := runnerRows; ; {
		g, err := p.Build(name, rows)
		if err != nil {
			return &part{missing: err}, nil
		}
		compiled, err := plan.CompileForward(p, g, PlanOptions())
		if err != nil {
			return nil, err
		}
		if compiled.Arena <= runnerArena || rows == 1 {
			return &part{plan: compiled}, nil
		}
		rows = max(1, min(rows/2, rows*runnerArena/compiled.Arena))
	}
}

// load makes the parameters that the parts read, in the layouts that they read
// them in.
func (r *Runner) load(params vm.Params) error {
	matrices, copies := make(map[string]plan.Layout), make(map[string]bool)
	read := make(map[string]bool) // other than as a copy
	for _, p := range r.parts {
		if p.plan == nil {
			continue
		}
		for i, b := range p.plan.Buffers {
			switch b.Kind {
			case plan.Param:
				if other, ok := matrices[b.Name]; ok && other != b.Layout {
					return fmt.Errorf("cpu: parameter %s is %s in one part and %s in another; all plans must use it alike", b.Name, b.Layout, other)
				}
				matrices[b.Name] = b.Layout
				read[b.Name] = read[b.Name] || reads(p.plan, i)
			case plan.Copy:
				copies[p.plan.Buffers[b.Of].Name] = true
			}
		}
	}
	for _, spec := range r.weights.program.Params {
		layout, used := matrices[spec.Name]
		if !used {
			continue
		}
		t, err := params(spec.Name, spec.Shape)
		if err != nil {
			return err
		}
		if err := r.loadParam(spec, layout, t.Data, copies[spec.Name], read[spec.Name]); err != nil {
			return fmt.Errorf("cpu: parameter %s: %w", spec.Name, err)
		}
	}
	return nil
}

// reads says that an instruction reads a buffer, by itself or through a view.
func reads(p *plan.Plan, buffer int) bool {
	for _, in := range p.Phases[0].Gradients {
		for _, s := range in.Src {
			if b := p.Buffers[s]; s == buffer || b.Kind == plan.View && b.Of == buffer {
				return true
			}
		}
	}
	return false
}

// loadParam takes a tensor in: as a matrix, as a transposed copy of it, or as
// both.
func (r *Runner) loadParam(spec program.Param, layout plan.Layout, data []float32, copied, read bool) (err error) {
	p := &param{name: spec.Name}
	p.setShape(spec.Shape, layout)
	if read || !copied {
		p.matrix, err = r.weights.memory.Floats(spec.Size())
	} else {
		p.matrix = make([]float32, spec.Size())
	}
	if err != nil {
		return err
	}
	for piece := range p.pieces() {
		p.load(r.weights.kernels, p.matrix, data, piece)
	}
	if copied {
		if p.copied, err = r.weights.memory.Floats(spec.Size()); err != nil {
			return err
		}
		p.refresh(r.weights.kernels, 0, p.k, 0, p.n)
		if !read {
			p.matrix = p.copied // no one looks at it
		}
	}
	r.weights.params[spec.Name] = p
	return nil
}

// Device names kernels and how many executions there are at once.
func (r *Runner) Device() string { return deviceName(r.weights.kernels, r.threads) }

// VM returns "cpu".
func (r *Runner) VM() string { return "cpu" }

// Infer runs a part on given values and fills out.
func (r *Runner) Infer(ctx context.Context, name program.Part, in program.Feed, out []float32) error {
	p, ok := r.parts[name]
	switch {
	case !ok:
		return fmt.Errorf("cpu: no part %q; want one of %v", name, vm.RunnerParts())
	case p.missing != nil:
		return fmt.Errorf("cpu: part %s: %w", name, p.missing)
	case in.Set != "":
		return fmt.Errorf("cpu: %s: rows of set %q; want values: no set is bound here", name, in.Set)
	}
	width, size := inputWidth(p.plan), outputWidth(p.plan)
	n, err := countRows(name, in.Values, width)
	if err != nil {
		return err
	}
	if err := checkLabels(p.plan, in.Labels, nil, n); err != nil {
		return err
	}
	if len(out) != n*size {
		return fmt.Errorf("cpu: %s: want room for %d × %d values, got %d", name, n, size, len(out))
	}
	rows := p.plan.Batch
	return r.share((n+rows-1)/rows, func(batch int) error {
		from, to := batch*rows, min((batch+1)*rows, n)
		return r.run(ctx, p, forwardJob{
			values: in.Values[from*width : to*width], labels: in.Labels, first: from, n: to - from, out: out[from*size : to*size],
		})
	})
}

// share calls run for each of so many batches, from as many goroutines as there
// are threads where there are several; it returns the first error.
func (r *Runner) share(batches int, run func(batch int) error) error {
	var next atomic.Int64
	var failed atomic.Bool
	work := func() error {
		for !failed.Load() {
			batch := int(next.Add(1)) - 1
			if batch >= batches {
				break
			}
			if err := run(batch); err != nil {
				failed.Store(true)
				return err
			}
		}
		return nil
	}
	errs := make([]error, max(1, min(r.threads, batches)))
	var others sync.WaitGroup
	for i := range errs[1:] {
		others.Go(func() { errs[1+i] = work() })
	}
	errs[0] = work()
	others.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// run runs one batch when its turn has come.
func (r *Runner) run(ctx context.Context, p *part, job forwardJob) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case r.turns <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-r.turns }()
	x, err := p.take(&r.weights)
	if err != nil {
		return err
	}
	err = x.exec.forward(job)
	p.give(x)
	return err
}

// take returns an execution that nobody uses, a new one where there is none.
func (p *part) take(weights *host) (*execution, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := len(p.idle) - 1; last >= 0 {
		x := p.idle[last]
		p.idle = p.idle[:last]
		return x, nil
	}
	x := &execution{host: host{program: weights.program, kernels: weights.kernels, params: weights.params, seed: weights.seed, team: newTeam(1)}}
	var err error
	if x.exec, err = x.host.newExec(p.plan); err != nil {
		return nil, errors.Join(err, x.host.memory.Close())
	}
	p.made = append(p.made, x)
	return x, nil
}

// give puts an execution back.
func (p *part) give(x *execution) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, x)
}

// Close gives the memory back.
func (r *Runner) Close() error {
	errs := []error{r.weights.memory.Close()}
	for _, p := range r.parts {
		for _, x := range p.made {
			errs = append(errs, x.host.memory.Close())
		}
		p.made, p.idle = nil, nil
	}
	return errors.Join(errs...)
}
