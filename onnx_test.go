package aegis

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aegis/data"
)

// onnxRun is a file of ONNX with what goes in, as scripts/onnx_run.mjs reads it,
// and what the package makes of the same rows.
type onnxRun struct {
	name      string
	want      []any               // []float32, []float64, []byte or []int64, an output each
	size      func(i int) float64 // of a row's value i, as the network's scaling has it; nil: 1
	threshold float64
	fails     string // what the error has that is wanted

	File   string      `json:"file"`
	Inputs []onnxInput `json:"inputs"`
	Out    string      `json:"out"`
}

type onnxInput struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Dims []int  `json:"dims"`
	Data any    `json:"data"` // a file's name, or strings
}

// onnxModel is a model with what becomes files of it.
type onnxModel struct {
	run    *Run
	model  *Model
	detect *Detector
	dir    string
	runs   []*onnxRun
}

// exported trains a model on a source, whose test rows its detector is fitted on.
func exported(t *testing.T, cfg Config, src *data.Source) *onnxModel {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "run")
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
	d, err := m.FitDetector(context.Background(), data.NewReader(src.Test), DetectorOptions{FalseAlarms: 0.2})
	if err == nil {
		err = d.Save(r.Path(DetectorFile))
	}
	if err != nil {
		t.Fatal(err)
	}
	return &onnxModel{run: r, model: m, detect: d, dir: dir}
}

// file writes the file of a part.
func (m *onnxModel) file(t *testing.T, part ONNXPart) (*ONNXFile, string) {
	t.Helper()
	f, err := m.run.ONNX(ONNXOptions{Part: part})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(m.dir, fmt.Sprintf("%d.onnx", len(m.runs)))
	var text bytes.Buffer
	if err := errors.Join(f.Write(&text), os.WriteFile(path, text.Bytes(), 0o666)); err != nil {
		t.Fatal(err)
	}
	return f, path
}

// add adds a run of a part, of inputs in the order of the file's, and what should
// come out.
func (m *onnxModel) add(t *testing.T, part ONNXPart, n int, inputs []any, want ...any) {
	t.Helper()
	f, path := m.file(t, part)
	r := &onnxRun{
		name: fmt.Sprintf("%s of %d rows", part, n), want: want, threshold: m.detect.Threshold().Value,
		File: path, Out: path + ".out",
	}
	if factor := m.model.Spec().Scaled().Factor; factor != nil {
		r.size = func(i int) float64 { return 1 / math.Abs(float64(factor[i%len(factor)])) }
	}
	if len(inputs) != len(f.Inputs) {
		t.Fatalf("%s: %d inputs for %v", part, len(inputs), f.Inputs)
	}
	for i, v := range f.Inputs {
		r.input(t, v, n, inputs[i])
	}
	m.runs = append(m.runs, r)
}

// input adds an input of n rows.
func (r *onnxRun) input(t *testing.T, v ONNXValue, n int, values any) {
	t.Helper()
	in := onnxInput{Name: v.Name, Type: v.Type.String(), Dims: append([]int{n}, v.Dims...), Data: values}
	if _, ok := values.([]string); !ok {
		raw, err := binary.Append(nil, binary.LittleEndian, values)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("%s.%s", r.File, v.Name)
		if err := os.WriteFile(name, raw, 0o666); err != nil {
			t.Fatal(err)
		}
		in.Data = name
	}
	r.Inputs = append(r.Inputs, in)
}

// all adds the runs of every part, of rows in one batch and of the first alone.
// raw are the same rows as a file has them, nil where they are these.
func (m *onnxModel) all(t *testing.T, rows data.Rows, labels []byte, raw func(n int) []any) {
	t.Helper()
	for _, n := range []int{1, rows.N} {
		inputs := []any{rows.Slice(0, n).Floats}
		if rows.IsBytes() {
			inputs = []any{rows.Slice(0, n).Bytes}
		}
		if raw != nil {
			inputs = raw(n)
		}
		var classes []byte
		var class []any
		if labels != nil {
			classes = labels[:n]
			numbers := make([]int64, n)
			for i, c := range classes {
				numbers[i] = int64(c)
			}
			class = []any{numbers}
		}
		m.parts(t, rows.Slice(0, n), classes, inputs, class)
	}
}

