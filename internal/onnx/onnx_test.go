package onnx

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	gt "gorgonia.org/tensor"

	"aegis/data"
	"aegis/internal/detect"
	"aegis/model"
	"aegis/model/op"
	"aegis/model/program"
)

// drawn gives parameters values that hang on their names alone; variances are
// above 0.
func drawn(name string, shape []int) (program.Tensor, error) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	t := program.Tensor{Shape: shape, Data: make([]float32, program.Size(shape))}
	for i := range t.Data {
		t.Data[i] = float32(math.Sin(float64(h.Sum32()%1000) + float64(i)))
		if strings.HasSuffix(name, "var") {
			t.Data[i] = 1 + t.Data[i]*t.Data[i]
		}
	}
	return t, nil
}

// described is a model of a preset, bent, and its detector.
func described(t testing.TB, preset string, bend func(s *model.Spec)) Model {
	t.Helper()
	s, err := model.Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	s.Image = [3]int{1, 12, 10}
	if s.Condition != "" {
		s.Classes = 4
	}
	for i, width := range s.Hidden {
		s.Hidden[i] = min(width, 20) // the widths are of no matter here
	}
	if bend != nil {
		bend(&s)
	}
	p, err := s.Forward()
	if err != nil {
		t.Fatal(err)
	}
	d := &detect.Detector{Version: 1, Model: "m", Formula: detect.Smoothed, FullHeat: 1, Threshold: detect.Threshold{Value: 0.5, How: detect.ByHand}}
	switch size := p.Row.W; {
	case p.Row.IsVector():
		d.Formula, d.Center, d.Scale = detect.Standardised, make([]float64, size), slices.Repeat([]float64{2}, size)
	case s.Variational():
		d.Formula, d.FullHeat = detect.Likelihood, 1
	}
	d.Words = d.Formula.Words()
	return Model{Program: p, Params: drawn, Version: "1.2.3", Spec: s, Fingerprint: "m", Detector: d}
}

// columns makes a spec one of vectors of a table's fields.
func columns(fields ...data.Field) func(s *model.Spec) {
	return func(s *model.Spec) {
		form := data.TableForm{Fields: fields}
		width := len(form.Columns())
		s.Image, s.Output = [3]int{0, 0, width}, "identity"
		s.Form = data.Form{Table: &form}
		s.Scaling = &data.Scaling{Kind: data.ScaleStandard, Shift: make([]float32, width), Factor: slices.Repeat([]float32{2}, width)}
	}
}

// all are models of all kinds, by their names.
func all(t testing.TB) map[string]Model {
	fill := 3.0
	models := map[string]Model{
		"one pixel": described(t, "fc12", func(s *model.Spec) { s.Image, s.Latent = [3]int{1, 1, 1}, 1 }),
		"one line":  described(t, "conv", func(s *model.Spec) { s.Image, s.Latent = [3]int{3, 1, 17}, 1 }),
		"odd":       described(t, "conv", func(s *model.Spec) { s.Image, s.Hidden = [3]int{2, 11, 13}, []int{2, 3, 4, 5} }),
		"norm":      described(t, "conv", func(s *model.Spec) { s.BatchNorm = true }),
		"topk":      described(t, "fc128", func(s *model.Spec) { s.Sparse, s.Latent = "topk:5", 20 }),
		"conv topk": described(t, "conv", func(s *model.Spec) { s.Sparse = "topk:5" }),
		"learned":   described(t, "vae", func(s *model.Spec) { s.Likelihood = model.GaussianLearned }),
		"own scale": described(t, "vae", func(s *model.Spec) {
			s.Scaling = &data.Scaling{Kind: data.ScaleMinMax, Pixels: data.Range{Hi: 1}, Shift: []float32{1}, Factor: []float32{2}}
		}),
		"numbers":    described(t, "table", columns(data.Field{Name: "a", Fill: &fill}, data.Field{Name: "b"})),
		"categories": described(t, "table", columns(data.Field{Name: "a"}, data.Field{Name: "k", Categories: []string{"x", "y"}, Fill: new(float64)}, data.Field{Name: "b", Fill: &fill})),
		"texts":      described(t, "table", columns(data.Field{Name: "k", Categories: []string{"x"}}, data.Field{Name: "rows", Categories: []string{"", "é"}})),
		"5000 columns": described(t, "fc3", func(s *model.Spec) {
			var fields []data.Field
			for i := range 5000 {
				fields = append(fields, data.Field{Name: fmt.Sprint("c", i)})
			}
			columns(fields...)(s)
			s.Hidden = []int{4}
		}),
		"own program": {Program: own(), Params: drawn},
	}
	for _, s := range model.Presets() {
		models[s.Model] = described(t, s.Model, nil)
	}
	for _, kind := range op.Kinds() {
		models["activation "+string(kind)] = described(t, "fc12", func(s *model.Spec) { s.Activation = string(kind) })
	}
	windows := columns(data.Field{Name: "a"}, data.Field{Name: "k", Categories: []string{"x", "y"}})
	w := described(t, "fc3", func(s *model.Spec) {
		windows(s)
		s.Form.Table.Window, s.Form.Table.Step, s.Image[2] = 4, 3, 12
		s.Scaling = &data.Scaling{Kind: data.ScaleNone}
	})
	models["windows"] = w
	lines := *w.Detector
	lines.OfLines = true
	w.Detector = &lines
	models["lines"] = w
	return models
}

