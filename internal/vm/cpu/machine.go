// Package cpu is the CPU VM: it runs a plan on persistent workers with SIMD
// kernels. A step has two barriers: every worker takes its rows through
// forward and backward, then all share out the parameters for gradients and
// updates. Sums over the batch are made in chunks of a fixed number of rows
// and added in their order, so that results do not depend on the number of
// workers.
package cpu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"aegis/data"
	"aegis/data/memory"
	"aegis/internal/plan"
	"aegis/internal/vm"
	"aegis/internal/vm/cpu/kernel"
	"aegis/model/program"
)

// PlanOptions are what this VM asks of a plan.
func PlanOptions() plan.Options {
	return plan.Options{ChannelsLast: true, Merge: true, Stages: true}
}

// Kernels names the sets of kernels that this machine can run, best first.
func Kernels() []string {
	var names []string
	for _, s := range kernel.Sets() {
		names = append(names, s.Name)
	}
	return names
}

// KernelsInUse names the set that computes: the best one, or the one that
// AEGIS_CPU forces, which is an error where this machine cannot run it.
func KernelsInUse() (string, error) {
	s, err := chooseKernels()
	if err != nil {
		return "", err
	}
	return s.Name, nil
}

func chooseKernels() (*kernel.Set, error) {
	s, err := kernel.Choose(os.Getenv("AEGIS_CPU"))
	if err != nil {
		return nil, fmt.Errorf("cpu: AEGIS_CPU: %w", err)
	}
	return s, nil
}

// Options are a user's choices.
type Options struct {
	Threads int           // workers; 0: as many as pay
	Plan    *plan.Options // nil: PlanOptions; for tests

	// Exchange, where it is not nil, gets the gradients of each phase before
	// they are applied, to change them: all of the phase's parameters' in one
	// array, each padded to 16 values. After an error the state is not a whole
	// step's.
	Exchange func(phase string, gradients []float32) error
}

// host is what plans run on.
type host struct {
	program *program.Program
	kernels *kernel.Set
	team    *team
	memory  memory.Pool // of what plans write, and of parameters where they are its own
	params  map[string]*param
	seed    uint64

	exchange func(phase string, gradients []float32) error
}

// Machine trains and runs one program; it is a vm.Trainer.
type Machine struct {
	host
	opt    plan.Options
	train  *exec
	parts  map[program.Part]*exec
	sets   map[string]data.Rows
	labels map[string][]int32
	step   int64
	losses []float32
}

// inferBatch is the most rows that a forward plan takes at once.
const inferBatch = 512

