// Package tape runs a program on Gorgonia's own tape machine: the reference
// that every VM is held to, written for reading.
package tape

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/data"
	"aegis/internal/vm"
	"aegis/model/program"
)

// Machine trains and runs one program; it is a vm.Trainer.
type Machine struct {
	program *program.Program
	tensors map[string]*tensor.Dense // parameters and optimizer slots
	step    int64
	phases  []*phase
	parts   map[partKey]*compiled
	seed    uint64
	sets    map[string]data.Rows
	labels  map[string][]int32
	losses  []float32
}

// phase is a training graph and what its optimizer works on.
type phase struct {
	*compiled
	spec   *program.Phase
	params []*tensor.Dense
	slots  [][][]float32   // by parameter, by slot
	writes []*tensor.Dense // what the phase writes beside
}

type partKey struct {
	part  program.Part
	batch int
}

// inferBatch is the batch of forward graphs that run over a whole set.
const inferBatch = 250

// Open prepares a program under the parameters of a seed.
func Open(p *program.Program, seed uint64) (*Machine, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("tape: %w", err)
	}
	m := newMachine(p, seed)
	for name, t := range p.Start(seed).Tensors {
		m.tensors[name] = tensor.New(tensor.WithShape(t.Shape...), tensor.WithBacking(t.Data))
	}
	for _, spec := range p.Phases {
		ph, err := m.newPhase(spec)
		if err != nil {
			return nil, fmt.Errorf("tape: phase %s: %w", spec.Name, err)
		}
		m.phases = append(m.phases, ph)
	}
	return m, nil
}

func newMachine(p *program.Program, seed uint64) *Machine {
	return &Machine{
		program: p, seed: seed, tensors: make(map[string]*tensor.Dense),
		parts: make(map[partKey]*compiled), sets: make(map[string]data.Rows), labels: make(map[string][]int32),
	}
}

func (m *Machine) newPhase(spec *program.Phase) (*phase, error) {
	read := append(outputs(&spec.Graph), spec.Grads...)
	ph := &phase{spec: spec}
	for _, w := range spec.Writes {
		read = append(read, w.Value)
		ph.writes = append(ph.writes, m.tensors[w.Param.Name()])
	}
	var err error
	if ph.compiled, err = m.compile(&spec.Graph, read); err != nil {
		return nil, err
	}
	for _, n := range spec.Trained {
		ph.params = append(ph.params, m.tensors[n.Name()])
		var slots [][]float32
		for _, slot := range spec.Optimizer.Slots() {
			slots = append(slots, floats(m.tensors[program.SlotName(spec.Name, slot, n.Name())]))
		}
		ph.slots = append(ph.slots, slots)
	}
	return ph, nil
}

func outputs(g *program.Graph) []*G.Node {
	var nodes []*G.Node
	for _, out := range g.Outputs {
		nodes = append(nodes, out.Node)
	}
	return nodes
}

// Device names the reference.
func (m *Machine) Device() string {
	return fmt.Sprintf("Gorgonia tape machine, the reference (%d threads)", runtime.GOMAXPROCS(0))
}

// VM returns "tape".
func (m *Machine) VM() string { return "tape" }

// Arithmetic names what decides the last bits.
func (m *Machine) Arithmetic() string { return "tape, " + runtime.GOARCH }

// Bind gives the machine a set.
func (m *Machine) Bind(set string, rows data.Rows) error {
	if err := m.program.CheckRows(rows); err != nil {
		return fmt.Errorf("tape: bind %s: %w", set, err)
	}
	m.sets[set] = rows
	return nil
}

// Label gives the rows of a set classes.
func (m *Machine) Label(set string, classes []int32) error {
	m.labels[set] = classes
	return nil
}

// Train runs steps over rows of the set "train".
func (m *Machine) Train(ctx context.Context, steps program.Steps) error {
	batch, width := m.program.Batch, m.program.ScalarCount()
	count := steps.Count(batch)
	if len(steps.Scalars) != count*width {
		return fmt.Errorf("tape: train: want %d scalars for %d steps, got %d", count*width, count, len(steps.Scalars))
	}
	if steps.First != m.step {
		return fmt.Errorf("tape: train: want step %d next, got %d", m.step, steps.First)
	}
	i := 0
	for rows := range slices.Chunk(steps.Rows, batch) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := m.trainStep(rows, steps.Scalars[i*width:][:width]); err != nil {
			return fmt.Errorf("tape: step %d: %w", m.step, err)
		}
		m.step++
		i++
	}
	return nil
}

// trainStep runs every phase: gradients, clipped, then the optimizer and what
// else the phase writes; then the shadows follow.
func (m *Machine) trainStep(rows []int32, scalars []float32) error {
	rest := scalars
	for _, ph := range m.phases {
		feed := feeding{Feed: program.Feed{Set: vm.TrainSet, Rows: rows}, n: len(rows), step: m.step, scalars: scalars}
		if err := m.feed(ph.compiled, feed); err != nil {
			return err
		}
		values, err := ph.run()
		if err != nil {
			return err
		}
		terms := len(ph.spec.Outputs)
		for _, v := range values[:terms] {
			m.losses = append(m.losses, v...)
		}
		grads := values[terms:][:len(ph.params)]
		ph.spec.Clip.Apply(grads)
		for i, w := range ph.params {
			ph.spec.Optimizer.Update(floats(w), grads[i], ph.slots[i], rest)
		}
		for i, w := range ph.writes {
			copy(floats(w), values[terms+len(ph.params)+i])
		}
		rest = rest[len(ph.spec.Optimizer.ScalarNames()):]
	}
	for _, p := range m.program.Params {
		if p.Role == program.Shadow {
			program.Follow(floats(m.tensors[p.Name]), floats(m.tensors[p.Of]), m.program.ShadowDecay(p, scalars))
		}
	}
	return nil
}

