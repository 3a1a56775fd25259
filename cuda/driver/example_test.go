package driver_test

import (
	"errors"
	"fmt"

	"aegis/cuda/driver"
)

func ExampleError() {
	err := error(driver.NewError("cuMemAlloc", driver.OutOfMemory, nil))
	fmt.Println(err)
	fmt.Println(errors.Is(err, driver.OutOfMemory))
	// Output:
	// cuda: cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (out of memory)
	// true
}
