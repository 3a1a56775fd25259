package dataset_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"aegis/data"
	"aegis/data/dataset"
)

func ExampleOpen() {
	s, err := dataset.Open(context.Background(), "mnist", dataset.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %d rows of %v to train on, %d to test with\n", s.Name, s.Train.N, s.Train.Shape, s.Test.N)
	// Output: mnist: 60000 rows of 28×28 to train on, 10000 to test with
}

func ExampleNewReader() {
	// An IDX file and its folder, as it may lie anywhere.
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	f, err := os.Create(filepath.Join(dir, "train-images-idx3-ubyte"))
	if err != nil {
		log.Fatal(err)
	}
	if err := data.WriteImages(f, data.Rows{N: 5, Shape: data.Shape{C: 1, H: 1, W: 2}, Bytes: make([]byte, 10)}); err != nil {
		log.Fatal(err)
	}
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}

	r, err := dataset.NewReader(context.Background(), dir, "", dataset.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	fmt.Println(data.Len(r), "rows of", r.Shape())
	for {
		rows, err := r.Next(2)
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("next", rows.N)
	}
	// Output:
	// 5 rows of 1×2
	// next 2
	// next 2
	// next 1
}
