package onnx

import (
	"fmt"
	"slices"
	"strings"

	"aegis/model/program"
)

// Params returns a parameter of a program by its name, in a shape that is known.
type Params func(name string, shape []int) (program.Tensor, error)

// builder puts a graph together. Values are called by their names.
type builder struct {
	file   *File
	params Params
	exact  bool // steps of networks are in float64

	taken map[string]bool   // names
	known map[string]string // the results of steps, by what these compute, and constants, by what they are
	shape map[string][]int  // of a row of some values
	from  map[string]string // what values of another shape were made of
}

func newBuilder(f *File, params Params) *builder {
	b := &builder{file: f, params: params, taken: make(map[string]bool), known: make(map[string]string), shape: make(map[string][]int), from: make(map[string]string)}
	for _, name := range []string{nameRows, nameCategories, nameCodes, nameLabels, nameReconstructions, nameBytes, nameScore, nameLabel} {
		b.taken[name] = true
	}
	return b
}

// The names of what graphs read and give.
const (
	nameRows            = "rows"
	nameCategories      = "categories"
	nameCodes           = "codes"
	nameLabels          = "labels"
	nameReconstructions = "reconstructions"
	nameBytes           = "bytes"
	nameScore           = "score"
	nameLabel           = "label"
)

// unique returns a name that nothing has: as it is wanted, or with a number.
func (b *builder) unique(name string) string {
	free := name
	for i := 1; b.taken[free]; i++ {
		free = fmt.Sprintf("%s.%d", name, i)
	}
	b.taken[free] = true
	return free
}

// input adds an input.
func (b *builder) input(v Value) string {
	b.file.Inputs = append(b.file.Inputs, v)
	b.shape[v.Name] = v.Dims
	return v.Name
}

// output makes a value an output.
func (b *builder) output(from string, v Value) {
	b.file.Outputs = append(b.file.Outputs, v)
	made := slices.ContainsFunc(b.file.nodes, func(n node) bool { return slices.Contains(n.out, from) })
	given := slices.ContainsFunc(b.file.Outputs, func(o Value) bool { return o.Name == from })
	if !made || given {
		b.file.nodes = append(b.file.nodes, node{name: b.unique(v.Name + ".identity"), op: "Identity", in: []string{from}, out: []string{v.Name}})
		return
	}
	for _, n := range b.file.nodes {
		rename(n.in, from, v.Name)
		rename(n.out, from, v.Name)
	}
}

func rename(names []string, from, to string) {
	for i, name := range names {
		if name == from {
			names[i] = to
		}
	}
}

// node adds a node of one result, and returns that.
func (b *builder) node(name, op string, in []string, attributes ...attribute) string {
	name = b.unique(name)
	b.file.nodes = append(b.file.nodes, node{name: name, op: op, in: slices.Clone(in), out: []string{name}, attributes: attributes})
	return name
}

// do adds a node that is called after its operator.
func (b *builder) do(op string, in ...string) string {
	return b.node(strings.ToLower(op), op, in)
}

// constant adds a constant, once where it is added again.
func (b *builder) constant(t tensor) string {
	key := fmt.Sprintf("constant %s %d %v %x %v", t.name, t.kind, t.shape, t.raw, t.floats)
	if name, ok := b.known[key]; ok {
		return name
	}
	t.name = b.unique(t.name)
	b.known[key] = t.name
	b.file.constants = append(b.file.constants, t)
	return t.name
}

// floats adds a constant vector of float32.
func (b *builder) floats(name string, values []float32) string {
	return b.constant(tensor{name: name, kind: Float, shape: []int{len(values)}, floats: values})
}

// number adds a scalar of float32.
func (b *builder) number(name string, v float32) string {
	return b.constant(tensor{name: name, kind: Float, floats: []float32{v}})
}

// double adds a scalar of float64.
func (b *builder) double(name string, v float64) string {
	return b.constant(tensor{name: name, kind: Double, raw: doubles(v)})
}

// doubles adds a constant vector of float64.
func (b *builder) doubles(name string, values []float64) string {
	return b.constant(tensor{name: name, kind: Double, shape: []int{len(values)}, raw: doubles(values...)})
}

// real adds a scalar of the type that steps are in.
func (b *builder) real(name string, v float64) string {
	if b.exact {
		return b.double(name, v)
	}
	return b.number(name, float32(v))
}

// integer adds a scalar of int64.
func (b *builder) integer(name string, v int64) string {
	return b.constant(tensor{name: name, kind: Int64, raw: integers(v)})
}

// integers adds a constant vector of int64.
func (b *builder) integers(name string, values ...int64) string {
	return b.constant(tensor{name: name, kind: Int64, shape: []int{len(values)}, raw: integers(values...)})
}

// param adds a parameter, once.
func (b *builder) param(name string, shape []int) (string, error) {
	key := "parameter " + name
	if known, ok := b.known[key]; ok {
		return known, nil
	}
	p, err := b.params(name, shape)
	if err != nil {
		return "", err
	}
	own := b.unique(name)
	b.known[key] = own
	b.file.constants = append(b.file.constants, tensor{name: own, kind: Float, shape: shape, floats: p.Data})
	return own, nil
}

// reshape gives rows another shape, where they have not got it: (batch,…) →
// (batch,shape…).
func (b *builder) reshape(x string, shape []int) string {
	if before, ok := b.from[x]; ok {
		x = before
	}
	if had, ok := b.shape[x]; ok && slices.Equal(had, shape) {
		return x
	}
	key := fmt.Sprintf("reshape %s %v", x, shape)
	if known, ok := b.known[key]; ok {
		return known
	}
	to := []int64{0} // as it is
	for _, n := range shape {
		to = append(to, int64(n))
	}
	y := b.do("Reshape", x, b.integers("shape", to...))
	b.known[key], b.shape[y], b.from[y] = y, shape, x
	return y
}

// as says that a value has rows of the shape of another's, and returns it.
func (b *builder) as(x, other string) string {
	if shape, ok := b.shape[other]; ok {
		b.shape[x] = shape
	}
	return x
}

// prune takes out nodes whose results nothing reads.
func (b *builder) prune() {
	read := make(map[string]bool)
	for _, v := range b.file.Outputs {
		read[v.Name] = true
	}
	used := func(n node) bool { return slices.ContainsFunc(n.out, func(name string) bool { return read[name] }) }
	for _, n := range slices.Backward(b.file.nodes) {
		if used(n) {
			for _, in := range n.in {
				read[in] = true
			}
		}
	}
	b.file.nodes = slices.DeleteFunc(b.file.nodes, func(n node) bool { return !used(n) })
	b.file.constants = slices.DeleteFunc(b.file.constants, func(t tensor) bool { return !read[t.name] })
}

// cast changes the type of elements.
func (b *builder) cast(x string, to Type) string {
	return b.as(b.node("cast", "Cast", []string{x}, attribute{"to", int64(to)}), x)
}