// Losses returns the loss terms of the steps since the last call.
func (m *Machine) Losses() ([]float32, error) {
	losses := m.losses
	m.losses = nil
	return losses, nil
}

// Evaluate returns the mean of each loss term over rows of a set.
func (m *Machine) Evaluate(ctx context.Context, set string, rows []int32) ([]float64, error) {
	r, err := m.part(program.Evaluate, inferBatch)
	if err != nil {
		return nil, err
	}
	sums := make([]float64, len(r.values))
	for chunk := range slices.Chunk(rows, inferBatch) {
		values, err := m.forward(ctx, r, feeding{Feed: program.Feed{Set: set, Rows: chunk}, n: len(chunk)})
		if err != nil {
			return nil, err
		}
		for i, v := range values {
			sums[i] += float64(v[0]) * float64(len(chunk)) / float64(len(rows))
		}
	}
	return sums, nil
}

// Infer runs a forward part and fills out.
func (m *Machine) Infer(ctx context.Context, part program.Part, in program.Feed, out []float32) error {
	small, err := m.part(part, 1)
	if err != nil {
		return err
	}
	n, width := len(in.Rows), 0
	if given := small.graph.Given(); given != nil {
		width = given.Node.Shape().TotalSize()
	}
	if in.Set == "" {
		if width == 0 || len(in.Values)%width != 0 {
			return fmt.Errorf("tape: %s: want rows of %d values, got %d values in all", part, width, len(in.Values))
		}
		n = len(in.Values) / width
	}
	if n == 0 {
		return nil
	}
	r, err := m.part(part, min(n, inferBatch))
	if err != nil {
		return err
	}
	batch, size := r.graph.Batch(), len(out)/n
	for from := 0; from < n; from += batch {
		to := min(from+batch, n)
		values, err := m.forward(ctx, r, slice(in, from, to, width))
		if err != nil {
			return err
		}
		if got := len(values[0]) / batch; got*n != len(out) {
			return fmt.Errorf("tape: %s: want room for %d × %d values, got %d", part, n, got, len(out))
		}
		copy(out[from*size:to*size], values[0])
	}
	return nil
}

// slice returns rows from to to-1 of what is fed, of width values each.
func slice(in program.Feed, from, to, width int) feeding {
	f := feeding{Feed: program.Feed{Set: in.Set}, n: to - from, first: from}
	if in.Set != "" {
		f.Rows = in.Rows[from:to]
		return f
	}
	f.Values = in.Values[from*width : to*width]
	if in.Labels != nil {
		f.Labels = in.Labels[from:to]
	}
	return f
}

// forward feeds a graph and runs it.
func (m *Machine) forward(ctx context.Context, r *compiled, f feeding) ([][]float32, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := m.feed(r, f); err != nil {
		return nil, err
	}
	return r.run()
}

// part returns a forward part, built once for each batch size.
func (m *Machine) part(part program.Part, batch int) (*compiled, error) {
	key := partKey{part, batch}
	if r, ok := m.parts[key]; ok {
		return r, nil
	}
	g, err := m.program.Build(part, batch)
	if err != nil {
		return nil, err
	}
	r, err := m.compile(g, outputs(g))
	if err != nil {
		return nil, fmt.Errorf("tape: %s: %w", part, err)
	}
	m.parts[key] = r
	return r, nil
}

// State copies parameters and optimizer state.
func (m *Machine) State() (*program.State, error) {
	s := new(program.State)
	return s, m.StateInto(s, true)
}

// StateInto copies them, or the parameters alone, into a state's memory.
func (m *Machine) StateInto(s *program.State, all bool) error {
	s.Fit(m.program, all)
	s.Step = m.step
	for name, t := range s.Tensors {
		copy(t.Data, floats(m.tensors[name]))
	}
	return nil
}

// SetState puts a state back.
func (m *Machine) SetState(s *program.State) error {
	if err := s.Check(m.program); err != nil {
		return fmt.Errorf("tape: %w", err)
	}
	for name, t := range m.tensors {
		copy(floats(t), s.Tensors[name].Data)
	}
	m.step = s.Step
	return nil
}

// Close releases the machines.
func (m *Machine) Close() error {
	var first error
	for _, ph := range m.phases {
		first = keep(first, ph.vm.Close())
	}
	for _, r := range m.parts {
		first = keep(first, r.vm.Close())
	}
	return first
}

func keep(first, next error) error {
	if first == nil {
		return next
	}
	return first
}

func floats(t *tensor.Dense) []float32 { return t.Data().([]float32) }
