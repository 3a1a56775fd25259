package run

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"aegis/model/program"
)

// floatTypes are the types that [TensorFile.Convert] reads, by their bytes.
var floatTypes = map[string]func(raw []byte) float32{
	dtypeF32: func(raw []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(raw)) },
	"F64":    func(raw []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(raw))) },
	"BF16":   func(raw []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(raw)) << 16) },
	"F16":    func(raw []byte) float32 { return half(binary.LittleEndian.Uint16(raw)) },
}

// half is the value of a float16's bits (IEEE 754: 1 sign, 5 exponent, 10
// fraction).
func half(bits uint16) float32 {
	sign, exponent, fraction := uint32(bits>>15)<<31, uint32(bits>>10&0x1f), uint32(bits&0x3ff)
	switch exponent {
	case 0: // zero, or a denormal number: fraction·2⁻²⁴
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)/(1<<24)))
	case 0x1f: // infinite, or no number
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// Convert reads a tensor of floats of 16, 32 or 64 bits as float32. The error
// is an *[UnsupportedError] for values of another type.
func (t *TensorFile) Convert(name string) (program.Tensor, error) {
	h, ok := t.headers[name]
	if !ok {
		return program.Tensor{}, fmt.Errorf("safetensors: no tensor %q in the file", name)
	}
	value, ok := floatTypes[h.Dtype]
	if !ok {
		return program.Tensor{}, &UnsupportedError{Tensor: name, Dtype: h.Dtype}
	}
	if h.Dtype == dtypeF32 {
		return t.read(name, h)
	}
	raw := make([]byte, h.Offsets[1]-h.Offsets[0])
	if _, err := io.ReadFull(io.NewSectionReader(t.data, t.start+h.Offsets[0], int64(len(raw))), raw); err != nil {
		return program.Tensor{}, fmt.Errorf("safetensors: read %s: %w", name, err)
	}
	size := int(valueBytes(h.Dtype))
	data := make([]float32, len(raw)/size)
	for i := range data {
		data[i] = value(raw[i*size:][:size])
	}
	return program.Tensor{Shape: h.Shape, Data: data}, nil
}
