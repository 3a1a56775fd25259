package data

import (
	"encoding/binary"
	"math"
)

// element is a type of an array's values.
type element struct {
	name  string
	bytes int                      // in the file, 0 of a type that is not read
	value func(raw []byte) float64 // of the bytes of one value
}

var little = binary.LittleEndian

// elements are the types that are read, by what NumPy calls them.
var elements = map[string]element{
	"|u1": {"uint8", 1, func(b []byte) float64 { return float64(b[0]) }},
	"<f4": {"float32", floatBytes, func(b []byte) float64 { return float64(math.Float32frombits(little.Uint32(b))) }},
	"<f8": {"float64", 8, func(b []byte) float64 { return math.Float64frombits(little.Uint64(b)) }},
	"<f2": {"float16", 2, func(b []byte) float64 { return half(little.Uint16(b)) }},
	"|b1": {"bool", 1, func(b []byte) float64 { return float64(min(b[0], 1)) }},
	"|i1": {"int8", 1, func(b []byte) float64 { return float64(int8(b[0])) }},
	"<u2": {"uint16", 2, func(b []byte) float64 { return float64(little.Uint16(b)) }},
	"<i2": {"int16", 2, func(b []byte) float64 { return float64(int16(little.Uint16(b))) }},
	"<u4": {"uint32", 4, func(b []byte) float64 { return float64(little.Uint32(b)) }},
	"<i4": {"int32", 4, func(b []byte) float64 { return float64(int32(little.Uint32(b))) }},
	"<u8": {"uint64", 8, func(b []byte) float64 { return float64(little.Uint64(b)) }},
	"<i8": {"int64", 8, func(b []byte) float64 { return float64(int64(little.Uint64(b))) }},
}

// element is the type of the values.
func (h npyHeader) element() element { return elements[h.descr] }

// valueBytes is the size of a value, 0 of a type that is not read.
func (h npyHeader) valueBytes() int { return h.element().bytes }

// asIs says that values are used as they lie in the file.
func (h npyHeader) asIs() bool { return h.descr == "|u1" || h.descr == "<f4" }

// half is the value of a float16 (IEEE 754, binary16).
func half(bits uint16) float64 {
	const mantissaBits, bias, mostExponent = 10, 15, 31
	mantissa, exponent := float64(bits&(1<<mantissaBits-1)), int(bits>>mantissaBits)&mostExponent
	v := 0.0
	switch {
	case exponent == mostExponent && mantissa != 0:
		return math.NaN()
	case exponent == mostExponent:
		v = math.Inf(1)
	case exponent == 0:
		v = math.Ldexp(mantissa, 1-bias-mantissaBits)
	default:
		v = math.Ldexp(mantissa+1<<mantissaBits, exponent-bias-mantissaBits)
	}
	if bits>>15 != 0 {
		v = -v
	}
	return v
}
