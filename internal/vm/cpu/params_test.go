package cpu

import (
	"reflect"
	"testing"

	"aegis/internal/vm/vmtest"
	"aegis/model/program"
)

// What is no product's weight is kept as it is, whatever its shape.
func TestParametersThatNoLayerUses(t *testing.T) {
	p := vmtest.Tiny(t)
	for _, shape := range [][]int{{3, 4}, {2, 3, 4}, {2, 3, 4, 5}, {7}} {
		p.Params = append(p.Params, program.Param{Name: "spare" + string(rune('0'+len(shape))), Shape: shape, Bound: 1})
	}
	m, err := Open(p, 1, Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	for range 2 { // as drawn, then as put back
		got, err := m.State()
		if err != nil {
			t.Fatal(err)
		}
		if want := p.Start(1); !reflect.DeepEqual(got.Tensors, want.Tensors) {
			t.Fatalf("state\n%v\nwant\n%v", got.Tensors, want.Tensors)
		}
		if err := m.SetState(got); err != nil {
			t.Fatal(err)
		}
	}
}
