package aegis_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"aegis"
	"aegis/data"
)

// Train a small network on images of one's own and make codes with it.
func Example() {
	dir, err := os.MkdirTemp("", "aegis")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	// 32 images of 4×4 bytes; data.Open reads a folder of IDX files instead.
	images := data.Rows{N: 32, Shape: data.Shape{C: 1, H: 4, W: 4}, Bytes: make([]byte, 32*16)}
	for i := range images.Bytes {
		images.Bytes[i] = byte(i * 5)
	}
	set := data.Set{Rows: images}
	ds := &data.Source{Name: "stripes", Train: set, Test: set}

	cfg, err := aegis.NewConfig("fc64")
	if err != nil {
		log.Fatal(err)
	}
	cfg.Hidden, cfg.Latent, cfg.Batch, cfg.Epochs = []int{12}, 3, 8, 2
	out := filepath.Join(dir, "run")
	summary, err := aegis.Train(context.Background(), cfg, ds, aegis.Options{Out: out})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(summary.Status, "after", summary.Epochs, "epochs,", summary.Params, "parameters")

	m, err := aegis.Load(filepath.Join(out, "model.safetensors"))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	codes, err := m.Encode(context.Background(), images)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(codes), "values in", images.N, "codes")
	// Output:
	// finished after 2 epochs, 499 parameters
	// 96 values in 32 codes
}
