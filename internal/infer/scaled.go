package infer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"

	"aegis/data"
	"aegis/internal/vm"
	"aegis/model/program"
)

// Scaling is what the network reads of rows.
func (m *Model) Scaling() data.Scaling {
	if m.opened() == nil {
		return data.Scaling{}
	}
	return m.network.program.Scaling
}

// Values returns n rows (n,P) as the network reads them, scaled.
func (m *Model) Values(rows data.Rows) ([]float32, error) {
	if m.opened() == nil {
		return nil, errEmpty
	}
	if err := m.check(rows); err != nil {
		return nil, err
	}
	return m.values(rows, 0, rows.N), nil
}

// Rebuild returns what the network makes of rows that are given as it reads
// them, in the same units: (n,P) of (n,P). Values may be none of a real row.
func (m *Model) Rebuild(ctx context.Context, values []float32, labels ...byte) ([]float32, error) {
	if m.opened() == nil {
		return nil, errEmpty
	}
	p := m.network.program.PixelCount()
	classes, err := m.classes(labels, len(values)/max(1, p))
	if err != nil {
		return nil, err
	}
	return m.network.Run(ctx, program.Reconstruct, program.Feed{Values: values, Labels: classes})
}

// RebuildExactly is Rebuild of a model of vectors in float64, on the processor
// whatever the device: what scores by errors in units of small scales goes by. Its
// bits are the same whatever else runs.
func (m *Model) RebuildExactly(ctx context.Context, values []float32, labels ...byte) ([]float64, error) {
	if err := m.opened().enter(ctx); err != nil {
		return nil, err
	}
	defer m.network.calls.Done()
	classes, err := m.classes(labels, len(values)/max(1, m.network.program.PixelCount()))
	if err != nil {
		return nil, err
	}
	part, err := m.exact()
	if err != nil {
		return nil, fmt.Errorf("aegis: rebuild in float64: %w", err)
	}
	return part.Run(ctx, values, classes)
}

// Fingerprint tells models apart: a hash of the parameters and of what the
// network reads of rows. Two files of the same parameters have the same.
func (m *Model) Fingerprint() string {
	if m == nil {
		return ""
	}
	return m.fingerprint
}

// hashing is where a device has its parameters from, each hashed as it is read,
// and kept where there is a place for it.
type hashing struct {
	from vm.Params
	sums map[string][]byte
	kept map[string]program.Tensor
}

// keptParam returns a parameter that was kept.
func (h *hashing) keptParam(name string, shape []int) (program.Tensor, error) {
	t, ok := h.kept[name]
	if !ok {
		return t, fmt.Errorf("no parameter %s of %v is kept: only those of models of vectors are", name, shape)
	}
	return t, nil
}

func (h *hashing) read(name string, shape []int) (program.Tensor, error) {
	t, err := h.from(name, shape)
	if err == nil {
		h.sums[name] = hashed(t.Data)
		if h.kept != nil {
			h.kept[name] = program.Tensor{Shape: t.Shape, Data: slices.Clone(t.Data)}
		}
	}
	return t, err
}

// fingerprint hashes all parameters of a program in their order, those too that
// the device had no use for.
func (h *hashing) fingerprint(p *program.Program) (string, error) {
	all := sha256.New()
	scaling, err := json.Marshal(p.Scaling)
	if err != nil {
		return "", err
	}
	_, _ = all.Write(scaling) // a hash returns no error
	for _, param := range p.Params {
		if h.sums[param.Name] == nil {
			if _, err := h.read(param.Name, param.Shape); err != nil {
				return "", err
			}
		}
		_, _ = io.WriteString(all, param.Name+"\n")
		_, _ = all.Write(h.sums[param.Name])
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

// Fingerprint is that of the model which has these parameters.
func Fingerprint(p *program.Program, params vm.Params) (string, error) {
	h := &hashing{from: params, sums: map[string][]byte{}}
	return h.fingerprint(p)
}

// hashed is the hash of values, of the same bytes on every machine.
func hashed(values []float32) []byte {
	const some = 1 << 14
	h := sha256.New()
	var chunk []byte
	for len(values) > 0 {
		n := min(some, len(values))
		chunk = chunk[:0]
		for _, v := range values[:n] {
			chunk = binary.LittleEndian.AppendUint32(chunk, math.Float32bits(v))
		}
		_, _ = h.Write(chunk) // a hash returns no error
		values = values[n:]
	}
	return h.Sum(nil)
}
