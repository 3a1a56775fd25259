//go:build !cpu

package cuda

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"aegis/cuda/driver"
	"aegis/cuda/internal/gpu"
	"aegis/cuda/kernels"
	"aegis/internal/plan"
	"aegis/model/program"
)

// Machine trains and runs one program on one GPU; it is a vm.Trainer. After
// a fault of the device every call returns the first error.
type Machine struct {
	program *program.Program
	seed    uint64
	gpu     *gpu.Context
	limit   int64 // Options.DataLimit
	memory  Memory

	modules *gpu.Modules

	tensors *tensors
	queue   *queue
	train   *exec // nil where nothing is trained
	parts   map[program.Part]*exec
	records map[int][]piece // of so many training steps
	sets    map[string]*set
	labels  map[string][]int32
	staging *staging        // nil where no set is streamed
	done    [2]driver.Event // the last work but one, and the last work, in turns

	forwardRows int   // batch of the forward parts
	step        int64 // steps queued since the start of training
	losses      []float32

	exchange func(phase string, gradients []float32) error // Options.Exchange
}

// tuning is what only tests choose.
type tuning struct {
	queueSteps int // the most steps that are sent at once
	graphSteps int // the most steps in a graph
	plan       plan.Options
}

// Open prepares a program under the parameters of a seed.
func Open(p *program.Program, seed uint64, opt Options) (*Machine, error) {
	return open(p, seed, opt, tuning{queueSteps: 4096, graphSteps: 32, plan: PlanOptions()})
}

func open(p *program.Program, seed uint64, opt Options, t tuning) (*Machine, error) {
	if opt.Exchange != nil {
		t.graphSteps, t.plan.Exchange = 1, true
	}
	start := func() (*program.State, error) { return p.Start(seed), nil }
	return openAs(p, seed, opt, start, func(m *Machine) error { return m.compile(t) })
}

// openAs prepares a program under a state, with the plans that compile makes.
func openAs(p *program.Program, seed uint64, opt Options, start func() (*program.State, error), compile func(*Machine) error) (*Machine, error) {
	d, device, err := gpu.Choose(opt.device())
	if err != nil {
		return nil, err
	}
	m := &Machine{
		program: p, seed: seed, limit: opt.DataLimit, tensors: newTensors(p), parts: make(map[program.Part]*exec),
		sets: make(map[string]*set), labels: make(map[string][]int32), records: make(map[int][]piece),
		exchange: opt.Exchange,
	}
	if err := compile(m); err != nil {
		return nil, err
	}
	if m.gpu, err = gpu.Open(d, device); err != nil {
		return nil, err
	}
	m.modules = gpu.NewModules(m.gpu, kernels.PTX)
	if err = m.gpu.Do("open", m.allocate); err == nil {
		var state *program.State
		if state, err = start(); err == nil {
			err = m.SetState(state)
		}
	}
	if err != nil {
		_ = m.gpu.Close() // err says what happened
		return nil, err
	}
	return m, nil
}

// compile makes the plans of training and of all forward parts.
func (m *Machine) compile(t tuning) error {
	compiled, err := plan.Compile(m.program, t.plan)
	if err != nil {
		return fmt.Errorf("cuda: %w", err)
	}
	if m.train, err = m.newExec(compiled, true); err != nil {
		return err
	}
	m.forwardRows = forwardRows(compiled)
	for _, part := range forwardParts {
		if part.Optional() && !m.has(part) {
			continue
		}
		if m.parts[part], err = m.compileForward(part, t.plan); err != nil {
			return err
		}
	}
	m.makeQueue(t)
	return nil
}

// makeQueue lays the queue out for all plans.
func (m *Machine) makeQueue(t tuning) {
	m.queue = newQueue(m.program, t, m.forwardRows, m.execs())
}

