package data_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"testing/fstest"

	"aegis/data"
)

// idxFile writes n images of 2x2 whose bytes are all 255.
func idxFile(n int) *fstest.MapFile {
	var out bytes.Buffer
	m := data.Rows{N: n, Shape: data.Shape{C: 1, H: 2, W: 2}, Bytes: bytes.Repeat([]byte{255}, n*4)}
	if err := data.WriteImages(&out, m); err != nil {
		log.Fatal(err)
	}
	return &fstest.MapFile{Data: out.Bytes()}
}

func ExampleRead() {
	files := fstest.MapFS{
		"train-images-idx3-ubyte": idxFile(10),
		"t10k-images-idx3-ubyte":  idxFile(3),
	}
	d, err := data.Read(files, "squares")
	if err != nil {
		log.Fatal(err)
	}
	split, err := d.Split(data.Division{Limit: 8, Val: 0.25, Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %d training, %d validation and %d test images of %dx%d\n",
		d.Name, split.Trained(), len(split.Held), d.Test.Len(), d.Train.H, d.Train.W)
	// Output: squares: 6 training, 2 validation and 3 test images of 2x2
}

func ExampleReadImages() {
	cut := idxFile(10).Data[:30]
	_, err := data.ReadImages(bytes.NewReader(cut), "my-images")
	fmt.Println(err)
	var broken *data.FormatError
	fmt.Println("broken:", errors.As(err, &broken))
	// Output:
	// data: my-images: truncated: want 56 bytes, got 30; the file is damaged; get it again
	// broken: true
}

func ExampleLoader_Batches() {
	images := data.Rows{N: 3, Shape: data.Shape{C: 1, H: 1, W: 2}, Bytes: []byte{0, 255, 255, 0, 255, 255}}
	loader, err := data.NewLoader(images, data.LoaderOptions{Batch: 2, Scaling: data.PixelScaling(data.Range{Lo: -1, Hi: 1})})
	if err != nil {
		log.Fatal(err)
	}
	for batch, err := range loader.Batches(context.Background(), 0) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("rows", batch.Rows, "pixels", batch.X, "weights", batch.Weights)
	}
	// Output:
	// rows [0 1] pixels [-1 1 1 -1] weights [1 1]
	// rows [2] pixels [1 1 0 0] weights [1 0]
}

func ExampleMatrix() {
	rows, err := data.Matrix([][]float32{{1, 1000}, {2, 3000}, {3, 5000}})
	if err != nil {
		log.Fatal(err)
	}
	source := data.Source{Name: "mine", Train: data.Set{Rows: rows}}
	found, err := source.Measure(context.Background(), data.Split{N: rows.N}, nil)
	if err != nil {
		log.Fatal(err)
	}
	scaling, err := data.ScaleMinMax.Fit(found, rows.Shape, data.Range{Lo: -1, Hi: 1})
	if err != nil {
		log.Fatal(err)
	}
	values := make([]float32, rows.Size())
	scaling.Read(values, rows, 1)
	fmt.Println(rows.N, "rows of", rows.Shape, "row 1 becomes", values)
	scaling.Undo(values)
	fmt.Println("and", values, "again")
	// Output:
	// 3 rows of 2 values row 1 becomes [0 0]
	// and [2 3000] again
}
