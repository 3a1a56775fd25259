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

// Train one configuration under three seeds, side by side, and load the best.
func ExampleTrainTries() {
	dir, err := os.MkdirTemp("", "aegis")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	images := data.Rows{N: 64, Shape: data.Shape{C: 1, H: 4, W: 4}, Bytes: make([]byte, 64*16)}
	for i := range images.Bytes {
		images.Bytes[i] = byte(i * 5)
	}
	ds := &data.Source{Name: "stripes", Train: data.Set{Rows: images}}

	cfg, err := aegis.NewConfig("fc64")
	if err != nil {
		log.Fatal(err)
	}
	cfg.Hidden, cfg.Latent, cfg.Batch, cfg.Epochs, cfg.Val = []int{12}, 3, 8, 2, 0.25
	tries, err := aegis.TrainTries(context.Background(), cfg, ds, aegis.TriesOptions{Tries: 3, Jobs: 3, Out: filepath.Join(dir, "tries")})
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range tries.Tries {
		fmt.Println("seed", t.Seed, t.Status)
	}
	m, err := aegis.Load(filepath.Join(tries.Dir, tries.Best)) // the least validation loss
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	fmt.Println("the best makes codes of", m.Spec().Latent, "values")
	// Output:
	// seed 1 finished
	// seed 2 finished
	// seed 3 finished
	// the best makes codes of 3 values
}
