//go:build !cpu

package cuda

import (
	"errors"
	"fmt"

	"aegis/cuda/driver"
	"aegis/cuda/internal/gpu"
	"aegis/internal/advice"
)

// trainSet is the set that steps read, as vm.TrainSet names it.
const trainSet = "train"

// set is a bound set of images.
type set struct {
	images []byte
	count  int
	kept   bool             // on the device, at ptr; else streamed
	ptr    driver.DevicePtr // 0 for an empty set
}

// staging is room for images of streamed sets: two halves on the device and
// two in page-locked memory. While the work on one half runs, the other is
// filled.
type staging struct {
	rows   int // images in a half
	images driver.DevicePtr
	host   [2][]byte
	copied [2]driver.Event // the half is on the device
}

// Bind gives the machine a set of images. It stays on the device where it
// fits; else rows are sent as they are needed.
func (m *Machine) Bind(name string, images []byte) error {
	if p := m.program.PixelCount(); len(images)%p != 0 {
		return fmt.Errorf("cuda: bind %s: want images of %d bytes, got %d bytes in all", name, p, len(images))
	}
	return m.gpu.Do("bind "+name, func() error { return m.bind(name, images) })
}

// Label gives the rows of a set classes.
func (m *Machine) Label(name string, classes []int32) error {
	m.labels[name] = classes
	return nil
}

func (m *Machine) bind(name string, images []byte) error {
	if err := m.unbind(name); err != nil {
		return err
	}
	s := &set{images: images, count: len(images) / m.program.PixelCount()}
	bytes := int64(len(images))
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
		if err := gpu.Upload(m.gpu, s.ptr, images); err != nil {
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
	m.memory.Data -= int64(len(old.images))
	return m.gpu.Free(old.ptr)
}

// keeps says whether images are to stay on the device. What is left must do
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

// halfRows is how many images a graph or a forward batch takes at once.
func (m *Machine) halfRows() int { return max(m.queue.graph*m.program.Batch, m.forwardRows) }

func (m *Machine) halfBytes() int64 { return int64(m.halfRows()) * int64(m.program.PixelCount()) }

// makeStaging makes room for streamed images, once.
func (m *Machine) makeStaging() error {
	if m.staging != nil {
		return nil
	}
	s, half, err := &staging{rows: m.halfRows()}, m.halfBytes(), error(nil)
	if s.images, err = m.gpu.Alloc(2 * half); err != nil {
		return m.stagingError(err)
	}
	for i := range s.host {
		if s.host[i], err = m.gpu.AllocHost(int(half)); err == nil {
			s.copied[i], err = m.gpu.NewEvent(false)
		}
		if err != nil {
			return errors.Join(m.stagingError(err), m.gpu.Free(s.images))
		}
	}
	m.memory.Data += 2 * half
	m.staging = s
	return nil
}

// stagingError explains a lack of memory, on the device or page-locked.
func (m *Machine) stagingError(err error) error {
	return advice.With(m.gpu.OutOfMemory(err, fmt.Sprintf("want %s there and as much page-locked for images on their way; use a smaller batch",
		gpu.FormatBytes(2*m.halfBytes()))), "batch")
}

// fill sends rows of a set to a half of the staging memory, where they lie
// one after the other; what is queued next waits for them.
func (m *Machine) fill(half int, images []byte, rows []int32) error {
	s, g, p := m.staging, m.gpu, m.program.PixelCount()
	if err := g.SyncEvent(m.done[half]); err != nil {
		return err
	}
	for i, row := range rows {
		copy(s.host[half][i*p:][:p], images[int(row)*p:])
	}
	dst := s.images + driver.DevicePtr(half*s.rows*p)
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
		if row < 0 || int(row) >= s.count {
			return nil, fmt.Errorf("cuda: row %d of set %s; want 0 to %d", row, name, s.count-1)
		}
	}
	return s, nil
}
