//go:build !cpu

package cuda

import (
	"errors"
	"fmt"

	"aegis/cuda/driver"
	"aegis/cuda/internal/gpu"
	"aegis/data"
	"aegis/internal/advice"
	"aegis/model/program"
)

// trainSet is the set that steps read, as vm.TrainSet names it.
const trainSet = "train"

// set is a bound set.
type set struct {
	data.Rows
	kept bool             // on the device, at ptr; else streamed
	ptr  driver.DevicePtr // 0 for an empty set
}

func (s *set) floats() bool { return !s.IsBytes() }

// staging is room for rows of streamed sets: two halves on the device and
// two in page-locked memory. While the work on one half runs, the other is
// filled.
type staging struct {
	rows   int // in a half
	ptr    driver.DevicePtr
	host   [2][]byte
	copied [2]driver.Event // the half is on the device
}

// Bind gives the machine a set. It stays on the device where it fits; else rows
// are sent as they are needed.
func (m *Machine) Bind(name string, rows data.Rows) error {
	if err := m.program.CheckRows(rows); err != nil {
		return fmt.Errorf("cuda: bind %s: %w", name, err)
	}
	return m.gpu.Do("bind "+name, func() error { return m.bind(name, rows) })
}

// Label gives the rows of a set classes.
func (m *Machine) Label(name string, classes []int32) error {
	m.labels[name] = classes
	return nil
}

func (m *Machine) bind(name string, rows data.Rows) error {
	if err := m.unbind(name); err != nil {
		return err
	}
	s := &set{Rows: rows}
	bytes := int64(len(rows.Memory()))
	keep, err := m.keeps(bytes)
	if err != nil {
		return err
	}
	if keep && bytes > 0 {
		s.ptr, err = m.gpu.Alloc(bytes)
		if errors.Is(err, driver.OutOfMemory) {
			keep = false // in pieces too small
		} else if err != nil {
			return err
		}
	}
	if s.kept = keep; keep {
		m.memory.Data += bytes
		if err := gpu.Upload(m.gpu, s.ptr, rows.Memory()); err != nil {
			return err
		}
	} else if err := m.makeStaging(); err != nil {
		return err
	}
	m.sets[name] = s
	return nil
}

// unbind frees a set, and the graphs that read it.
func (m *Machine) unbind(name string) error {
	old, ok := m.sets[name]
	if !ok {
		return nil
	}
	delete(m.sets, name)
	if err := m.gpu.SyncStream(m.gpu.Stream); err != nil {
		return err
	}
	if name == trainSet {
		if err := m.dropRecords(); err != nil {
			return err
		}
	}
	if !old.kept {
		return nil
	}
	m.memory.Data -= int64(len(old.Memory()))
	return m.gpu.Free(old.ptr)
}

// keeps says whether rows are to stay on the device. What is left must do
// for streaming other sets.
func (m *Machine) keeps(bytes int64) (bool, error) {
	if bytes == 0 {
		return true, nil
	}
	if limit := m.limit; limit < 0 || limit > 0 && m.memory.Data+bytes > limit {
		return false, nil
	}
	free, _, err := m.gpu.MemInfo()
	return bytes+2*m.halfBytes() <= free, err
}

// halfRows is how many rows a graph or a forward batch takes at once.
func (m *Machine) halfRows() int { return max(m.queue.graph*m.program.Batch, m.forwardRows) }

func (m *Machine) halfBytes() int64 { return int64(m.halfRows()) * int64(rowBytes(m.program)) }

// rowBytes is the most that a row of a program's sets takes: float32 are
// scaled, bytes too or become pixels.
func rowBytes(p *program.Program) int {
	if p.Scaling.Kind == data.ScaleRange {
		return p.PixelCount()
	}
	return 4 * p.PixelCount()
}

// makeStaging makes room for streamed rows, once.
func (m *Machine) makeStaging() error {
	if m.staging != nil {
		return nil
	}
	s, half, err := &staging{rows: m.halfRows()}, m.halfBytes(), error(nil)
	if s.ptr, err = m.gpu.Alloc(2 * half); err != nil {
		return m.stagingError(err)
	}
	for i := range s.host {
		if s.host[i], err = m.gpu.AllocHost(int(half)); err == nil {
			s.copied[i], err = m.gpu.NewEvent(false)
		}
		if err != nil {
			return errors.Join(m.stagingError(err), m.gpu.Free(s.ptr))
		}
	}
	m.memory.Data += 2 * half
	m.staging = s
	return nil
}

// stagingError explains a lack of memory, on the device or page-locked.
func (m *Machine) stagingError(err error) error {
	return advice.With(m.gpu.OutOfMemory(err, fmt.Sprintf("want %s there and as much page-locked for rows on their way; use a smaller batch",
		gpu.FormatBytes(2*m.halfBytes()))), "batch")
}

// fill sends rows of a set to a half of the staging memory, where they lie
// one after the other; what is queued next waits for them.
func (m *Machine) fill(half int, from *set, rows []int32) error {
	s, g, p, memory := m.staging, m.gpu, from.RowBytes(), from.Memory()
	if err := g.SyncEvent(m.done[half]); err != nil {
		return err
	}
	for i, row := range rows {
		copy(s.host[half][i*p:][:p], memory[int(row)*p:])
	}
	dst := s.ptr + driver.DevicePtr(half*s.rows*p)
	if err := g.CopyToDeviceAsync(dst, s.host[half][:len(rows)*p], g.Copies); err != nil {
		return err
	}
	if err := g.RecordEvent(s.copied[half], g.Copies); err != nil {
		return err
	}
	return g.WaitEvent(g.Stream, s.copied[half])
}

// find returns a set after checking rows of it.
func (m *Machine) find(name string, rows []int32) (*set, error) {
	s, ok := m.sets[name]
	if !ok {
		return nil, fmt.Errorf("cuda: no set %q is bound", name)
	}
	for _, row := range rows {
		if row < 0 || int(row) >= s.N {
			return nil, fmt.Errorf("cuda: row %d of set %s; want 0 to %d", row, name, s.N-1)
		}
	}
	return s, nil
}
