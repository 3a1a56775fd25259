package aegis

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"aegis/data"
)

// TestNilReadersAndWriters: what takes one answers an error where it is nil.
func TestNilReadersAndWriters(t *testing.T) {
	ctx, src := context.Background(), plotImageSource(40)
	r, m := small(t, "fc12", src)
	rows := func() data.Reader { return data.NewReader(src.Train) }
	d, err := m.FitDetector(ctx, rows(), DetectorOptions{})
	if err != nil {
		t.Fatal(err)
	}
	only := func(_ any, err error) error { return err }
	var w bytes.Buffer
	for name, err := range map[string]error{
		"WriteConfig":                  WriteConfig(nil, Config{}),
		"Compress to none":             only(m.Compress(ctx, nil, rows(), nil)),
		"Compress none":                only(m.Compress(ctx, &w, nil, nil)),
		"Decompress":                   only(m.Decompress(ctx, nil)),
		"FitDetector":                  only(m.FitDetector(ctx, nil, DetectorOptions{})),
		"ReadDetector":                 only(m.ReadDetector(nil)),
		"Detector.Write":               d.Write(nil),
		"Detector.Lines":               d.Lines(ctx, nil, func(int, Finding) error { return nil }),
		"Detector.WriteHeat":           d.WriteHeat(nil, make([]float32, 64)),
		"Detector.WriteHeatSheet":      d.WriteHeatSheet(ctx, nil, src.Train.Slice(0, 1).Rows, nil),
		"Evaluate":                     only(m.Evaluate(ctx, nil, EvaluateOptions{})),
		"Cluster":                      only(m.Cluster(ctx, nil, ClusterOptions{K: 2})),
		"FitCodes":                     only(m.FitCodes(ctx, nil, FitOptions{})),
		"WriteImage":                   m.WriteImage(nil, make([]byte, 64)),
		"WriteSheet":                   m.WriteSheet(nil, make([]byte, 64), Sheet{Columns: 1}),
		"PlotLoss":                     PlotLoss(nil, []*Run{r}, PlotOptions{}),
		"PlotFilters":                  r.PlotFilters(nil, PlotOptions{}),
		"PlotCodes to none":            m.PlotCodes(ctx, nil, rows(), CodesPlot{}),
		"PlotCodes of none":            m.PlotCodes(ctx, &w, nil, CodesPlot{}),
		"PlotReconstructions to none":  m.PlotReconstructions(ctx, nil, rows(), ReconstructionsPlot{}),
		"PlotReconstructions of none":  m.PlotReconstructions(ctx, &w, nil, ReconstructionsPlot{}),
		"PlotTraversals to none":       m.PlotTraversals(ctx, nil, rows(), TraversalsPlot{}),
		"heat of a detector of none":   (&Detector{}).WriteHeat(&w, make([]float32, 64)),
		"a sheet of a detector of nil": (*Detector)(nil).WriteHeatSheet(ctx, &w, src.Train.Slice(0, 1).Rows, nil),
	} {
		want := "is nil; want one"
		if strings.Contains(name, "detector of") {
			want = "want"
		}
		if err == nil || !strings.HasPrefix(err.Error(), "aegis: ") && !strings.HasPrefix(err.Error(), "detect: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
	if w.Len() != 0 {
		t.Errorf("%d bytes were written", w.Len())
	}
}