// own is a program of the ops that no model of a spec has.
func own() *program.Program {
	p := &program.Program{Name: "own", Row: data.Shape{W: 6}, Code: 6, Scaling: data.Scaling{Kind: data.ScaleNone}, Params: []program.Param{{Name: "score", Shape: []int{6, 6}}, {Name: "b", Shape: []int{6}}}}
	p.Forward = func(part program.Part, batch int) (*program.Graph, error) {
		g := G.NewGraph()
		x := G.NewTensor(g, gt.Float32, 2, G.WithShape(batch, 6), G.WithName("x"))
		w := G.NewTensor(g, gt.Float32, 2, G.WithShape(6, 6), G.WithName("score"))
		b := G.NewTensor(g, gt.Float32, 1, G.WithShape(6), G.WithName("b"))
		y := G.Must(op.Linear(x, w, b, op.Activation{Kind: op.Exp, Alpha: 0.5}))
		y = G.Must(op.Lerp(x, G.Must(op.Add(x, G.Must(op.Mul(x, G.Must(op.Clamp(y, -1, 2)))))), 0.25))
		y = G.Must(op.Scale(y, 3))
		kind := program.InputRows
		if part == program.Decode {
			kind = program.InputCodes
		}
		return &program.Graph{ExprGraph: g, Inputs: []program.Input{{Node: x, Kind: kind}}, Params: G.Nodes{w, b}, Outputs: []program.Output{{Name: "y", Node: y}}}, nil
	}
	return p
}

// written are the files of all parts of a model.
func written(t *testing.T, m Model) map[Part]*File {
	t.Helper()
	files := make(map[Part]*File)
	for _, part := range Parts() {
		if m.Detector == nil && part == Scorer {
			continue
		}
		f, err := New(m, part)
		if err != nil {
			t.Fatalf("%s: %v", part, err)
		}
		files[part] = f
	}
	return files
}

// TestFiles holds every file to the rules of the format: names are there before
// they are read, and once; constants have as many values as their shape; all that
// is made is read; the bytes are the same again.
func TestFiles(t *testing.T) {
	for name, m := range all(t) {
		t.Run(name, func(t *testing.T) {
			again := written(t, m)
			for part, f := range written(t, m) {
				if err := sound(f); err != nil {
					t.Errorf("%s: %v", part, err)
				}
				var a, b bytes.Buffer
				if err := f.Write(&a); err != nil {
					t.Fatal(err)
				}
				if err := again[part].Write(&b); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
					t.Errorf("%s: other bytes at a second time; error %v", part, err)
				}
			}
		})
	}
}

// sound says what is wrong with a file.
func sound(f *File) error {
	known, read := make(map[string]bool), make(map[string]bool)
	define := func(name string) error {
		if name == "" || known[name] {
			return fmt.Errorf("%q is there twice", name)
		}
		known[name] = true
		return nil
	}
	for _, v := range f.Inputs {
		if err := define(v.Name); err != nil {
			return err
		}
	}
	for _, c := range f.constants {
		if err := define(c.name); err != nil {
			return err
		}
		width := map[Type]int{Float: 4, Double: 8, Int64: 8}[c.kind]
		if n := program.Size(c.shape); len(c.floats)*4+len(c.raw) != n*width {
			return fmt.Errorf("constant %s of shape %v has %d and %d bytes", c.name, c.shape, 4*len(c.floats), len(c.raw))
		}
	}
	nodes := make(map[string]bool)
	for _, n := range f.nodes {
		if n.name == "" || nodes[n.name] {
			return fmt.Errorf("node %q is there twice", n.name)
		}
		nodes[n.name] = true
		for _, in := range n.in {
			if read[in] = true; !known[in] {
				return fmt.Errorf("node %s reads %q, which is not there", n.name, in)
			}
		}
		for _, out := range n.out {
			if err := define(out); err != nil {
				return err
			}
		}
	}
	for _, v := range f.Outputs {
		if read[v.Name] = true; !known[v.Name] {
			return fmt.Errorf("output %q is not there", v.Name)
		}
	}
	for name := range known {
		if !read[name] {
			return fmt.Errorf("nothing reads %q", name)
		}
	}
	return nil
}

