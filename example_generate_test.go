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

// A plain model has no prior: a mixture fitted on the codes of its rows takes
// its place. Here rows are points on a curve.
func ExampleModel_Generate() {
	ctx, m, rows := context.Background(), plain(), data.NewReader(data.Set{Rows: curve(200)})
	defer m.Close()
	codes, err := m.FitCodes(ctx, rows, aegis.FitOptions{Components: 4, Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	made, drawn, err := m.Generate(ctx, 5, aegis.GenerateOptions{Seed: 1, Codes: codes})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(codes.Rows, "codes fitted by", codes.Components, "distributions;", len(made), "values of", len(drawn)/2, "rows")
	// Output: 200 codes fitted by 4 distributions; 15 values of 5 rows
}

// Between two rows there are others.
func ExampleModel_Interpolate() {
	ctx, m, rows := context.Background(), plain(), curve(200)
	defer m.Close()
	a, b := data.Set{Rows: rows.Slice(0, 2)}, data.Set{Rows: rows.Slice(2, 4)}
	made, codes, err := m.Interpolate(ctx, a, b, 6)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(made)/3, "rows and", len(codes)/2, "codes on two ways")
	// Output: 12 rows and 12 codes on two ways
}

func ExampleModel_Grid() {
	ctx, m := context.Background(), plain()
	defer m.Close()
	codes, err := m.FitCodes(ctx, data.NewReader(data.Set{Rows: curve(200)}), aegis.FitOptions{})
	if err != nil {
		log.Fatal(err)
	}
	grid, err := m.Grid(ctx, 5, aegis.GenerateOptions{Codes: codes})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(grid.X), "by", len(grid.Y), "codes:", len(grid.Rows)/3, "rows")
	// Output: 5 by 5 codes: 25 rows
}

func ExampleInspect() {
	report, err := aegis.Inspect(context.Background(), "testdata/0.1.0/fc/last.safetensors", aegis.Reading{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Kind, "of", report.Network.Params, "parameters, step", report.Tensors.Step)
	// Output: checkpoint of 560 parameters, step 12
}

// curve is n points of three values on a curve.
func curve(n int) data.Rows {
	rows, err := data.Matrix(points(n))
	if err != nil {
		log.Fatal(err)
	}
	return rows
}

func points(n int) [][]float32 {
	var all [][]float32
	for i := range n {
		x := float32(i)/float32(n)*2 - 1
		all = append(all, []float32{x, x * x, 1 - x})
	}
	return all
}

// plain is a plain model of codes of two values, trained on such points.
func plain() *aegis.Model {
	dir, out := trainedRun()
	defer os.RemoveAll(dir)
	m, err := aegis.Load(out)
	if err != nil {
		log.Fatal(err)
	}
	return m
}

// trainedRun is the run of that model and the temporary directory that it lies
// in.
func trainedRun() (dir, out string) {
	dir, err := os.MkdirTemp("", "aegis-example-*")
	if err != nil {
		log.Fatal(err)
	}
	cfg, err := aegis.NewConfig("fc12")
	if err != nil {
		log.Fatal(err)
	}
	cfg.Hidden, cfg.Latent, cfg.Batch, cfg.Epochs = []int{8}, 2, 20, 1
	out = filepath.Join(dir, "run")
	ds := &data.Source{Name: "points", Train: data.Set{Rows: curve(200)}}
	if _, err := aegis.Train(context.Background(), cfg, ds, aegis.Options{Out: out}); err != nil {
		log.Fatal(err)
	}
	return dir, out
}
