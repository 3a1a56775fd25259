package aegis_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"aegis"
	"aegis/data/mnist"
)

// Use the model that a run left.
func ExampleLoad() {
	defer inAFolderWithARun()()

	m, err := aegis.Load("runs/fc12/model.safetensors") // or LoadBytes, LoadFS; aegis.WithDevice("cpu"), …
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	ds, err := mnist.Load() // data.Open reads a folder
	if err != nil {
		log.Fatal(err)
	}
	ctx, images := context.Background(), ds.Test.Rows.Slice(0, 100)
	codes, err := m.Encode(ctx, images) // (100, 12)
	if err != nil {
		log.Fatal(err)
	}
	drawn, err := m.Decode(ctx, codes) // (100, 784), what m.Reconstruct makes of the images
	if err != nil {
		log.Fatal(err)
	}
	scores, err := m.Score(ctx, images) // (100): how badly each is rebuilt
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(codes), len(drawn), len(scores)) // 1200 78400 100

	// Output: 1200 78400 100
}

// inAFolderWithARun changes to a new folder where runs/fc12 lies, and returns
// what changes back.
func inAFolderWithARun() (leave func()) {
	before, err := os.Getwd()
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "aegis")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.Chdir(dir); err != nil {
		log.Fatal(err)
	}
	ds, err := mnist.Load()
	if err != nil {
		log.Fatal(err)
	}
	ds.Test = ds.Test.Slice(0, 100)
	cfg, err := aegis.NewConfig("fc12")
	if err != nil {
		log.Fatal(err)
	}
	cfg.Limit, cfg.Epochs = 100, 1
	if _, err := aegis.Train(context.Background(), cfg, ds, aegis.Options{Out: "runs/fc12"}); err != nil {
		log.Fatal(err)
	}
	return func() {
		if err := os.Chdir(before); err != nil {
			log.Fatal(err)
		}
		_ = os.RemoveAll(dir)
	}
}