// TestChecker has Debian's package onnx check every file.
func TestChecker(t *testing.T) {
	python := os.Getenv("AEGIS_ONNX_PYTHON")
	if python == "" {
		python = "/usr/bin/python3"
	}
	if err := exec.Command(python, "-c", "import onnx").Run(); err != nil {
		t.Skip("no Python with the package onnx: scripts/onnx-python.sh finds one")
	}
	dir, args := t.TempDir(), []string{filepath.Join("..", "..", "scripts", "onnx_check.py")}
	for name, m := range all(t) {
		for part, f := range written(t, m) {
			path := filepath.Join(dir, fmt.Sprintf("%s %s.onnx", name, part))
			var text bytes.Buffer
			if err := f.Write(&text); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, text.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
			args = append(args, path)
		}
	}
	out, err := exec.Command(python, args...).CombinedOutput()
	if n := bytes.Count(out, []byte(" nodes, ")); err != nil || n != len(args)-1 {
		t.Errorf("%d files of %d are well: %v\n%s", n, len(args)-1, err, out)
	}
}

// TestInterface has the names, types and shapes that a user meets.
func TestInterface(t *testing.T) {
	models := all(t)
	for _, c := range []struct {
		model   string
		part    Part
		in, out string
		nodes   string
	}{
		{model: "fc12", part: Encoder, in: "[rows uint8 (batch, 1, 12, 10)]", out: "[codes float32 (batch, 12)]", nodes: "Cast Mul Add Reshape Gemm Relu Gemm Relu Gemm"},
		{model: "conv", part: Decoder, in: "[codes float32 (batch, 64)]", out: "[rows float32 (batch, 1, 12, 10) bytes uint8 (batch, 1, 12, 10)]", nodes: "Reshape ConvTranspose Relu ConvTranspose Relu ConvTranspose Sigmoid Cast Sub Div Clip Mul Add Floor Cast"},
		{model: "cvae", part: Whole, in: "[rows uint8 (batch, 1, 12, 10) labels int64 (batch)]", out: "[reconstructions float32 (batch, 1, 12, 10) bytes uint8 (batch, 1, 12, 10)]"},
		{model: "norm", part: Encoder, in: "[rows uint8 (batch, 1, 12, 10)]", out: "[codes float32 (batch, 64)]", nodes: "Cast Mul Add Conv BatchNormalization Relu Conv BatchNormalization Relu Conv Reshape"},
		{model: "numbers", part: Scorer, in: "[rows float32 (batch, 2)]", out: "[score float64 (batch) label int64 (batch)]"},
		{model: "categories", part: Encoder, in: "[rows float32 (batch, 2) categories string (batch, 2)]", out: "[codes float32 (batch, 10)]"},
		{model: "windows", part: Whole, in: "[rows float32 (batch, 4, 1) categories string (batch, 4, 1)]", out: "[reconstructions float32 (batch, 4, 3)]"},
		{model: "lines", part: Scorer, in: "[rows float32 (lines, 1) categories string (lines, 1)]", out: "[score float64 (lines) label int64 (lines)]"},
		{model: "topk", part: Encoder, in: "[rows uint8 (batch, 1, 12, 10)]", out: "[codes float32 (batch, 20)]", nodes: "Cast Mul Add Reshape Gemm Relu TopK Shape ConstantOfShape ScatterElements"},
		{model: "activation gelu", part: Encoder, in: "[rows uint8 (batch, 1, 12, 10)]", out: "[codes float32 (batch, 12)]", nodes: "Cast Mul Add Reshape Gemm Div Erf Add Mul Mul Gemm Div Erf Add Mul Mul Gemm"},
	} {
		t.Run(c.model+" "+string(c.part), func(t *testing.T) {
			m := models[c.model]
			if c.model == "categories" {
				m = described(t, "table", columns(data.Field{Name: "a"}, data.Field{Name: "k", Categories: []string{"x"}}, data.Field{Name: "b"}, data.Field{Name: "l", Categories: []string{"x"}}))
			}
			f, err := New(m, c.part)
			if err != nil {
				t.Fatal(err)
			}
			var nodes []string
			for _, n := range f.nodes {
				nodes = append(nodes, n.op)
			}
			in, out, ops := fmt.Sprint(f.Inputs), fmt.Sprint(f.Outputs), strings.Join(nodes, " ")
			if in != c.in || out != c.out || c.nodes != "" && ops != c.nodes {
				t.Errorf("%s → %s by %s; want %s → %s by %s", in, out, ops, c.in, c.out, c.nodes)
			}
		})
	}
}