// forwardParts are the parts that a machine prepares. All are compiled when it
// is opened, since they share one arena, whose size is that of the largest.
var forwardParts = []program.Part{program.Encode, program.Decode, program.Reconstruct, program.Evaluate, program.LogVar}

// has says that the program builds a part.
func (m *Machine) has(part program.Part) bool {
	_, err := m.program.Build(part, m.forwardRows)
	return err == nil
}

// compileForward makes the plan of a forward part.
func (m *Machine) compileForward(part program.Part, opt plan.Options) (*exec, error) {
	g, err := m.program.Build(part, m.forwardRows)
	if err != nil {
		return nil, fmt.Errorf("cuda: part %s: %w", part, err)
	}
	compiled, err := plan.CompileForward(m.program, g, opt)
	if err != nil {
		return nil, fmt.Errorf("cuda: part %s: %w", part, err)
	}
	return m.newExec(compiled, false)
}

// forwardRows is the batch of forward parts: enough to keep a GPU busy, but
// little memory beside what training takes.
func forwardRows(trained *plan.Plan) int {
	const busy, little = 512, 64 << 20
	rows := max(busy, trained.Batch)
	for rows > trained.Batch && 4*trained.Arena/trained.Batch*rows > little {
		rows /= 2
	}
	return max(rows, trained.Batch)
}

// execs returns all plans, that of training first.
func (m *Machine) execs() []*exec {
	all := slices.Collect(maps.Values(m.parts))
	if m.train != nil {
		all = slices.Insert(all, 0, m.train)
	}
	return all
}

// arenaFloats is the size of the one arena of all plans, in which nothing
// lives from step to step, and of the memory behind it that kernels use while
// they run.
func (m *Machine) arenaFloats() (arena, scratch int, err error) {
	for _, e := range m.execs() {
		ops, err := e.build(0, source{})
		if err != nil {
			return 0, 0, err
		}
		arena, scratch = max(arena, e.plan.Arena), max(scratch, scratchFloats(ops))
	}
	return arena, scratch, nil
}

// allocate takes all memory but that of images, and places the plans in it.
func (m *Machine) allocate() error {
	floats, scratch, err := m.arenaFloats()
	if err != nil {
		return err
	}
	n := needs{state: m.tensors.bytes(), arena: 4 * int64(floats+scratch), queue: m.queue.bytes(), scratch: 4 * int64(scratch)}
	if m.train != nil {
		n.batch, n.perRow = m.program.Batch, 4*int64(m.train.plan.Arena)/int64(m.program.Batch)
	}
	var arena driver.DevicePtr
	for _, a := range []struct {
		what  string
		bytes int64
		ptr   *driver.DevicePtr
		in    *int64
	}{
		{what: "parameters and optimizer state", bytes: n.state, ptr: &m.tensors.ptr, in: &m.memory.State},
		{what: "row numbers and losses", bytes: n.queue, ptr: &m.queue.ptr, in: &m.memory.Queue},
		{what: "activations and gradients", bytes: n.arena, ptr: &arena, in: &m.memory.Arena},
	} {
		if *a.ptr, err = m.gpu.Alloc(a.bytes); errors.Is(err, driver.OutOfMemory) {
			return n.outOfMemory(m.gpu, err, a.what, a.bytes)
		} else if err != nil {
			return err
		}
		*a.in = a.bytes
	}
	for i := range m.done {
		if m.done[i], err = m.gpu.NewEvent(false); err != nil {
			return err
		}
	}
	return m.place(arena, arena+driver.DevicePtr(4*floats))
}

