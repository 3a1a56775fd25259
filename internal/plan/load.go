package plan

import (
	"fmt"

	"gorgonia.org/tensor"
)

// Load reads what a graph gets from outside.
const Load Op = "load" // (rows) x ← rows of a set as pixels, or given values

var loadFamily = family{
	rules: []rule{{op: Load, dst: []role{rows}, stays: true}},
}

// input adds the graph's input.
func (d *decoder) input() error {
	x := d.graph.Input
	if dt := x.Dtype(); dt != tensor.Float32 {
		return fmt.Errorf("input %s is %v; want float32", x.Name(), dt)
	}
	i := d.plan.add(Buffer{Name: x.Name(), Kind: Input, Shape: x.Shape(), Of: -1})
	d.buffers[x] = i
	d.rows[i] = true
	d.code = append(d.code, newInstr(Load, []int{i}, nil))
	return nil
}
