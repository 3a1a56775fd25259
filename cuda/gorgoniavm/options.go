//go:build !cpu

package gorgoniavm

import (
	"errors"
	"fmt"
	"reflect"

	G "gorgonia.org/gorgonia"

	"aegis/cuda/internal/gpu"
)

// watches is what options of the tape machine turn on.
type watches struct{ nan, inf, eval bool }

// With gives the VM options of Gorgonia's tape machine: WithNaNWatch and
// WithInfWatch, under which RunAll looks at the values of all nodes and fails at the
// first that has such a value, and BindDualValues, which says what this VM does
// anyway. EvalMode ends the training of Dropout and BatchNorm, as their SetTraining
// does. Any other option is an error. (An option that is called on the VM itself, as the
// tape machine calls it, panics in Gorgonia.)
func (vm *VM) With(options ...G.VMOpt) error {
	if !vm.running.TryLock() {
		return errRuns
	}
	defer vm.running.Unlock()
	for i, option := range options {
		w, err := meaning(option)
		if err != nil {
			return fmt.Errorf("gorgoniavm: option %d of %d: %w", i+1, len(options), err)
		}
		vm.watch.nan, vm.watch.inf = vm.watch.nan || w.nan, vm.watch.inf || w.inf
		if !w.eval {
			continue
		}
		for _, n := range vm.order.nodes {
			if op, ok := n.Op().(G.TrainModeOp); ok {
				if err := op.SetTraining(false); err != nil {
					return fmt.Errorf("gorgoniavm: node %q: %w", n.Name(), err)
				}
			}
		}
	}
	return nil
}

// meaning tries an option on a tape machine, and looks at what became of that.
func meaning(option G.VMOpt) (w watches, err error) {
	if option == nil {
		return w, errors.New("it is nil")
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it is none of the tape machine: %v", r)
		}
	}()
	state := func(options ...G.VMOpt) (flags uint64, eval bool, rest []any) {
		g := G.NewGraph() // an empty one has no machine
		if _, err := G.Square(G.NewScalar(g, G.Float32, G.WithName("x"))); err != nil {
			panic(err)
		}
		m := G.NewTapeMachine(g)
		defer func() { _ = m.Close() }()
		for _, o := range options {
			o(m)
		}
		v := reflect.ValueOf(m).Elem()
		for _, name := range []string{"logger", "buf", "valueFmt", "watchNodes", "watchRegs", "watchNodeIDs"} {
			rest = append(rest, v.FieldByName(name).IsZero())
		}
		rest = append(rest, fmt.Sprint(v.FieldByName("valueFmt")), fmt.Sprintf("%T", m.Engine))
		return v.FieldByName("runFlags").Uint(), v.FieldByName("evalMode").Bool(), rest
	}
	none, _, usual := state()
	nan, _, _ := state(G.WithNaNWatch())
	inf, _, _ := state(G.WithInfWatch())
	dual, _, _ := state(G.BindDualValues())
	flags, eval, rest := state(option)
	known := none | nan | inf | dual
	if flags&^known != 0 || !reflect.DeepEqual(rest, usual) || flags == none && !eval {
		return w, errors.New("this VM does not have it; want WithNaNWatch, WithInfWatch, EvalMode or BindDualValues")
	}
	return watches{nan: flags&nan&^none != 0, inf: flags&inf&^none != 0, eval: eval}, nil
}

// look looks for values that are watched for.
func (vm *VM) look() error {
	if !vm.watch.nan && !vm.watch.inf {
		return nil
	}
	var floats []float32
	for _, n := range vm.order.nodes {
		ptr, ok := vm.at[n]
		if !ok {
			continue
		}
		if floats = floats[:0]; cap(floats) < size(n.Shape()) {
			floats = make([]float32, size(n.Shape()))
		}
		floats = floats[:size(n.Shape())]
		if err := gpu.Download(vm.gpu, floats, ptr); err != nil {
			return err
		}
		for i, v := range floats {
			if vm.watch.nan && v != v {
				return fmt.Errorf("gorgoniavm: node %q, value %d is NaN", n.Name(), i)
			}
			if vm.watch.inf && v == v && v-v != 0 {
				return fmt.Errorf("gorgoniavm: node %q, value %d is %v", n.Name(), i, v)
			}
		}
	}
	return nil
}
