package aegis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"aegis"
	"aegis/data"
)

// Rows that the model was trained on have principal components fitted, of as
// many values as a code, and say how well codes tell the classes of others.
func ExampleModel_Evaluate() {
	ctx, m, train := context.Background(), plain(), classed(200)
	defer m.Close()
	found, err := m.Evaluate(ctx, data.NewReader(classed(60)), aegis.EvaluateOptions{Train: train})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.Rows, "rows of", len(found.Classes), "classes")
	fmt.Println("two components rebuild a plane curve:", found.PCA.MSE < 1e-6, "- better than one epoch of training:", found.PCA.MSE < found.MSE)
	fmt.Println("classes are found by codes:", found.Codes.Neighbours > 0.9)
	// Output:
	// 60 rows of 2 classes
	// two components rebuild a plane curve: true - better than one epoch of training: true
	// classes are found by codes: true
}

func ExampleModel_Cluster() {
	ctx, m := context.Background(), plain()
	defer m.Close()
	found, err := m.Cluster(ctx, data.NewReader(classed(200)), aegis.ClusterOptions{K: 4, Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.K, "centres of", len(found.Centres)/found.K, "values; a cluster for each of", len(found.Assignments), "rows")
	fmt.Println("compared with classes:", found.Codes != nil)
	// Output:
	// 4 centres of 2 values; a cluster for each of 200 rows
	// compared with classes: true
}

// A row of three float32 becomes two bytes before they are coded, and a file that
// another model wrote is an error.
func ExampleModel_Compress() {
	ctx, m := context.Background(), plain()
	defer m.Close()
	var file bytes.Buffer
	done, err := m.Compress(ctx, &file, data.NewReader(data.Set{Rows: curve(200)}), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(done.Rows, "rows of", done.Raw, "bytes; smaller as codes:", done.Bytes < done.Raw)
	damaged := bytes.Clone(file.Bytes())
	damaged[len(damaged)/2] ^= 1

	rows, err := m.Decompress(ctx, &file)
	if err != nil {
		log.Fatal(err)
	}
	all, _, err := data.ReadAll(rows)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(all.N, "rows of", all.Size(), "values again")

	if rows, err = m.Decompress(ctx, bytes.NewReader(damaged)); err == nil {
		_, _, err = data.ReadAll(rows)
	}
	fmt.Println("a damaged file is an error:", err != nil)
	// Output:
	// 200 rows of 2400 bytes; smaller as codes: true
	// 200 rows of 3 values again
	// a damaged file is an error: true
}

// Noise is drawn by a seed and a row's number.
func ExampleModel_Corrupt() {
	m := plain()
	defer m.Close()
	clean := curve(100)
	noisy, err := m.Corrupt(clean, "mask:0.5", 1, 0)
	if err != nil {
		log.Fatal(err)
	}
	again, err := m.Corrupt(clean.Slice(50, 100), "mask:0.5", 1, 50)
	if err != nil {
		log.Fatal(err)
	}
	changed, same := 0, true
	for i, v := range noisy.Floats {
		if v != clean.Floats[i] {
			changed++
		}
		if i >= 150 {
			same = same && v == again.Floats[i-150]
		}
	}
	fmt.Println("about half of", len(noisy.Floats), "values are changed:", changed > 110 && changed < 190)
	fmt.Println("the second half by itself has the same noise:", same)
	_, err = m.Corrupt(clean, "rain:0.5", 1, 0)
	var config *aegis.ConfigError
	fmt.Println("a kind that there is not:", errors.As(err, &config))
	// Output:
	// about half of 300 values are changed: true
	// the second half by itself has the same noise: true
	// a kind that there is not: true
}

// A run's directory has the model and what it was trained by.
func ExampleOpenRun() {
	dir, out := trainedRun()
	defer os.RemoveAll(dir)
	r, err := aegis.OpenRun(out)
	if err != nil {
		log.Fatal(err)
	}
	config, ok := r.Config()
	fmt.Println(filepath.Base(r.File), ok, config.Latent, "values in a code")
	m, err := r.Load(aegis.WithDevice(aegis.DeviceCPU))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	fmt.Println(m.Size(), "values in a row")
	_, err = aegis.OpenRun(dir)
	fmt.Println("a directory without a model is an error:", err != nil)
	// Output:
	// model.safetensors true 2 values in a code
	// 3 values in a row
	// a directory without a model is an error: true
}

// Pictures go to a file, a buffer or nowhere; nothing is written of one that
// cannot be drawn.
func ExamplePlotLoss() {
	dir, out := trainedRun()
	defer os.RemoveAll(dir)
	r, err := aegis.OpenRun(out)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("loss:", aegis.PlotLoss(io.Discard, []*aegis.Run{r}, aegis.PlotOptions{Title: "A curve"}))
	fmt.Println("filters:", r.PlotFilters(io.Discard, aegis.PlotOptions{Format: aegis.SVG}))
	// Output:
	// loss: <nil>
	// filters: <nil>
}

func ExampleModel_PlotCodes() {
	ctx, m := context.Background(), plain()
	defer m.Close()
	rows := data.NewReader(classed(60))
	fmt.Println("codes:", m.PlotCodes(ctx, io.Discard, rows, aegis.CodesPlot{Rows: 50, Seed: 1}))
	fmt.Println(m.PlotCodes(ctx, io.Discard, rows, aegis.CodesPlot{Method: "umap"}))
	// Output:
	// codes: <nil>
	// aegis: plot codes by "umap"; want pca or tsne
}

func ExampleModel_PlotReconstructions() {
	ctx, m := context.Background(), plain()
	defer m.Close()
	var picture bytes.Buffer
	err := m.PlotReconstructions(ctx, &picture, data.NewReader(classed(60)), aegis.ReconstructionsPlot{})
	fmt.Println("a PNG:", bytes.HasPrefix(picture.Bytes(), []byte("\x89PNG")), err)
	// Output: a PNG: true <nil>
}

// Codes of a plain model have no prior: rows say which values they have.
func ExampleModel_PlotTraversals() {
	ctx, m := context.Background(), plain()
	defer m.Close()
	o := aegis.TraversalsPlot{Row: new(3)}
	fmt.Println("rows are read:", m.NeedsRows(o))
	fmt.Println(m.PlotTraversals(ctx, io.Discard, data.NewReader(classed(60)), o))
	// Output:
	// rows are read: true
	// <nil>
}

// classed is points of two classes: the two halves of the curve.
func classed(n int) data.Set {
	s := data.Set{Rows: curve(n), Labels: make([]byte, n)}
	for i := n / 2; i < n; i++ {
		s.Labels[i] = 1
	}
	return s
}
