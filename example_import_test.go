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

// Use a network that was trained in PyTorch.
func ExampleImport() {
	dir, err := os.MkdirTemp("", "aegis")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	cfg, err := aegis.NewConfig("vae")
	if err != nil {
		log.Fatal(err)
	}
	cfg.Hidden, cfg.Latent = []int{9}, 3
	r, err := aegis.Import("testdata/pytorch/vae.safetensors", cfg, aegis.ImportOptions{
		Out: filepath.Join(dir, "vae"), Rows: data.Shape{C: 1, H: 6, W: 5},
		Names: map[string]string{"fc21": "mu", "fc22": "logvar"}, // their numbers would say the same
	})
	if err != nil {
		log.Fatal(err)
	}
	m, err := r.Load()
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	image := data.Rows{N: 1, Shape: data.Shape{C: 1, H: 6, W: 5}, Bytes: make([]byte, 30)}
	rebuilt, err := m.Reconstruct(context.Background(), image) // (1, 30)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(rebuilt), m.Spec().Latent) // 30 3

	// Output: 30 3
}

// Put runs side by side.
func ExampleCompare() {
	var runs []*aegis.Run
	for _, dir := range []string{"testdata/0.1.0/conv", "testdata/0.1.0/fc"} {
		r, err := aegis.OpenRun(dir)
		if err != nil {
			log.Fatal(err)
		}
		runs = append(runs, r)
	}
	c, err := aegis.Compare(runs...)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range c.Runs {
		fmt.Println(r.Model, r.Params, c.Text(r, "output"), c.Text(r, "test_loss"))
	}
	fmt.Println(c.Notes[0])

	// Output:
	// conv 205 sigmoid 0.089628
	// fc12 560 tanh 0.39509
	// losses of groups 1 and 2 do not compare: range [0 1] and [-1 1]
}