// Open prepares a program under the parameters of a seed. The environment
// variable AEGIS_CPU forces a set of kernels, one of Kernels.
func Open(p *program.Program, seed uint64, opt Options) (*Machine, error) {
	kernels, threads, err := opt.choose()
	if err != nil {
		return nil, err
	}
	options := PlanOptions()
	if opt.Plan != nil {
		options = *opt.Plan
	}
	options.Exchange = opt.Exchange != nil
	compiled, err := plan.Compile(p, options)
	if err != nil {
		return nil, fmt.Errorf("cpu: %w", err)
	}
	m := &Machine{
		host: host{program: p, kernels: kernels, team: newTeam(threads), params: make(map[string]*param), seed: seed, exchange: opt.Exchange},
		opt:  options, parts: make(map[program.Part]*exec), sets: make(map[string]data.Rows), labels: make(map[string][]int32),
	}
	if err := m.prepare(compiled, seed); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// choose returns kernels and the number of workers.
func (o Options) choose() (*kernel.Set, int, error) {
	kernels, err := chooseKernels()
	if err != nil {
		return nil, 0, err
	}
	switch {
	case o.Threads < 0:
		return nil, 0, fmt.Errorf("cpu: %d threads; want at least 1, or 0 for as many as pay", o.Threads)
	case o.Threads == 0:
		return kernels, chooseThreads(), nil
	}
	return kernels, o.Threads, nil
}

// prepare gives the plan memory and the parameters their first values.
func (m *Machine) prepare(compiled *plan.Plan, seed uint64) (err error) {
	if err := m.makeParams(compiled); err != nil {
		return err
	}
	if m.train, err = m.newExec(compiled); err != nil {
		return err
	}
	return m.SetState(m.program.Start(seed))
}

// makeParams makes what every plan of the program shares.
func (m *Machine) makeParams(compiled *plan.Plan) (err error) {
	for i, spec := range m.program.Params { // the first buffers of the plan
		p, err := newParam(&m.memory, spec, compiled.Buffers[i].Layout, m.program.Phases)
		if err != nil {
			return err
		}
		m.params[spec.Name] = p
	}
	for _, b := range compiled.Buffers {
		if b.Kind == plan.Copy {
			p := m.params[compiled.Buffers[b.Of].Name]
			if p.copied, err = m.memory.Floats(len(p.matrix)); err != nil {
				return fmt.Errorf("cpu: a copy of %s: %w", p.name, err)
			}
		}
	}
	return nil
}

// Device names kernels and workers.
func (m *Machine) Device() string { return deviceName(m.kernels, m.team.size) }

func deviceName(kernels *kernel.Set, threads int) string {
	if threads == 1 {
		return fmt.Sprintf("CPU (%s, 1 thread)", kernels.Name)
	}
	return fmt.Sprintf("CPU (%s, %d threads)", kernels.Name, threads)
}

// Arithmetic names what decides the last bits: the set of kernels, and the maker
// of the processor, who decides what its approximations of roots are.
func (m *Machine) Arithmetic() string {
	return fmt.Sprintf("cpu, %s, %s", m.kernels.Name, kernel.Processor())
}

// VM returns "cpu".
func (m *Machine) VM() string { return "cpu" }

// Bind gives the machine a set.
func (m *Machine) Bind(set string, rows data.Rows) error {
	if err := m.program.CheckRows(rows); err != nil {
		return fmt.Errorf("cpu: bind %s: %w", set, err)
	}
	m.sets[set] = rows
	return nil
}

// Label gives the rows of a set classes.
func (m *Machine) Label(set string, classes []int32) error {
	m.labels[set] = classes
	return nil
}

// set returns a set after checking rows of it.
func (m *Machine) set(name string, rows []int32) (data.Rows, error) {
	set, ok := m.sets[name]
	if !ok {
		return data.Rows{}, fmt.Errorf("cpu: no set %q is bound", name)
	}
	for _, row := range rows {
		if row < 0 || int(row) >= set.N {
			return data.Rows{}, fmt.Errorf("cpu: row %d of set %s; want 0 to %d", row, name, set.N-1)
		}
	}
	return set, nil
}

// Train runs steps over rows of the set "train".
func (m *Machine) Train(ctx context.Context, steps program.Steps) error {
	batch, width := m.program.Batch, m.program.ScalarCount()
	count := steps.Count(batch)
	if len(steps.Scalars) != count*width {
		return fmt.Errorf("cpu: train: want %d scalars for %d steps, got %d", count*width, count, len(steps.Scalars))
	}
	if steps.First != m.step {
		return fmt.Errorf("cpu: train: want step %d next, got %d", m.step, steps.First)
	}
	set, err := m.set(vm.TrainSet, steps.Rows)
	if err != nil {
		return err
	}
	if count == 0 {
		return ctx.Err()
	}
	if err := checkLabels(m.train.plan, m.labels[vm.TrainSet], steps.Rows, len(steps.Rows)); err != nil {
		return err
	}
	terms := len(m.program.LossNames())
	before := len(m.losses)
	m.losses = append(m.losses, make([]float32, count*terms)...)
	done, err := m.train.steps(ctx, stepsJob{
		first: steps.First, set: set, labels: m.labels[vm.TrainSet], rows: steps.Rows, scalars: steps.Scalars, width: width,
		losses: m.losses[before:], terms: terms,
	})
	m.losses = m.losses[:before+done*terms]
	m.step += int64(done)
	return err
}

// Losses returns the loss terms of the steps since the last call.
func (m *Machine) Losses() ([]float32, error) {
	losses := m.losses
	m.losses = nil
	return losses, nil
}

// Evaluate returns the mean of each loss term over rows of a set.
func (m *Machine) Evaluate(ctx context.Context, set string, rows []int32) ([]float64, error) {
	bound, err := m.set(set, rows)
	if err != nil {
		return nil, err
	}
	e, err := m.part(program.Evaluate)
	if err != nil {
		return nil, err
	}
	if err := checkLabels(e.plan, m.labels[set], rows, len(rows)); err != nil {
		return nil, err
	}
	sums := make([]float64, len(e.plan.Phases[0].Outputs))
	means := make([]float32, len(sums))
	for chunk := range slices.Chunk(rows, inferBatch) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := e.forward(forwardJob{name: set, set: bound, labels: m.labels[set], rows: chunk, n: len(chunk)}); err != nil {
			return nil, err
		}
		e.collect(means)
		for i, v := range means {
			sums[i] += float64(v) * float64(len(chunk)) / float64(len(rows))
		}
	}
	return sums, nil
}

// Infer runs a forward part and fills out.
func (m *Machine) Infer(ctx context.Context, part program.Part, in program.Feed, out []float32) error {
	e, err := m.part(part)
	if err != nil {
		return err
	}
	width, size := inputWidth(e.plan), outputWidth(e.plan)
	n := len(in.Rows)
	var set data.Rows
	if in.Set == "" {
		n, err = countRows(part, in.Values, width)
	} else {
		set, err = m.set(in.Set, in.Rows)
	}
	if err != nil {
		return err
	}
	labels := in.Labels
	if in.Set != "" {
		labels = m.labels[in.Set]
	}
	if err := checkLabels(e.plan, labels, in.Rows, n); err != nil {
		return err
	}
	if len(out) != n*size {
		return fmt.Errorf("cpu: %s: want room for %d × %d values, got %d", part, n, size, len(out))
	}
	for from := 0; from < n; from += inferBatch {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := min(from+inferBatch, n)
		job := forwardJob{name: in.Set, set: set, labels: labels, n: to - from, out: out[from*size : to*size]}
		if in.Set == "" {
			job.values, job.first = in.Values[from*width:to*width], from
		} else {
			job.rows = in.Rows[from:to]
		}
		if err := e.forward(job); err != nil {
			return err
		}
	}
	return nil
}

// countRows returns how many rows of a width are given.
func countRows(part program.Part, values []float32, width int) (int, error) {
	if width == 0 || len(values)%width != 0 {
		return 0, fmt.Errorf("cpu: %s: want rows of %d values, got %d values in all", part, width, len(values))
	}
	return len(values) / width, nil
}

// part returns the compiled forward part.
func (m *Machine) part(part program.Part) (*exec, error) {
	if e, ok := m.parts[part]; ok {
		return e, nil
	}
	g, err := m.program.Build(part, inferBatch)
	if err != nil {
		return nil, err
	}
	compiled, err := plan.CompileForward(m.program, g, m.opt)
	if err != nil {
		return nil, fmt.Errorf("cpu: %w", err)
	}
	e, err := m.newExec(compiled)
	if err != nil {
		return nil, err
	}
	m.parts[part] = e
	return e, nil
}

// Close ends the workers and gives the memory back.
func (m *Machine) Close() error {
	m.team.close()
	return m.memory.Close()
}
