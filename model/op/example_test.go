package op_test

import (
	"fmt"
	"log"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/model/op"
)

// A layer in a graph of one's own: Gorgonia differentiates it like any op.
func Example() {
	g := G.NewGraph()
	input := func(name string, shape tensor.Shape, values ...float32) *G.Node {
		t := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(values))
		return G.NewTensor(g, tensor.Float32, shape.Dims(), G.WithName(name), G.WithShape(shape...), G.WithValue(t))
	}
	x := input("x", tensor.Shape{1, 2}, 1, 2)
	w := input("w", tensor.Shape{1, 2}, 3, 4)
	b := input("b", tensor.Shape{1}, -1)
	target := input("target", tensor.Shape{1, 1}, 8)
	rows := input("rows", tensor.Shape{1}, 1)

	y, err := op.Linear(x, w, b, op.Activation{Kind: op.ReLU})
	if err != nil {
		log.Fatal(err)
	}
	cost, err := op.Loss{Kind: op.MSE}.Mean(y, target, rows)
	if err != nil {
		log.Fatal(err)
	}
	grads, err := G.Grad(cost, w)
	if err != nil {
		log.Fatal(err)
	}
	var loss, dw G.Value
	G.Read(cost, &loss)
	G.Read(grads[0], &dw)
	vm := G.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("loss", loss, "dw", dw.Data())
	// Output:
	// loss 4 dw [4 8]
}