// parts adds the runs of every part of one batch.
func (m *onnxModel) parts(t *testing.T, rows data.Rows, labels []byte, inputs, class []any) {
	t.Helper()
	ctx := context.Background()
	must := func(values []float32, err error) []float32 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return values
	}
	codes := must(m.model.Encode(ctx, rows, labels...))
	both := func(values []float32) []any {
		if _, hi := m.model.Pixels(); !rows.IsBytes() || hi == 0 {
			return []any{values}
		}
		pixels, err := m.model.Bytes(values)
		if err != nil {
			t.Fatal(err)
		}
		return []any{values, pixels}
	}
	all := append(append([]any{}, inputs...), class...)
	m.add(t, ONNXEncoder, rows.N, all, codes)
	m.add(t, ONNXDecoder, rows.N, append([]any{codes}, class...), both(must(m.model.Decode(ctx, codes, labels...)))...)
	m.add(t, ONNXWhole, rows.N, all, both(must(m.model.Reconstruct(ctx, rows, labels...)))...)
	if m.detect.OfLines() {
		return
	}
	found, err := m.detect.Detect(ctx, rows, labels...)
	if err != nil {
		t.Fatal(err)
	}
	m.add(t, ONNXScorer, rows.N, all, scored(found)...)
}

// scored are scores and labels.
func scored(found []Finding) []any {
	scores, labels := make([]float64, len(found)), make([]int64, len(found))
	for i, f := range found {
		if scores[i] = f.Score; f.Anomalous {
			labels[i] = 1
		}
	}
	return []any{scores, labels}
}

// onnxRuntime is the folder where onnxruntime-node was installed, by the variable
// that .ci/run sets.
func onnxRuntime(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("AEGIS_ONNXRUNTIME")
	if folder == "" {
		t.Skip("AEGIS_ONNXRUNTIME names no folder with onnxruntime-node: scripts/onnxruntime.sh installs it")
	}
	return folder
}

// runONNX has ONNX Runtime run all and compares what it gives.
func runONNX(t *testing.T, runs []*onnxRun) {
	t.Helper()
	text, err := json.Marshal(runs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "scripts/onnx_run.mjs", onnxRuntime(t))
	cmd.Stdin, cmd.Stderr = bytes.NewReader(text), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(runs) {
		t.Fatalf("%d lines for %d runs: %s", len(lines), len(runs), out)
	}
	for i, r := range runs {
		if r.fails != "" {
			if !strings.HasPrefix(lines[i], `{"error"`) || !strings.Contains(lines[i], r.fails) {
				t.Errorf("%s: %s; want an error with %q", r.name, lines[i], r.fails)
			}
			continue
		}
		var outputs []onnxInput
		if err := json.Unmarshal([]byte(lines[i]), &outputs); err != nil {
			t.Errorf("%s: %s", r.name, lines[i])
			continue
		}
		raw, err := os.ReadFile(r.Out)
		if err != nil {
			t.Fatal(err)
		}
		r.compare(t, outputs, raw)
	}
}

// compare holds outputs, whose values follow each other, to what is wanted.
func (r *onnxRun) compare(t *testing.T, outputs []onnxInput, raw []byte) {
	t.Helper()
	if len(outputs) != len(r.want) {
		t.Errorf("%s: %d outputs; want %d", r.name, len(outputs), len(r.want))
		return
	}
	for i, want := range r.want {
		size := 1
		for _, n := range outputs[i].Dims {
			size *= n
		}
		const most = 1e-5
		var far float64
		var err error
		switch want := want.(type) {
		case []float32:
			rows := r.size
			if outputs[i].Name == "codes" {
				rows = nil
			}
			far, raw, err = farthest(raw, size, want, rows)
		case []float64:
			far, raw, err = farthest(raw, size, want, nil)
		case []int64: // a row at the threshold may be on either side of it
			far, raw, err = farthest(raw, size, want, func(row int) float64 {
				score := r.want[0].([]float64)[row]
				if math.Abs(score-r.threshold) <= most*max(1, r.threshold) {
					return math.Inf(1)
				}
				return 1
			})
		case []byte: // a value between two levels may become either
			far, raw, err = farthest(raw, size, want, func(int) float64 { return 1 / most })
		}
		if err != nil || !(far <= most) {
			t.Errorf("%s: %s is off by %.3g; error %v", r.name, outputs[i].Name, far, err)
		}
		t.Logf("%s: %s is off by %.2g at most", r.name, outputs[i].Name, far)
	}
	if len(raw) > 0 {
		t.Errorf("%s: %d bytes are left", r.name, len(raw))
	}
}

