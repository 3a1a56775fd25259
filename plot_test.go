package aegis

import (
	"bytes"
	"context"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/data"
)

// small trains a small run on a source and loads its model.
func small(t *testing.T, preset string, src *data.Source, change ...func(*Config)) (*Run, *Model) {
	t.Helper()
	cfg, out := config(t, preset), filepath.Join(t.TempDir(), "run")
	for _, c := range change {
		c(&cfg)
	}
	if _, err := Train(context.Background(), cfg, src, Options{Out: out}); err != nil {
		t.Fatal(err)
	}
	r, err := OpenRun(out)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Load(WithDevice(DeviceCPU))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return r, m
}

// images are n images of 1 × 8 × 8 bytes of two classes.
func plotImageSource(n int) *data.Source {
	s := data.Set{Rows: data.Rows{N: n, Shape: data.Shape{C: 1, H: 8, W: 8}}}
	for i := range n {
		for p := range 64 {
			s.Bytes = append(s.Bytes, byte((i*37+p*11)%256))
		}
		s.Labels = append(s.Labels, byte(i%2))
	}
	src := &data.Source{Name: "images", Train: s}
	src.Form.Classes = []string{"even", "odd"}
	return src
}

// plotWindows are windows of two columns in time.
func plotWindows() *data.Source {
	src := &data.Source{Name: "windows", Train: data.Set{Rows: data.Rows{N: 40, Shape: data.Shape{W: 8}}}}
	for i := range 40 * 8 {
		src.Train.Floats = append(src.Train.Floats, float32(math.Sin(float64(i))))
	}
	src.Form.Table = &data.TableForm{Fields: []data.Field{{Name: "in"}, {Name: "out"}}, Window: 4, Step: 2}
	return src
}

// TestPlots draws each picture of runs on images, rows and windows.
func TestPlots(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		preset string
		src    *data.Source
		change func(*Config)
	}{
		"images":   {"fc12", plotImageSource(40), func(*Config) {}},
		"restored": {"fc12", plotImageSource(40), func(c *Config) { c.Corrupt = "mask:0.3" }},
		"prior":    {"vae", plotImageSource(40), func(c *Config) { c.Hidden = []int{8} }},
		"rows":     {"fc12", &data.Source{Name: "table", Train: table(60, 1)}, func(*Config) {}},
		"windows":  {"fc12", plotWindows(), func(c *Config) { c.Latent = 2 }},
	} {
		t.Run(name, func(t *testing.T) {
			r, m := small(t, c.preset, c.src, c.change)
			rows := func() data.Reader { return data.NewReader(c.src.Train) }
			for what, draw := range map[string]func(io.Writer) error{
				"loss":            func(w io.Writer) error { return PlotLoss(w, []*Run{r, r}, PlotOptions{}) },
				"codes":           func(w io.Writer) error { return m.PlotCodes(ctx, w, rows(), CodesPlot{Rows: 20}) },
				"t-SNE":           func(w io.Writer) error { return m.PlotCodes(ctx, w, rows(), CodesPlot{Method: TSNE}) },
				"reconstructions": func(w io.Writer) error { return m.PlotReconstructions(ctx, w, rows(), ReconstructionsPlot{}) },
				"filters":         func(w io.Writer) error { return r.PlotFilters(w, PlotOptions{}) },
				"traversals":      func(w io.Writer) error { return m.PlotTraversals(ctx, w, rows(), TraversalsPlot{}) },
				"around a row":    func(w io.Writer) error { return m.PlotTraversals(ctx, w, rows(), TraversalsPlot{Row: new(3)}) },
			} {
				if name != "images" && (what == "loss" || what == "t-SNE" || what == "around a row") {
					continue // as of images
				}
				var first, second bytes.Buffer
				if err := draw(&first); err != nil {
					t.Errorf("%s: %v", what, err)
					continue
				}
				if what != "t-SNE" || name != "images" {
					second = first
				} else if err := draw(&second); err != nil {
					t.Error(err)
				}
				if !bytes.Equal(first.Bytes(), second.Bytes()) {
					t.Errorf("%s: two pictures of the same differ", what)
				}
				if _, err := png.Decode(&first); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			if m.NeedsRows(TraversalsPlot{}) == (name == "prior") {
				t.Errorf("traversals need rows: %v", m.NeedsRows(TraversalsPlot{}))
			}
		})
	}
}

// TestPlotErrors: what cannot be drawn is said.
func TestPlotErrors(t *testing.T) {
	ctx, src := context.Background(), plotImageSource(40)
	r, m := small(t, "fc12", src)
	none := func() data.Reader { return data.NewReader(src.Train.Slice(0, 0)) }
	rows := func() data.Reader { return data.NewReader(src.Train) }
	ended, cancel := context.WithCancel(ctx)
	cancel()
	empty := &Run{Dir: t.TempDir()}
	if err := os.WriteFile(empty.Path("metrics.jsonl"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	bad := &Run{Dir: t.TempDir()}
	if err := os.WriteFile(bad.Path("metrics.jsonl"), []byte("{}\n{\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	var w bytes.Buffer
	for want, err := range map[string]error{
		"has not finished an epoch":         PlotLoss(&w, []*Run{empty}, PlotOptions{}),
		"0 runs; want 1 to 12":              PlotLoss(&w, nil, PlotOptions{}),
		"; the model was imported":          PlotLoss(&w, []*Run{{Dir: t.TempDir()}}, PlotOptions{}),
		"metrics.jsonl: line 2":             PlotLoss(&w, []*Run{bad}, PlotOptions{}),
		`format "gif"`:                      r.PlotFilters(&w, PlotOptions{Format: "gif"}),
		`codes by "umap"; want pca or tsne`: m.PlotCodes(ctx, &w, rows(), CodesPlot{Method: "umap"}),
		"plot 5001 codes":                   m.PlotCodes(ctx, &w, rows(), CodesPlot{Rows: 5001}),
		"plot codes: no rows":               m.PlotCodes(ctx, &w, none(), CodesPlot{}),
		"context canceled":                  m.PlotCodes(ended, &w, rows(), CodesPlot{}),
		"plot: no rows":                     m.PlotReconstructions(ctx, &w, none(), ReconstructionsPlot{}),
		"plot 101 reconstructions":          m.PlotReconstructions(ctx, &w, rows(), ReconstructionsPlot{Rows: 101}),
		"traversals: no rows":               m.PlotTraversals(ctx, &w, nil, TraversalsPlot{}),
		"around row 40 of 40, counted from": m.PlotTraversals(ctx, &w, rows(), TraversalsPlot{Row: new(40)}),
		"around row -1; want 0 or more":     m.PlotTraversals(ctx, &w, rows(), TraversalsPlot{Row: new(-1)}),
		"reads no labels":                   m.PlotTraversals(ctx, &w, rows(), TraversalsPlot{Class: "odd"}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v; want %q", err, want)
		}
	}
	if w.Len() != 0 {
		t.Errorf("%d bytes of a picture", w.Len())
	}
}
