package cpu

import (
	"reflect"
	"slices"
	"testing"

	"aegis/internal/plan"
	"aegis/internal/vm/cpu/kernel"
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

// TestPieces copies tensors of several pieces to and fro.
func TestPieces(t *testing.T) {
	k := kernel.Sets()[0]
	for _, c := range []struct {
		shape  []int
		layout plan.Layout
		pieces int
	}{
		{shape: []int{301, 1003}, layout: plan.Matrix, pieces: 5},
		{shape: []int{2, 200_001}, layout: plan.Matrix, pieces: 7}, // more than rows
		{shape: []int{3 * pieceSize}, layout: plan.RowMajor, pieces: 3},
		{shape: []int{64, 128, 3, 3}, layout: plan.Matrix, pieces: 1},
	} {
		n := program.Size(c.shape)
		p := &param{matrix: make([]float32, n)}
		p.setShape(c.shape, c.layout)
		if p.pieces() != c.pieces {
			t.Errorf("%v: %d pieces, want %d", c.shape, p.pieces(), c.pieces)
		}
		tensor, back := make([]float32, n), make([]float32, n)
		for i := range tensor {
			tensor[i] = float32(i)
		}
		for piece := range p.pieces() {
			p.load(k, p.matrix, tensor, piece)
		}
		if len(c.shape) == 2 {
			for _, at := range [][2]int{{0, 0}, {1, 700}, {c.shape[0] - 1, c.shape[1] - 1}} {
				if got, want := p.matrix[at[1]*c.shape[0]+at[0]], tensor[at[0]*c.shape[1]+at[1]]; got != want {
					t.Errorf("%v: %v at %v, want %v", c.shape, got, at, want)
				}
			}
		}
		for piece := range p.pieces() {
			p.store(k, back, p.matrix, piece)
		}
		if !slices.Equal(back, tensor) {
			t.Errorf("%v: others come back", c.shape)
		}
	}
}
