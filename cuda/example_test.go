//go:build !cpu

package cuda_test

import (
	"context"
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/cuda"
	"aegis/cuda/internal/ptxsim"
	"aegis/data"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model"
	"aegis/model/program"
)

// A program trains on the GPU that the options name; here the simulator
// stands in for it.
func Example() {
	spec, err := model.Preset("fc12")
	if err != nil {
		fmt.Println(err)
		return
	}
	spec.Image, spec.Hidden, spec.Latent, spec.Batch = [3]int{1, 2, 2}, []int{3}, 2, 4
	p, err := spec.Program()
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := cuda.Open(p, 1, cuda.Options{Driver: ptxsim.Open(ptxsim.Options{})})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = m.Close() }()
	if err := m.Bind(vm.TrainSet, data.Rows{N: 4, Shape: p.Row, Bytes: []byte("sixteen pixels !")}); err != nil {
		fmt.Println(err)
		return
	}
	err = m.Train(context.Background(), program.Steps{Rows: train.Rows(4), Scalars: p.StepScalars(nil, 0, 1)})
	if err != nil {
		fmt.Println(err)
		return
	}
	losses, err := m.Losses()
	fmt.Println(m.VM(), "on", m.Device())
	fmt.Println(len(losses), "loss, error", err)
	// Output:
	// cuda on PTX simulator (not a GPU) (1.0 GiB, compute capability 8.0, driver for CUDA 11.8)
	// 1 loss, error <nil>
}

// A graph of Gorgonia's own ops runs, with its gradients, where a tape machine
// would run it; here the simulator stands in for the GPU.
func ExampleNewVM() {
	g := G.NewGraph()
	w := G.NewVector(g, tensor.Float32, G.WithName("w"), G.WithShape(3),
		G.WithValue(tensor.New(tensor.WithBacking([]float32{1, 2, 3}))))
	loss := G.Must(G.Sum(G.Must(G.Square(w))))
	if _, err := G.Grad(loss, w); err != nil {
		fmt.Println(err)
		return
	}
	var value G.Value
	G.Read(loss, &value)
	vm, err := cuda.NewVM(g, cuda.Options{Driver: ptxsim.Open(ptxsim.Options{})})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = vm.Close() }()
	if err := vm.RunAll(); err != nil {
		fmt.Println(err)
		return
	}
	grad, err := w.Grad()
	fmt.Println(value.Data(), grad.Data(), err)
	// Output: 14 [2 4 6] <nil>
}
