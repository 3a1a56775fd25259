//go:build !cpu

package gorgoniavm

import (
	"fmt"
	"reflect"

	G "gorgonia.org/gorgonia"
)

// fields reads fields of an op that Gorgonia does not export. The first that
// is not there, or holds something else, as in another version of Gorgonia it
// may, is the error; what is read then is zero.
type fields struct {
	op  G.Op
	err error
}

// fieldsOf reads the fields of an op.
func fieldsOf(op G.Op) *fields { return &fields{op: op} }

// field finds a field whose type passes a check.
func (f *fields) field(name string, check func(reflect.Type) bool) (reflect.Value, bool) {
	v := reflect.Indirect(reflect.ValueOf(f.op))
	if v.Kind() == reflect.Struct {
		if field, ok := v.Type().FieldByName(name); ok && check(field.Type) {
			if found, err := v.FieldByIndexErr(field.Index); err == nil { // else it is in a struct that is nil
				return found, true
			}
		}
	}
	if f.err == nil {
		f.err = fmt.Errorf("op %s has no field %s as Gorgonia 0.9.18 has it; build with that version", opName(f.op), name)
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

// value reads where a value is to be put.
func (f *fields) value(name string) *G.Value {
	v, ok := f.field(name, func(t reflect.Type) bool { return t == reflect.TypeFor[*G.Value]() })
	if !ok {
		return nil
	}
	return (*G.Value)(v.UnsafePointer())
}
