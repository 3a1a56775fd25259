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

// Train on rows of a table, fit a detector on rows that were held out, and ask it
// what is strange about two others.
func ExampleModel_FitDetector() {
	dir, err := os.MkdirTemp("", "aegis")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()

	values := make([][]float32, 6000) // of a machine: speed, load, and what follows from them
	for i := range values {
		speed, load := 2+float32(i%41)/20, 1+float32(i*7%37)/18
		values[i] = []float32{speed, load, speed * load, speed - load}
	}
	rows, err := data.Matrix(values)
	if err != nil {
		log.Fatal(err)
	}
	source := &data.Source{Train: data.Set{Rows: rows.Slice(0, 5000)}}
	source.Columns = []string{"speed", "load", "power", "slip"}

	cfg, err := aegis.NewConfig("fc12")
	if err != nil {
		log.Fatal(err)
	}
	cfg.Latent, cfg.Epochs = 2, 10
	if _, err := aegis.Train(ctx, cfg, source, aegis.Options{Out: filepath.Join(dir, "run")}); err != nil {
		log.Fatal(err)
	}
	m, err := aegis.Load(filepath.Join(dir, "run"))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	normal := data.NewReader(data.Set{Rows: rows.Slice(5000, 6000)})
	detector, err := m.FitDetector(ctx, normal, aegis.DetectorOptions{FalseAlarms: 0.01})
	if err != nil {
		log.Fatal(err)
	}
	others, err := data.Matrix([][]float32{{3, 2, 6, 1}, {3, 2, 2, 1}})
	if err != nil {
		log.Fatal(err)
	}
	found, err := detector.Detect(ctx, others)
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range found {
		if f.Anomalous {
			fmt.Println("strange, first of all", f.Columns[0].Name)
		} else {
			fmt.Println("normal")
		}
	}
	// Output:
	// normal
	// strange, first of all power
}
