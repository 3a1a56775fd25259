package aegis_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"aegis"
	"aegis/data"
)

// A run that was stopped goes on to where it would have come: here one that a
// context ended after its second epoch. The same call starts it and goes on.
func ExampleTrain_resume() {
	dir, err := os.MkdirTemp("", "aegis")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	images := data.Rows{N: 32, Shape: data.Shape{C: 1, H: 4, W: 4}, Bytes: make([]byte, 32*16)}
	for i := range images.Bytes {
		images.Bytes[i] = byte(i * 5)
	}
	ds := &data.Source{Train: data.Set{Rows: images}}

	cfg, err := aegis.NewConfig("fc64")
	if err != nil {
		log.Fatal(err)
	}
	cfg.Hidden, cfg.Latent, cfg.Batch, cfg.Epochs = []int{12}, 3, 8, 5
	cfg.Schedule, cfg.EMA = "cosine", 0.9

	ctx, stop := context.WithCancel(context.Background())
	opt := aegis.Options{Out: filepath.Join(dir, "run"), Auto: true}
	opt.Epoch = func(m aegis.Metrics) {
		if m.Epoch == 2 {
			stop()
		}
	}
	var cut *aegis.InterruptedError
	_, err = aegis.Train(ctx, cfg, ds, opt)
	fmt.Println("interrupted:", errors.As(err, &cut))

	opt.Epoch = func(m aegis.Metrics) { fmt.Println("epoch", m.Epoch) }
	summary, err := aegis.Train(context.Background(), cfg, ds, opt)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(summary.Status, "after", summary.Epochs, "epochs")
	// Output:
	// interrupted: true
	// epoch 3
	// epoch 4
	// epoch 5
	// finished after 5 epochs
}
