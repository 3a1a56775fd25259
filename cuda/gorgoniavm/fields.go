//go:build !cpu

package gorgoniavm

import (
	"fmt"
	"reflect"
	"strings"

	G "gorgonia.org/gorgonia"
)

// fields reads fields of an op, or of a node, that Gorgonia does not export. The
// first that is not there, or holds something else, as in another version of
// Gorgonia it may, is the error; what is read then is zero.
type fields struct {
	of  any
	err error
}

// fieldsOf reads the fields of an op.
func fieldsOf(op G.Op) *fields { return &fields{of: op} }

// childrenOf are the nodes that a node reads. They are the node's own: its graph
// answers From and To from lists that are wrong once a node was removed from it, as
// Gorgonia's stabilisation of log(1 − p) does.
func childrenOf(n *G.Node) (G.Nodes, error) {
	f := &fields{of: n}
	v, ok := f.field("children", func(t reflect.Type) bool { return t == reflect.TypeFor[G.Nodes]() })
	if !ok {
		return nil, f.err
	}
	return *(*G.Nodes)(v.Addr().UnsafePointer()), nil
}

// hasDual says that a leaf's value holds a gradient beside it.
func hasDual(n *G.Node) (bool, error) {
	f := &fields{of: n}
	v, ok := f.field("boundTo", func(t reflect.Type) bool { return t == reflect.TypeFor[G.Value]() })
	if !ok {
		return false, f.err
	}
	return !v.IsNil() && v.Elem().Type().String() == "*gorgonia.dualValue", nil
}

// field finds a field whose type passes a check.
func (f *fields) field(name string, check func(reflect.Type) bool) (reflect.Value, bool) {
	v := reflect.Indirect(reflect.ValueOf(f.of))
	if v.Kind() == reflect.Struct {
		if field, ok := v.Type().FieldByName(name); ok && check(field.Type) {
			if found, err := v.FieldByIndexErr(field.Index); err == nil { // else it is in a struct that is nil
				return found, true
			}
		}
	}
	if f.err == nil {
		what := "op "
		if _, ok := f.of.(G.Op); !ok {
			what = ""
		}
		f.err = fmt.Errorf("%s%s has no field %s as Gorgonia 0.9.18 has it; build with that version", what, strings.TrimPrefix(fmt.Sprintf("%T", f.of), "*"), name)
	}
	return reflect.Value{}, false
}

// int reads a number.
func (f *fields) int(name string) int {
	v, ok := f.field(name, func(t reflect.Type) bool { return t.Kind() == reflect.Int })
	if !ok {
		return 0
	}
	return int(v.Int())
}

// float reads a number with a fraction.
func (f *fields) float(name string) float64 {
	v, ok := f.field(name, func(t reflect.Type) bool { return t.Kind() == reflect.Float64 })
	if !ok {
		return 0
	}
	return v.Float()
}

// byte reads a small number.
func (f *fields) byte(name string) uint64 {
	v, ok := f.field(name, func(t reflect.Type) bool { return t.Kind() == reflect.Uint8 })
	if !ok {
		return 0
	}
	return v.Uint()
}

// pointer reads the address of the op that a gradient's op is of.
func (f *fields) pointer(name string) uintptr {
	v, ok := f.field(name, func(t reflect.Type) bool { return t.Kind() == reflect.Pointer })
	if !ok {
		return 0
	}
	return v.Pointer()
}

// ints reads a list of numbers.
func (f *fields) ints(name string) []int {
	v, ok := f.field(name, func(t reflect.Type) bool { return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Int })
	if !ok {
		return nil
	}
	list := make([]int, v.Len())
	for i := range list {
		list[i] = int(v.Index(i).Int())
	}
	return list
}

// bool reads a truth.
func (f *fields) bool(name string) bool {
	v, ok := f.field(name, func(t reflect.Type) bool { return t.Kind() == reflect.Bool })
	return ok && v.Bool()
}

// batchNorm reads the op that a gradient's op is of.
func (f *fields) batchNorm() (*G.BatchNormOp, bool) {
	v, ok := f.field("BatchNormOp", func(t reflect.Type) bool { return t == reflect.TypeFor[*G.BatchNormOp]() })
	if !ok {
		return nil, false
	}
	op := (*G.BatchNormOp)(v.UnsafePointer())
	if op == nil {
		f.err = fmt.Errorf("op %s is of no batch norm", strings.TrimPrefix(fmt.Sprintf("%T", f.of), "*"))
	}
	return op, op != nil
}

// value reads where a value is to be put.
func (f *fields) value(name string) *G.Value {
	v, ok := f.field(name, func(t reflect.Type) bool { return t == reflect.TypeFor[*G.Value]() })
	if !ok {
		return nil
	}
	return (*G.Value)(v.UnsafePointer())
}