// place tells the plans where everything is.
func (m *Machine) place(arena, scratch driver.DevicePtr) error {
	q := m.queue
	for _, e := range m.execs() {
		if err := e.place(m.tensors, arena); err != nil {
			return err
		}
		e.scratch, e.counters, e.scalars = scratch, q.at(q.counters, 0), q.at(q.finals, 0)
		if q.columned > 0 {
			e.columns = q.at(q.columns, 0)
		}
	}
	if err := m.sendColumns(); err != nil {
		return err
	}
	if m.train != nil {
		m.train.scalars, m.train.losses = q.at(q.scalars, 0), q.at(q.losses, 0)
	}
	if err := m.gpu.Memset32Async(q.at(q.counters, 0), 0, int64(q.counted), m.gpu.Stream); err != nil {
		return err
	}
	if err := gpu.Upload(m.gpu, q.at(q.finals, 0), finalScalars(m.program)); err != nil {
		return err
	}
	return m.load()
}

// sendColumns sends the scaling's shifts and factors.
func (m *Machine) sendColumns() error {
	q := m.queue
	if q.columned == 0 {
		return nil
	}
	shift, factor := m.program.Scaling.Columns(q.columned)
	return gpu.Upload(m.gpu, q.at(q.columns, 0), slices.Concat(shift, factor))
}

// load finds all kernels, so that one that does not load shows now.
func (m *Machine) load() error {
	q := m.queue
	for _, e := range m.execs() {
		ops, err := e.build(q.at(q.forward, 0), source{rows: q.ptr, numbers: q.ptr, originals: q.ptr, classes: q.ptr})
		if err != nil {
			return err
		}
		if _, err := m.modules.Calls(ops); err != nil {
			return err
		}
	}
	return nil
}

// Device names the GPU.
func (m *Machine) Device() string { return m.gpu.Device.String() }

// Arithmetic names what decides the last bits: the kind of GPU.
func (m *Machine) Arithmetic() string {
	d := m.gpu.Device
	return fmt.Sprintf("cuda, %s, compute capability %d.%d", d.Name, d.Major, d.Minor)
}

// VM returns "cuda".
func (m *Machine) VM() string { return "cuda" }

// Memory returns what is allocated on the device.
func (m *Machine) Memory() Memory { return m.memory }

// Evaluate returns the mean of each loss term over rows of a set.
func (m *Machine) Evaluate(ctx context.Context, name string, rows []int32) ([]float64, error) {
	if _, err := m.find(name, nil); err != nil {
		return nil, err
	}
	e := m.parts[program.Evaluate]
	f, err := m.feeding(e, program.Evaluate, program.Feed{Set: name, Rows: rows})
	if err != nil {
		return nil, err
	}
	means := make([]float64, len(e.outputs))
	for from := 0; from < f.n; from += m.forwardRows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		chunk := f.cut(from, min(from+m.forwardRows, f.n))
		err := m.gpu.Do("evaluate", func() error {
			if err := m.forward(e, chunk); err != nil {
				return err
			}
			for i, out := range e.outputs {
				var term [1]float32
				if err := gpu.Download(m.gpu, term[:], out.ptr); err != nil {
					return err
				}
				means[i] += float64(term[0]) * float64(chunk.n) / float64(f.n)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return means, nil
}

// Infer runs a forward part and fills out.
func (m *Machine) Infer(ctx context.Context, part program.Part, in program.Feed, out []float32) error {
	e, ok := m.parts[part]
	if !ok {
		return fmt.Errorf("cuda: no part %q; want one of %v", part, forwardParts)
	}
	f, err := m.feeding(e, part, in)
	if err != nil {
		return err
	}
	result := e.outputs[0]
	if len(out) != f.n*result.width {
		return fmt.Errorf("cuda: %s: want room for %d × %d values, got %d", part, f.n, result.width, len(out))
	}
	for from := 0; from < f.n; from += m.forwardRows {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := min(from+m.forwardRows, f.n)
		err := m.gpu.Do(string(part), func() error {
			if err := m.forward(e, f.cut(from, to)); err != nil {
				return err
			}
			return gpu.Download(m.gpu, out[from*result.width:to*result.width], result.ptr)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Close waits for the device and frees everything. A second call does nothing.
func (m *Machine) Close() error { return m.gpu.Close() }
