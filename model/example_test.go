package model_test

import (
	"fmt"
	"log"

	"aegis/model"
)

// A preset, bent: fc12 with a code of 2 on images of 20×32.
func Example() {
	spec, err := model.Preset("fc12")
	if err != nil {
		log.Fatal(err)
	}
	spec.Latent, spec.Image = 2, [3]int{1, 20, 32}
	layers, err := spec.Layers()
	if err != nil {
		log.Fatal(err)
	}
	for _, l := range layers {
		fmt.Println(l.Name, l.In, "→", l.Out, l.Activation)
	}
	// Output:
	// encoder.0 [640] → [128] relu
	// encoder.2 [128] → [64] relu
	// encoder.4 [64] → [2] identity
	// decoder.0 [2] → [64] relu
	// decoder.2 [64] → [128] relu
	// decoder.4 [128] → [640] tanh
}
