package vmtest

import (
	"context"
	"math"
	"slices"
	"testing"

	"aegis/data"
	"aegis/internal/numtest"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model"
	"aegis/model/program"
)

// ContractRows holds a VM to data.Scaling.Read on rows of every kind: what it
// makes of a bound set is, bit by bit, what it makes of the scaled values, and
// training on it is the reference's.
func ContractRows(t *testing.T, open Open) {
	const n, width = 11, 7
	vectors := data.Shape{W: width}
	floats, bytes := data.Rows{N: n, Shape: vectors}, data.Rows{N: n, Shape: vectors}
	columns := data.Scaling{Kind: data.ScaleStandard}
	for i := range n * width {
		floats.Floats = append(floats.Floats, float32(1000*(i%width))+float32(math.Sin(float64(i))))
		bytes.Bytes = append(bytes.Bytes, byte(37*i))
	}
	for i := range width {
		columns.Shift = append(columns.Shift, float32(1000*i))
		columns.Factor = append(columns.Factor, 1/float32(1+i))
	}
	byteColumns := columns
	byteColumns.Shift = slices.Repeat([]float32{127.5}, width)
	byteColumns.Factor = slices.Repeat([]float32{1. / 70}, width)
	one := data.Scaling{Kind: data.ScaleMinMax, Pixels: data.Range{Hi: 1}, Shift: []float32{-1}, Factor: []float32{1. / 6002}}
	for name, c := range map[string]struct {
		rows    data.Rows
		scaling data.Scaling
	}{
		"float32 by columns":     {floats, columns},
		"float32 by one":         {floats, one},
		"float32 as they are":    {floats, data.Scaling{Kind: data.ScaleNone}},
		"bytes by columns":       {bytes, byteColumns},
		"bytes as they are":      {bytes, data.Scaling{Kind: data.ScaleNone}},
		"bytes of a vector":      {bytes, data.PixelScaling(data.Range{Lo: -1, Hi: 1})},
		"float32 that are image": {data.Rows{N: n, Shape: data.Shape{C: 1, H: 1, W: width}, Floats: floats.Floats}, one},
	} {
		t.Run(name, func(t *testing.T) {
			spec := network(model.FullyConnected, [3]int{c.rows.C, c.rows.H, c.rows.W}, []int{5}, 3, 4, func(s *model.Spec) {
				s.Output, s.Activation, s.Scaling = "identity", "tanh", &c.scaling
			})
			p, m := machineOn(t, open, spec, data.Set{Rows: c.rows})
			_, ref := machineOn(t, reference, spec, data.Set{Rows: c.rows})
			values := make([]float32, n*width)
			for i := range n {
				c.scaling.Read(values[i*width:][:width], c.rows, i)
			}
			rows := train.Rows(n)
			for _, part := range []program.Part{program.Encode, program.Reconstruct} {
				size := n * width
				if part == program.Encode {
					size = n * p.Code
				}
				got, want := make([]float32, size), make([]float32, size)
				if err := m.Infer(context.Background(), part, program.Feed{Set: vm.TestSet, Rows: rows}, got); err != nil {
					t.Fatal(err)
				}
				if err := m.Infer(context.Background(), part, program.Feed{Values: values}, want); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s of a set %v, of its scaled values %v", part, got, want)
				}
			}
			got, want := steps(t, p, m, 0, rows), steps(t, p, ref, 0, rows)
			numtest.Close(t, "losses", got, want, trainedTolerance)
			after, reference := state(t, m), state(t, ref)
			for name, tensor := range reference.Tensors {
				numtest.Close(t, name, widen(after.Tensors[name].Data), widen(tensor.Data), trainedTolerance)
			}
		})
	}
}
