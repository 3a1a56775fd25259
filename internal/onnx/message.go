package onnx

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is a protobuf message that is put together: bytes, and the values of
// tensors, which become bytes when they are written.
type message struct {
	pieces []piece
	size   int64 // bytes in all
}

// piece is bytes, or values that become bytes.
type piece struct {
	bytes  []byte
	values []float32
}

// add adds bytes, behind others of the same piece where there are such.
func (m *message) add(b []byte) {
	m.size += int64(len(b))
	if last := len(m.pieces) - 1; last >= 0 && m.pieces[last].values == nil {
		m.pieces[last].bytes = append(m.pieces[last].bytes, b...)
		return
	}
	m.pieces = append(m.pieces, piece{bytes: append([]byte(nil), b...)})
}

func (m *message) tag(field protowire.Number, kind protowire.Type) {
	m.add(protowire.AppendTag(nil, field, kind))
}

func (m *message) integer(field protowire.Number, v int64) {
	m.tag(field, protowire.VarintType)
	m.add(protowire.AppendVarint(nil, uint64(v)))
}

func (m *message) float(field protowire.Number, v float32) {
	m.tag(field, protowire.Fixed32Type)
	m.add(protowire.AppendFixed32(nil, math.Float32bits(v)))
}

// text adds a text, none where it is empty.
func (m *message) text(field protowire.Number, s string) {
	if s != "" {
		m.element(field, s)
	}
}

// element adds a text of a list, which may be empty.
func (m *message) element(field protowire.Number, s string) {
	m.tag(field, protowire.BytesType)
	m.add(protowire.AppendString(nil, s))
}

// message adds a message within this one.
func (m *message) message(field protowire.Number, inner *message) {
	m.tag(field, protowire.BytesType)
	m.add(protowire.AppendVarint(nil, uint64(inner.size)))
	for _, p := range inner.pieces {
		if p.values == nil {
			m.add(p.bytes)
			continue
		}
		m.pieces = append(m.pieces, p)
		m.size += int64(len(p.values)) * bytesOfFloat
	}
}

const bytesOfFloat = 4

// floats adds values as bytes, least significant first. They are not copied.
func (m *message) floats(field protowire.Number, values []float32) {
	size := int64(len(values)) * bytesOfFloat
	m.tag(field, protowire.BytesType)
	m.add(protowire.AppendVarint(nil, uint64(size)))
	if size > 0 {
		m.pieces = append(m.pieces, piece{values: values})
		m.size += size
	}
}

// mostBytes is as large as a protobuf message may be.
const mostBytes = math.MaxInt32

// write writes the message.
func (m *message) write(w io.Writer) error {
	if m.size > mostBytes {
		return fmt.Errorf("onnx: the file would have %d bytes; want at most %d, as many as one protobuf message holds: export the encoder and the decoder by themselves, or a smaller network", m.size, mostBytes)
	}
	out := bufio.NewWriterSize(w, 1<<16)
	var buffer [bytesOfFloat]byte
	for _, p := range m.pieces {
		if _, err := out.Write(p.bytes); err != nil {
			return fmt.Errorf("onnx: write: %w", err)
		}
		for _, v := range p.values {
			binary.LittleEndian.PutUint32(buffer[:], math.Float32bits(v))
			if _, err := out.Write(buffer[:]); err != nil {
				return fmt.Errorf("onnx: write: %w", err)
			}
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("onnx: write: %w", err)
	}
	return nil
}