// farthest returns the largest difference of values to those that are wanted, by
// the size of a value of that place, where it is given, and by that of the value
// where it is above that; and what lies behind them.
func farthest[T float32 | float64 | int64 | byte](raw []byte, size int, want []T, unit func(i int) float64) (far float64, rest []byte, err error) {
	if size != len(want) {
		return 0, nil, fmt.Errorf("%d values; want %d", size, len(want))
	}
	got := make([]T, size)
	n, err := binary.Decode(raw, binary.LittleEndian, got)
	if err != nil {
		return 0, nil, err
	}
	for i, v := range want {
		g, w := float64(got[i]), float64(v)
		if math.IsNaN(g) && math.IsNaN(w) {
			continue
		}
		by := max(1, math.Abs(w))
		if unit != nil {
			by = max(unit(i), math.Abs(w))
		}
		if d := math.Abs(g-w) / by; !(d <= far) {
			far = d
		}
	}
	return far, raw[n:], nil
}

// TestONNX holds what ONNX Runtime makes of files to the package: each part, of
// one row and of 257 at once.
func TestONNX(t *testing.T) {
	onnxRuntime(t)
	const rows = 257
	for name, c := range map[string]struct {
		preset string
		bend   func(*Config)
		source func() *data.Source
	}{
		"fc12":       {preset: "fc12"},
		"fc3":        {preset: "fc3"},
		"fc64 bce":   {preset: "fc64", bend: func(c *Config) { c.Loss = "bce" }},
		"conv":       {preset: "conv"},
		"conv batch": {preset: "conv", bend: func(c *Config) { c.BatchNorm, c.Activation = true, "leakyrelu:0.2" }},
		"conv gelu":  {preset: "conv", bend: func(c *Config) { c.Activation, c.Hidden, c.Latent = "gelu", []int{3, 4, 5}, 1 }},
		"elu":        {preset: "fc12", bend: func(c *Config) { c.Activation, c.Hidden = "elu:0.7", []int{30} }},
		"exp":        {preset: "fc12", bend: func(c *Config) { c.Activation, c.Output, c.Hidden, c.LR = "exp:0.5", "identity", []int{8}, 1e-4 }},
		"vae":        {preset: "vae"},
		"gaussian":   {preset: "vae", bend: func(c *Config) { c.Likelihood = "gaussian:learned" }},
		"cvae":       {preset: "cvae"},
		"conv-vae":   {preset: "conv-vae", bend: func(c *Config) { c.Condition = "labels" }},
		"aae":        {preset: "aae", bend: func(c *Config) { c.Hidden = []int{32, 16} }},
		"topk":       {preset: "fc128", bend: func(c *Config) { c.Sparse, c.Latent = "topk:3", 20 }},
		"pixel":      {preset: "fc12", bend: func(c *Config) { c.Latent = 1 }, source: func() *data.Source { return waves(60, rows, 1, 1) }},
		"narrow":     {preset: "conv", bend: func(c *Config) { c.Latent = 2 }, source: func() *data.Source { return waves(60, rows, 1, 9) }},
		"vectors": {preset: "table", source: func() *data.Source {
			return &data.Source{Name: "table", Train: table(300, 1), Test: table(rows, 2)}
		}},
		"vae of vectors": {preset: "vae", source: func() *data.Source {
			return &data.Source{Name: "table", Train: table(300, 1), Test: table(rows, 2)}
		}},
		"minmax": {preset: "fc64", bend: func(c *Config) { c.Scale, c.Loss = data.ScaleMinMax, "bce" }, source: func() *data.Source {
			return &data.Source{Name: "table", Train: table(300, 1), Test: table(rows, 2)}
		}},
		"deep30": {preset: "deep30"},
		"5000 columns": {preset: "fc3", bend: func(c *Config) { c.Hidden = []int{8} }, source: func() *data.Source {
			return &data.Source{Name: "wide", Train: wide(60), Test: wide(rows)}
		}},
		"floats":     {preset: "conv", source: func() *data.Source { return floating(waves(60, rows, 8, 10)) }},
		"floats vae": {preset: "vae", source: func() *data.Source { return floating(waves(60, rows, 8, 10)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(t, c.preset)
			src := waves(60, rows, 12, 10)
			if c.source != nil {
				src = c.source()
			}
			if c.bend != nil {
				c.bend(&cfg)
			}
			if cfg.Condition != "" {
				src.Train.Labels, src.Test.Labels = labels(src.Train.N), labels(src.Test.N)
			}
			m := exported(t, cfg, src)
			m.all(t, src.Test.Rows, m.model.Spec().Reads(src.Test.Labels), nil)
			runONNX(t, m.runs)
		})
	}
}

// wide is vectors of 5,000 values.
func wide(rows int) data.Set {
	const width = 5000
	r := rand.New(rand.NewPCG(uint64(rows), 0))
	s := data.Set{Rows: data.Rows{N: rows, Shape: data.Shape{W: width}}}
	for range rows {
		a := r.NormFloat64()
		for i := range width {
			s.Floats = append(s.Floats, float32(a*float64(i%7)+0.1*r.NormFloat64()))
		}
	}
	return s
}

// floating makes rows of bytes rows of float32, of a range of their own, which the
// test set leaves.
func floating(src *data.Source) *data.Source {
	for set, s := range []*data.Set{&src.Train, &src.Test} {
		for _, v := range s.Bytes {
			s.Floats = append(s.Floats, float32(v)/(50-10*float32(set))-1)
		}
		s.Bytes = nil
	}
	return src
}

// TestONNXTable has the cells of a table go in as they are: numbers, missing
// ones, and texts of categories.
func TestONNXTable(t *testing.T) {
	onnxRuntime(t)
	ctx, r := context.Background(), rand.New(rand.NewPCG(3, 0))
	const rows = 257
	var text strings.Builder
	var numbers []float32
	var texts []string
	text.WriteString("a,kind,b,c,size\n")
	for i := range rows {
		a, kind, size := r.NormFloat64(), []string{"x", "y y", "ž"}[r.IntN(3)], []string{"big", "small"}[r.IntN(2)]
		b := fmt.Sprintf("%.4f", 100+3*a)
		if i%7 == 3 {
			b = "NA"
		}
		if i%11 == 5 {
			kind = "?"
		}
		fmt.Fprintf(&text, "%.6f,%s,%s,%.3e,%s\n", a, kind, b, 1e-5*a, size)
		texts = append(texts, kind, size)
		for _, cell := range []string{fmt.Sprintf("%.6f", a), b, fmt.Sprintf("%.3e", 1e-5*a)} {
			v := float32(math.NaN())
			if cell != "NA" {
				_, err := fmt.Sscan(cell, &v)
				if err != nil {
					t.Fatal(err)
				}
			}
			numbers = append(numbers, v)
		}
	}
	file := filepath.Join(t.TempDir(), "cells.csv")
	if err := os.WriteFile(file, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	cfg := config(t, "table")
	cfg.Latent, cfg.Hidden, cfg.Impute = 2, []int{16}, "mean"
	if err := cfg.Data.UnmarshalText([]byte(file)); err != nil {
		t.Fatal(err)
	}
	src, err := OpenData(ctx, cfg, DataOptions{})
	if err != nil {
		t.Fatal(err)
	}
	src.Test = src.Train
	m := exported(t, cfg, src)
	m.all(t, src.Test.Rows, nil, func(n int) []any { return []any{numbers[:3*n], texts[:2*n]} })
	m.add(t, ONNXScorer, 1, []any{numbers[:3], []string{"x", "huge"}}, []float64{math.NaN()}, []int64{1})
	runONNX(t, m.runs)
}

// TestONNXSeries has lines of a table go in, of which a model reads several at a
// time: windows, and for scores all lines.
func TestONNXSeries(t *testing.T) {
	onnxRuntime(t)
	ctx := context.Background()
	const lines, window = 262, 6
	var text strings.Builder
	var numbers []float32
	var texts []string
	text.WriteString("a,kind,b\n")
	for i := range lines {
		kind := []string{"x", "y"}[i/5%2]
		a, b := float32(math.Round(100*math.Sin(float64(i)/3)))/100, float32(i%13)
		fmt.Fprintf(&text, "%v,%s,%v\n", a, kind, b)
		numbers, texts = append(numbers, a, b), append(texts, kind)
	}
	file := filepath.Join(t.TempDir(), "series.csv")
	if err := os.WriteFile(file, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, step := range []int{1, 4, 6} {
		cfg := config(t, "fc12")
		cfg.Latent, cfg.Hidden = 3, []int{16}
		cfg.Window.Lines, cfg.Window.Step = window, step
		if err := cfg.Data.UnmarshalText([]byte(file)); err != nil {
			t.Fatal(err)
		}
		src, err := OpenData(ctx, cfg, DataOptions{})
		if err != nil {
			t.Fatal(err)
		}
		src.Test = src.Train
		m := exported(t, cfg, src)
		if step == 4 {
			m.all(t, src.Test.Rows, nil, func(n int) (all []any) {
				var a []float32
				var kinds []string
				for i := range n {
					a, kinds = append(a, numbers[2*4*i:2*(4*i+window)]...), append(kinds, texts[4*i:4*i+window]...)
				}
				return []any{a, kinds}
			})
		}
		of := func() data.Reader {
			rows, err := m.model.OpenRows(ctx, file, RowOptions{Lines: true})
			if err != nil {
				t.Fatal(err)
			}
			return rows
		}
		if m.detect, err = m.model.FitDetector(ctx, of(), DetectorOptions{FalseAlarms: 0.2}); err != nil {
			t.Fatal(err)
		}
		if err := m.detect.Save(m.run.Path(DetectorFile)); err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{window, lines - 1, lines} {
			some, err := of().Next(n)
			if err != nil {
				t.Fatal(err)
			}
			var found []Finding
			err = m.detect.Lines(ctx, data.NewReader(some.Set), func(_ int, f Finding) error {
				found = append(found, f)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			m.add(t, ONNXScorer, n, []any{numbers[:2*n], texts[:n]}, scored(found)...)
		}
		m.add(t, ONNXScorer, window-1, []any{numbers[:2*(window-1)], texts[:window-1]})
		m.runs[len(m.runs)-1].fails = "out of"
		runONNX(t, m.runs)
	}
}

// TestONNXWrong: what the package refuses is an error of the graph too, or NaN and
// no normal row.
func TestONNXWrong(t *testing.T) {
	onnxRuntime(t)
	cfg := config(t, "table")
	cfg.Latent, cfg.Hidden = 2, []int{16}
	src := &data.Source{Name: "table", Train: table(60, 1), Test: table(20, 2)}
	m := exported(t, cfg, src)
	nan := src.Test.Slice(0, 1).Floats
	nan[3] = float32(math.NaN())
	nothing := []float32{float32(math.NaN()), float32(math.NaN())}
	m.add(t, ONNXEncoder, 1, []any{nan}, nothing)
	m.add(t, ONNXScorer, 1, []any{nan}, []float64{math.NaN()}, []int64{1})
	classes := waves(60, 20, 4, 4)
	classes.Train.Labels, classes.Test.Labels = labels(60), labels(20)
	v := exported(t, config(t, "cvae"), classes)
	for _, class := range []int64{-1, int64(v.model.Spec().Classes)} {
		v.add(t, ONNXWhole, 1, []any{classes.Test.Slice(0, 1).Bytes, []int64{class}})
		v.runs[len(v.runs)-1].fails = "out of"
	}
	runONNX(t, append(m.runs, v.runs...))
}

// TestONNXErrors: what cannot be is an error that says what to do.
func TestONNXErrors(t *testing.T) {
	src := waves(40, 30, 12, 10)
	m := exported(t, config(t, "fc12"), src)
	if _, err := m.run.ONNX(ONNXOptions{Part: "half"}); err == nil || !strings.Contains(err.Error(), `unknown part "half"`) {
		t.Errorf("error %v", err)
	}
	other := exported(t, config(t, "fc3"), src)
	if _, err := m.run.ONNX(ONNXOptions{Part: ONNXScorer, Detector: other.detect}); !errors.Is(err, ErrOtherModel) {
		t.Errorf("error %v", err)
	}
	if err := os.Remove(m.run.Path(DetectorFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := m.run.ONNX(ONNXOptions{Part: ONNXScorer}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "fit one") {
		t.Errorf("error %v", err)
	}
	if _, err := m.run.ONNX(ONNXOptions{Part: ONNXScorer, Detector: m.detect}); err != nil {
		t.Errorf("error %v", err)
	}
	if _, err := ProgramONNX(nil, nil, ONNXWhole); err == nil {
		t.Error("no program, and no error")
	}
}
