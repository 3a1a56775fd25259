package onnx

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
)

// What the files claim: a version of the format that runtimes since 2022 read.
const (
	irVersion = 8
	// Opset is the version of the operators of the domain ai.onnx, OpsetML that of
	// ai.onnx.ml, which is there where a table has categories.
	Opset   = 17
	OpsetML = 2

	domainML = "ai.onnx.ml"
)

// Type is that of a tensor's elements.
type Type int32

// The types, by their numbers in TensorProto.DataType.
const (
	Float  Type = 1
	Uint8  Type = 2
	Int64  Type = 7
	String Type = 8
	Double Type = 11
)

func (t Type) String() string {
	switch t {
	case Float:
		return "float32"
	case Uint8:
		return "uint8"
	case Int64:
		return "int64"
	case String:
		return "string"
	case Double:
		return "float64"
	}
	return fmt.Sprintf("type %d", int32(t))
}

// MarshalText writes the type's name.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Value is an input or an output of a graph: a tensor whose first dimension, of
// any size, has a name, and what the others are.
type Value struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
	Rows string `json:"rows"`  // the name of the first dimension: batch or lines
	Dims []int  `json:"shape"` // the others
	Doc  string `json:"doc"`   // what it is
}

func (v Value) String() string {
	dims := []string{v.Rows}
	for _, n := range v.Dims {
		dims = append(dims, fmt.Sprint(n))
	}
	return fmt.Sprintf("%s %s (%s)", v.Name, v.Type, strings.Join(dims, ", "))
}

func (v Value) message() *message {
	var shape, tensor, kind, m message
	var first message
	first.text(2, v.Rows) // dim_param
	shape.message(1, &first)
	for _, n := range v.Dims {
		var dim message
		dim.integer(1, int64(n)) // dim_value
		shape.message(1, &dim)
	}
	tensor.integer(1, int64(v.Type)) // elem_type
	tensor.message(2, &shape)
	kind.message(1, &tensor)
	m.text(1, v.Name)
	m.message(2, &kind)
	m.text(3, v.Doc)
	return &m
}

// attribute is a constant of a node: int64, float32, string, []int64 or []string.
type attribute struct {
	name  string
	value any
}

// The numbers of AttributeProto.AttributeType.
const (
	attributeFloat   = 1
	attributeInt     = 2
	attributeString  = 3
	attributeInts    = 7
	attributeStrings = 8
)

func (a attribute) message() *message {
	var m message
	m.text(1, a.name)
	var kind int64
	switch v := a.value.(type) {
	case int64:
		kind = attributeInt
		m.integer(3, v)
	case float32:
		kind = attributeFloat
		m.float(2, v)
	case string:
		kind = attributeString
		m.element(4, v)
	case []int64:
		kind = attributeInts
		for _, n := range v {
			m.integer(8, n)
		}
	case []string:
		kind = attributeStrings
		for _, s := range v {
			m.element(9, s)
		}
	}
	m.integer(20, kind)
	return &m
}

// node is an operator with what it reads and what it gives.
type node struct {
	name, op, domain string
	in, out          []string
	attributes       []attribute
}

func (n node) message() *message {
	var m message
	for _, name := range n.in {
		m.element(1, name)
	}
	for _, name := range n.out {
		m.element(2, name)
	}
	m.text(3, n.name)
	m.text(4, n.op)
	for _, a := range n.attributes {
		m.message(5, a.message())
	}
	m.text(7, n.domain)
	return &m
}

// tensor is a constant: float32, or other elements as bytes.
type tensor struct {
	name   string
	kind   Type
	shape  []int
	floats []float32
	raw    []byte
}

func (t tensor) message() *message {
	var m message
	for _, n := range t.shape {
		m.integer(1, int64(n))
	}
	m.integer(2, int64(t.kind))
	m.text(8, t.name)
	if t.kind == Float {
		m.floats(9, t.floats)
		return &m
	}
	m.element(9, string(t.raw))
	return &m
}

// doubles are the bytes of float64 values.
func doubles(values ...float64) (raw []byte) {
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
	}
	return raw
}

// integers are the bytes of int64 values.
func integers(values ...int64) (raw []byte) {
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return raw
}

// property is a pair of a file's metadata.
type property struct{ key, value string }

// File is an ONNX model.
type File struct {
	Part    Part    `json:"part"`
	Inputs  []Value `json:"inputs"`
	Outputs []Value `json:"outputs"`

	name, version, doc string
	nodes              []node
	constants          []tensor
	properties         []property
}

// Write writes the file. One that is larger than a protobuf message may be, 2 GiB,
// is an error before anything is written.
func (f *File) Write(w io.Writer) error { return f.message().write(w) }

func (f *File) message() *message {
	var graph, m message
	for _, n := range f.nodes {
		graph.message(1, n.message())
	}
	graph.text(2, f.name)
	for _, t := range f.constants {
		graph.message(5, t.message())
	}
	graph.text(10, f.doc)
	for _, v := range f.Inputs {
		graph.message(11, v.message())
	}
	for _, v := range f.Outputs {
		graph.message(12, v.message())
	}
	m.integer(1, irVersion)
	m.text(2, "aegis")
	m.text(3, f.version)
	m.text(6, f.doc)
	m.message(7, &graph)
	m.message(8, opset("", Opset))
	if f.usesML() {
		m.message(8, opset(domainML, OpsetML))
	}
	for _, p := range f.properties {
		var pair message
		pair.text(1, p.key)
		pair.text(2, p.value)
		m.message(14, &pair)
	}
	return &m
}

func (f *File) usesML() bool {
	for _, n := range f.nodes {
		if n.domain == domainML {
			return true
		}
	}
	return false
}

func opset(domain string, version int64) *message {
	var m message
	m.text(1, domain)
	m.integer(2, version)
	return &m
}
