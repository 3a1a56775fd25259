package cpu

import (
	"aegis/data/philox"
	"aegis/internal/plan"
	"aegis/internal/vm/cpu/kernel"
	"aegis/model/program"
)

// maskKind is what masks of the same bits have in common.
type maskKind struct {
	input          program.Input
	size, channels int // values of a row; its channels where they lie last, else 1
}

// mask is Bernoulli noise of a batch as bits, in the order of a buffer's values.
type mask struct {
	maskKind
	noise     *noise
	threshold uint32
	row       int // bytes
	bits      []byte
}

// drop multiplies by Bernoulli noise. The first one of an input in a phase draws
// its bits; those on the way back find them there: a row stays with its worker.
func (b *builder) drop(in plan.Instr) error {
	e, x, dst := b.exec, in.Src[0], in.Dst[0]
	kind := maskKind{input: in.Input, size: e.rowSize(dst), channels: e.channelsLast(dst)}
	if kind.channels == kind.size {
		kind.channels = 1
	}
	m, drawn := b.masks[kind]
	if !drawn {
		m = b.newMask(kind)
	}
	factor := float32(in.Factor)
	b.rows(in, func(w *worker, from, to int) {
		for i := from; i < to; i++ {
			bits := m.bits[i*m.row:][:m.row]
			if !drawn {
				w.drawBits(m, bits, i)
			}
			e.machine.kernels.Drop(w.rowsOf(dst, i, i+1), w.rowsOf(x, i, i+1), bits, factor)
		}
	})
	return nil
}

func (b *builder) newMask(kind maskKind) *mask {
	e := b.exec
	m := &mask{maskKind: kind, noise: &noise{input: kind.input}, threshold: philox.Threshold(kind.input.P), row: kernel.BitBytes(kind.size)}
	m.bits = make([]byte, e.plan.Batch*m.row)
	e.noises = append(e.noises, m.noise)
	if b.masks == nil {
		b.masks = make(map[maskKind]*mask)
	}
	b.masks[kind] = m
	return m
}

// drawBits draws the bits of a row.
func (w *worker) drawBits(m *mask, bits []byte, i int) {
	const all = 1 << 24
	if m.threshold == 0 || m.threshold == all {
		value := byte(0)
		if m.threshold == all {
			value = 0xff
		}
		for k := range bits {
			bits[k] = value
		}
		return
	}
	k, d := w.exec.machine.kernels, w.drawOf(m.noise, i)
	space := w.bytes(kernel.BitSpace(m.size, m.channels))
	if m.channels == 1 {
		k.Bits(bits, m.size, &d, m.threshold, space)
		return
	}
	k.ImageBits(bits, m.channels, m.size/m.channels, &d, m.threshold, space)
}

// bytes is space of a worker's own for bits that are drawn.
func (w *worker) bytes(n int) []byte {
	if len(w.drawn) < n {
		w.drawn = make([]byte, n)
	}
	return w.drawn[:n]
}
