package mnist_test

import (
	"fmt"
	"log"

	"aegis/data/mnist"
)

func ExampleLoad() {
	d, err := mnist.Load()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d training and %d test images of %dx%d\n", d.Train.Len(), d.Test.Len(), d.Train.H, d.Train.W)
	fmt.Println("labels", d.Train.Labels[:5], d.Test.Labels[:5])
	// Output:
	// 60000 training and 10000 test images of 28x28
	// labels [5 0 4 1 9] [7 2 1 0 4]
}