// TestMetadata has what a file says of itself.
func TestMetadata(t *testing.T) {
	m := all(t)["categories"]
	m.Spec.Form.Classes = []string{"good", "bad"}
	f, err := New(m, Scorer)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, p := range f.properties {
		got[p.key] = p.value
	}
	for key, want := range map[string]string{
		"model": "table", "part": "scorer", "aegis_version": "1.2.3", "fingerprint": "m", "row_shape": "[4]", "classes": `["good","bad"]`,
		"threshold": "0.5", "formula": "standardised", "score": detect.Standardised.Words(), "score_of": "rows",
	} {
		if got[key] != want {
			t.Errorf("%s is %q; want %q", key, got[key], want)
		}
	}
	for key, want := range map[string]string{"table": `"categories":["x","y"]`, "scaling": `"kind":"standard"`} {
		if !strings.Contains(got[key], want) {
			t.Errorf("%s is %q; want %q in it", key, got[key], want)
		}
	}
}

// TestErrors: what a file cannot say is an error that says what to do.
func TestErrors(t *testing.T) {
	m := described(t, "fc12", nil)
	none, other, vectors, wide := m, m, m, m
	none.Detector = nil
	other.Fingerprint = "another"
	d := *m.Detector
	d.Formula, d.Scale, d.Center = detect.Likelihood, nil, nil
	vectors.Detector = &d
	e := *m.Detector
	e.OfLines = true
	wide.Detector = &e
	unknown := Model{Params: drawn, Program: &program.Program{Name: "own", Row: data.Shape{W: 4}, Code: 4, Scaling: data.Scaling{Kind: data.ScaleNone}, Forward: func(_ program.Part, batch int) (*program.Graph, error) {
		g := G.NewGraph()
		x := G.NewTensor(g, gt.Float32, 2, G.WithShape(batch, 4), G.WithName("x"))
		return &program.Graph{ExprGraph: g, Inputs: []program.Input{{Node: x, Kind: program.InputRows}}, Outputs: []program.Output{{Name: "y", Node: G.Must(G.Tanh(x))}}}, nil
	}}}
	lost := m
	lost.Params = func(name string, _ []int) (program.Tensor, error) { return program.Tensor{}, fmt.Errorf("no %s", name) }
	for want, c := range map[string]struct {
		m    Model
		part Part
	}{
		`unknown part "half"; want one of`: {m, "half"},
		"no detector; fit one":             {none, Scorer},
		"of another model; fit one":        {other, Scorer},
		"the likelihood of fc12":           {vectors, Scorer},
		"a detector of lines":              {wide, Scorer},
		"want one of package op":           {unknown, Encoder},
		"no encoder.0.weight":              {lost, Encoder},
		"no program":                       {Model{}, Encoder},
	} {
		if f, err := New(c.m, c.part); err == nil || f != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, error %v; want %q", f, err, want)
		}
	}
	b := newBuilder(&File{}, drawn)
	if _, err := b.activate("x", "y", op.Activation{Kind: "swish"}); err == nil || !strings.Contains(err.Error(), `unknown activation "swish"`) {
		t.Errorf("error %v", err)
	}
}

// TestTooLarge: a file that protobuf has no room for is refused before it is
// written.
func TestTooLarge(t *testing.T) {
	big := &message{size: mostBytes + 1}
	var text bytes.Buffer
	if err := big.write(&text); err == nil || text.Len() != 0 || !strings.Contains(err.Error(), "want at most 2147483647") {
		t.Errorf("%d bytes, error %v", text.Len(), err)
	}
}
