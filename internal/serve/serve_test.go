package serve_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"aegis/data"
	"aegis/data/philox"
	"aegis/internal/detect"
	"aegis/internal/infer"
	"aegis/internal/run"
	"aegis/internal/serve"
	"aegis/internal/vm"
	"aegis/internal/vm/cpu"
	"aegis/model"
	"aegis/model/program"
)

func onCPU(p *program.Program, params vm.Params) (vm.Runner, error) {
	return cpu.OpenRunner(p, 0, params, cpu.Options{Threads: 2})
}

// opened is a preset's model with the parameters of a seed.
func opened(t testing.TB, preset string, bend func(s *model.Spec)) *infer.Model {
	t.Helper()
	spec, err := model.Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	spec.Image = [3]int{1, 28, 28}
	bend(&spec)
	p, err := spec.Program()
	if err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := run.EncodeTensors(&file, p.Start(1).Tensors, map[string]string{"config": string(config)}); err != nil {
		t.Fatal(err)
	}
	m, err := infer.LoadBytes(file.Bytes(), onCPU)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// images are n rows of bytes.
func images(t testing.TB, n int) data.Rows {
	t.Helper()
	pixels := make([]byte, n*784)
	stream := philox.Stream{Seed: 7, Purpose: philox.For("serve/test")}
	for i := range pixels {
		pixels[i] = byte(stream.Uint32(0, 0, uint32(i)))
	}
	rows, err := data.Images(pixels, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// lines are n rows of the table below.
func lines(t testing.TB, n int) data.Rows {
	t.Helper()
	values := make([]float32, n*4)
	for i := range n {
		a := float32(math.Sin(float64(i)))
		copy(values[4*i:], []float32{10 + a, 20 - 2*a, 0, 0})
		values[4*i+2+i%2] = 1
	}
	rows, err := data.Vectors(values, 4)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func table(s *model.Spec) {
	fill := 20.0
	s.Image, s.Hidden, s.Latent, s.Output = [3]int{0, 0, 4}, []int{3}, 2, "identity"
	s.Scaling = &data.Scaling{Kind: data.ScaleStandard, Shift: []float32{10, 20, .5, .5}, Factor: []float32{1, .5, 2, 2}}
	s.Form.Table = &data.TableForm{Fields: []data.Field{{Name: "a"}, {Name: "b", Fill: &fill}, {Name: "kind", Categories: []string{"x", "y"}}}}
}

func window(s *model.Spec) {
	table(s)
	s.Image[2], s.Form.Table.Window, s.Form.Table.Step = 12, 3, 1
	s.Scaling.Shift, s.Scaling.Factor = slices.Repeat(s.Scaling.Shift, 3), slices.Repeat(s.Scaling.Factor, 3)
}

func fitted(t testing.TB, m *infer.Model, rows data.Rows) *detect.Detector {
	t.Helper()
	d, err := detect.Fit(t.Context(), m, data.NewReader(data.Set{Rows: rows}), detect.FitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// models are one of each kind.
func models(t testing.TB) []serve.Model {
	t.Helper()
	digits := opened(t, "fc12", func(*model.Spec) {})
	tables, windows := opened(t, "fc12", table), opened(t, "fc12", window)
	classes := opened(t, "cvae", func(s *model.Spec) { s.Classes = 10 })
	return []serve.Model{
		{Name: "digits", Model: digits, Detector: fitted(t, digits, images(t, 50)), Explorer: func(context.Context) ([]byte, error) { return []byte("<!doctype html>"), nil }},
		{Name: "table", Model: tables, Detector: fitted(t, tables, lines(t, 200))},
		{Name: "window", Model: windows, Detector: fitted(t, windows, lines(t, 200))},
		{Name: "cvae", Model: classes},
	}
}

func server(t testing.TB, o serve.Options, models ...serve.Model) *serve.Server {
	t.Helper()
	s, err := serve.New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range models {
		if err := s.Add(m); err != nil {
			t.Fatal(err)
		}
	}
	s.Ready()
	return s
}

// call sends a request to a handler.
func call(s http.Handler, method, path, kind, accept string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", kind)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	return recorded(s, r)
}

func recorded(s http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

const (
	inJSON = "application/json"
	inNPY  = "application/x-npy"
)

// text writes a value as JSON.
func text(t testing.TB, value any) []byte {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// arrays are rows as JSON has them.
func arrays(rows data.Rows) (all [][]float64) {
	for i := range rows.N {
		row := make([]float64, rows.Size())
		for j := range row {
			if rows.IsBytes() {
				row[j] = float64(rows.ByteRow(i)[j])
			} else {
				row[j] = float64(rows.FloatRow(i)[j])
			}
		}
		all = append(all, row)
	}
	return all
}

// array is rows as a .npy file.
func array(rows data.Rows) []byte {
	kind, dims := "<f4", fmt.Sprint(rows.W)
	if rows.IsBytes() {
		kind, dims = "|u1", fmt.Sprintf("%d, %d", rows.H, rows.W)
	}
	head := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%d, %s), }\n", kind, rows.N, dims)
	file := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(head)))
	return append(append(file, head...), rows.Memory()...)
}

// reply is what operations answer.
type reply struct {
	Rows, Codes [][]float32
	Scores      []float64
	Anomalous   []bool
	Threshold   float64
	Reasons     [][]struct {
		Column int
		Name   string
	}
	Heat  [][][]float32
	Error string
}

func (r reply) flat(rows [][]float32) []float32 { return slices.Concat(rows...) }

func asked(t testing.TB, s http.Handler, path, kind string, body []byte) (r reply) {
	t.Helper()
	w := call(s, http.MethodPost, path, kind, "", body)
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
		t.Fatalf("%s: %d %v: %s", path, w.Code, err, w.Body)
	}
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, w.Code, r.Error)
	}
	return r
}

// TestSame: answers have the bits of the package, by JSON and by arrays.
func TestSame(t *testing.T) {
	all := models(t)
	s := server(t, serve.Options{BatchRows: 16}, all...)
	ctx := t.Context()
	for _, c := range []struct {
		model serve.Model
		rows  data.Rows
	}{{all[0], images(t, 70)}, {all[1], lines(t, 70)}} {
		m, base := c.model.Model, "/v1/models/"+c.model.Name
		for kind, body := range map[string][]byte{inJSON: text(t, map[string]any{"rows": arrays(c.rows)}), inNPY: array(c.rows)} {
			codes, err := m.Encode(ctx, c.rows)
			if err != nil {
				t.Fatal(err)
			}
			got := asked(t, s, base+"/encode", kind, body)
			if !slices.Equal(got.flat(got.Codes), codes) {
				t.Errorf("%s by %s: other codes", c.model.Name, kind)
			}
			rebuilt, err := m.Reconstruct(ctx, c.rows)
			if err != nil {
				t.Fatal(err)
			}
			for _, operation := range []string{"/reconstruct", "/denoise"} {
				if got := asked(t, s, base+operation, kind, body); !slices.Equal(got.flat(got.Rows), rebuilt) {
					t.Errorf("%s by %s: other rows of %s", c.model.Name, kind, operation)
				}
			}
			if got := asked(t, s, base+"/decode", inJSON, text(t, map[string]any{"codes": got.Codes})); !slices.Equal(got.flat(got.Rows), rebuilt) {
				t.Errorf("%s: other rows of decode", c.model.Name)
			}
			scores, err := c.model.Detector.Scores(ctx, m, c.rows)
			if err != nil {
				t.Fatal(err)
			}
			got = asked(t, s, base+"/detect", kind, body)
			if !slices.Equal(got.Scores, scores) || got.Anomalous[3] != (scores[3] > c.model.Detector.Threshold.Value) {
				t.Errorf("%s by %s: other scores", c.model.Name, kind)
			}
			w := call(s, http.MethodPost, base+"/encode", kind, inNPY, body)
			if back, err := data.ReadNPY(w.Body, "answer"); err != nil || !slices.Equal(back.Floats, codes) {
				t.Errorf("%s by %s: array of codes: %v", c.model.Name, kind, err)
			}
		}
	}
}

// TestForms: a row is the same in each form that it can have.
func TestForms(t *testing.T) {
	all := models(t)
	s := server(t, serve.Options{}, all...)
	digit := images(t, 1)
	nested := make([][]byte, 28)
	img := image.NewGray(image.Rect(0, 0, 28, 28))
	copy(img.Pix, digit.Bytes)
	var picture bytes.Buffer
	if err := png.Encode(&picture, img); err != nil {
		t.Fatal(err)
	}
	whole := make([][]int, 28)
	for y := range nested {
		for _, v := range digit.Bytes[28*y:][:28] {
			whole[y] = append(whole[y], int(v))
		}
	}
	three := lines(t, 3)
	for path, bodies := range map[string][]any{
		"/v1/models/digits/encode": {
			map[string]any{"rows": arrays(digit)},
			map[string]any{"rows": []any{whole}},
			map[string]any{"rows": []any{base64.StdEncoding.EncodeToString(picture.Bytes())}},
			map[string]any{"rows": []any{"data:image/png;base64," + base64.StdEncoding.EncodeToString(picture.Bytes())}},
		},
		"/v1/models/table/encode": {
			map[string]any{"rows": []any{[]any{1.5, 20, 0, 1}}},
			map[string]any{"rows": []any{map[string]any{"a": 1.5, "b": nil, "kind": "y"}}},
			map[string]any{"rows": []any{map[string]any{"a": 1.5, "kind": "y"}}},
			map[string]any{"columns": map[string]any{"a": []any{1.5}, "b": []any{20}, "kind": []any{"y"}}},
		},
		"/v1/models/window/encode": {
			map[string]any{"rows": [][]float32{three.Floats}},
			map[string]any{"rows": []any{arrays(three)}},
			map[string]any{"rows": []any{[]any{
				map[string]any{"a": three.Floats[0], "b": three.Floats[1], "kind": "x"},
				map[string]any{"a": three.Floats[4], "b": three.Floats[5], "kind": "y"},
				map[string]any{"a": three.Floats[8], "b": three.Floats[9], "kind": "x"},
			}}},
		},
	} {
		first := asked(t, s, path, inJSON, text(t, bodies[0]))
		for i, body := range bodies[1:] {
			if got := asked(t, s, path, inJSON, text(t, body)); !slices.Equal(got.Codes[0], first.Codes[0]) {
				t.Errorf("%s, form %d: %v; want %v", path, i+1, got.Codes, first.Codes)
			}
		}
	}
}

// TestDetectMore: reasons, heat and lines.
func TestDetectMore(t *testing.T) {
	all := models(t)
	s := server(t, serve.Options{}, all...)
	got := asked(t, s, "/v1/models/table/detect", inJSON, []byte(`{"reasons":true,"rows":[[10,20,0,1],[10,2000,0,1]]}`))
	if !got.Anomalous[1] || len(got.Reasons) != 2 || got.Reasons[1][0].Name != "b" {
		t.Errorf("reasons: %+v", got)
	}
	got = asked(t, s, "/v1/models/digits/detect", inJSON, text(t, map[string]any{"heat": true, "rows": arrays(images(t, 2))}))
	if len(got.Heat) != 2 || len(got.Heat[0]) != 28 || len(got.Heat[0][0]) != 28 {
		t.Errorf("heat of %d images", len(got.Heat))
	}
	var want []float64
	rows := lines(t, 9)
	err := all[2].Detector.Lines(t.Context(), all[2].Model, data.NewReader(data.Set{Rows: rows}), func(_ int, f detect.Finding) error {
		want = append(want, f.Score)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := asked(t, s, "/v1/models/window/detect", inJSON, text(t, map[string]any{"rows": arrays(rows)})); !slices.Equal(got.Scores, want) {
		t.Errorf("scores of lines %v; want %v", got.Scores, want)
	}
}

// TestGenerate: rows of a prior, of a class, and of a model that has none.
func TestGenerate(t *testing.T) {
	all := models(t)
	s := server(t, serve.Options{}, all...)
	got := asked(t, s, "/v1/models/cvae/generate", inJSON, []byte(`{"count":3,"seed":5,"class":7,"codes":true}`))
	want, err := all[3].Model.Prior(3, 5)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := all[3].Model.Decode(t.Context(), want, 7, 7, 7)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.flat(got.Codes), want) || !slices.Equal(got.flat(got.Rows), rows) {
		t.Error("other codes or rows")
	}
	if w := call(s, http.MethodPost, "/v1/models/digits/generate", inJSON, "", []byte(`{"count":3}`)); w.Code != http.StatusNotFound {
		t.Errorf("a plain model generates: %d %s", w.Code, w.Body)
	}
}

// TestErrors: each mistake has its status, and a word that helps.
func TestErrors(t *testing.T) {
	s := server(t, serve.Options{MaxRows: 3, MaxBody: 20000, MaxWaiting: 1}, models(t)...)
	good := text(t, map[string]any{"rows": arrays(images(t, 1))})
	many := array(images(t, 4))
	for name, c := range map[string]struct {
		method, path, kind, accept, body string
		code                             int
		want                             string
	}{
		"model":        {"POST", "/v1/models/x/encode", inJSON, "", "{}", 404, `no model \"x\"`},
		"path":         {"GET", "/v2", "", "", "", 404, "openapi"},
		"operation":    {"POST", "/v1/models/digits/train", inJSON, "", "{}", 404, "no operation"},
		"method":       {"GET", "/v1/models/digits/encode", "", "", "", 405, "want POST"},
		"get":          {"POST", "/v1/models", inJSON, "", "{}", 405, "want GET"},
		"type":         {"POST", "/v1/models/digits/encode", "text/plain", "", string(good), 415, "application/x-npy"},
		"accept":       {"POST", "/v1/models/digits/encode", inJSON, "text/csv", string(good), 406, "text/csv"},
		"detector":     {"POST", "/v1/models/cvae/detect", inJSON, "", "{}", 404, "no detector"},
		"not JSON":     {"POST", "/v1/models/digits/encode", inJSON, "", "rows", 400, "byte 0: want an object"},
		"empty":        {"POST", "/v1/models/digits/encode", inJSON, "", "", 400, "the end"},
		"no rows":      {"POST", "/v1/models/digits/encode", inJSON, "", "{}", 400, "no rows"},
		"unknown":      {"POST", "/v1/models/digits/encode", inJSON, "", `{"row":[]}`, 400, `unknown field \"row\"; encode takes rows, columns, labels`},
		"twice":        {"POST", "/v1/models/digits/encode", inJSON, "", `{"rows":[],"rows":[]}`, 400, "twice"},
		"short":        {"POST", "/v1/models/digits/encode", inJSON, "", `{"rows":[[1,2]]}`, 400, "want 784 values, got 2"},
		"long":         {"POST", "/v1/models/table/encode", inJSON, "", `{"rows":[[1,2,3,4,5]]}`, 400, "want 4 values, got more"},
		"pixel":        {"POST", "/v1/models/digits/encode", inJSON, "", `{"rows":[[256]]}`, 400, "0 to 255"},
		"NaN":          {"POST", "/v1/models/table/encode", inJSON, "", `{"rows":[[NaN,2,3,4]]}`, 400, "want a number"},
		"huge":         {"POST", "/v1/models/table/encode", inJSON, "", `{"rows":[[1e39,2,3,4]]}`, 400, "float32"},
		"null":         {"POST", "/v1/models/table/encode", inJSON, "", `{"rows":[{"a":null,"b":1,"kind":"x"}]}`, 400, "missing value"},
		"category":     {"POST", "/v1/models/table/encode", inJSON, "", `{"rows":[{"a":1,"b":1,"kind":"z"}]}`, 400, "unknown category"},
		"column":       {"POST", "/v1/models/table/encode", inJSON, "", `{"rows":[{"c":1}]}`, 400, "unknown column"},
		"left out":     {"POST", "/v1/models/table/encode", inJSON, "", `{"rows":[{"b":1,"kind":"x"}]}`, 400, "no value of column"},
		"uneven":       {"POST", "/v1/models/table/encode", inJSON, "", `{"columns":{"a":[1,2],"b":[1],"kind":["x","x"]}}`, 400, "want 2 as in those before"},
		"behind":       {"POST", "/v1/models/digits/encode", inJSON, "", `{"rows":[]}x`, 400, "want the end"},
		"rows":         {"POST", "/v1/models/digits/encode", inNPY, "", string(many), 413, "4 rows; want at most 3"},
		"body":         {"POST", "/v1/models/digits/encode", inJSON, "", strings.Repeat(" ", 20001), 413, "20000"},
		"npy":          {"POST", "/v1/models/digits/encode", inNPY, "", "\x93NUMPY", 400, "the body"},
		"labels":       {"POST", "/v1/models/cvae/encode", inJSON, "", string(good), 400, "labels"},
		"label":        {"POST", "/v1/models/cvae/encode", inJSON, "", strings.Replace(string(good), "{", `{"labels":[10],`, 1), 400, "classes 0 to 9"},
		"no labels":    {"POST", "/v1/models/digits/encode", inJSON, "", strings.Replace(string(good), "{", `{"labels":[1],`, 1), 400, "reads none"},
		"noise":        {"POST", "/v1/models/digits/denoise", inJSON, "", strings.Replace(string(good), "{", `{"corrupt":"fog",`, 1), 400, "fog"},
		"count":        {"POST", "/v1/models/cvae/generate", inJSON, "", `{"count":4}`, 413, "at most 3"},
		"heat":         {"POST", "/v1/models/table/detect", inJSON, "", `{"heat":true,"rows":[[1,2,3,4]]}`, 400, "heat of vectors"},
		"query":        {"POST", "/v1/models/digits/encode?a=1", inNPY, "", string(array(images(t, 1))), 400, "unknown field"},
		"encoding":     {"POST", "/v1/models/digits/encode?a=%zz", inNPY, "", string(array(images(t, 1))), 400, "parameters"},
		"nested wrong": {"POST", "/v1/models/digits/encode", inJSON, "", `{"rows":[[[1],[2]]]}`, 400, "arrays of [28 28]"},
		"deep":         {"POST", "/v1/models/digits/encode", inJSON, "", `{"rows":` + strings.Repeat("[", 9000), 400, "want"},
	} {
		w := call(s, c.method, c.path, c.kind, c.accept, []byte(c.body))
		var got map[string]string
		err := json.Unmarshal(w.Body.Bytes(), &got)
		if w.Code != c.code || err != nil || len(got) != 1 || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %d %s; want %d and %q", name, w.Code, w.Body, c.code, c.want)
		}
	}
}

// TestLife: readiness, names, and what is closed.
func TestLife(t *testing.T) {
	all := models(t)
	s, err := serve.New(serve.Options{})
	if err != nil {
		t.Fatal(err)
	}
	code := func(path string) int { return call(s, http.MethodGet, path, "", "", nil).Code }
	if got := []int{code("/healthz"), code("/readyz"), code("/v1/models/digits")}; !slices.Equal(got, []int{200, 503, 503}) {
		t.Errorf("while loading: %v", got)
	}
	if w := call(s, http.MethodGet, "/readyz", "", "", nil); w.Header().Get("Retry-After") == "" {
		t.Errorf("while loading nothing says when to try again: %v", w.Header())
	}
	if err := s.Add(all[0]); err != nil {
		t.Fatal(err)
	}
	for _, m := range []serve.Model{all[0], {Name: "a/b", Model: all[0].Model}, {Name: "other", Model: all[1].Model, Detector: all[0].Detector}, {Name: "none"}} {
		if err := s.Add(m); err == nil {
			t.Errorf("%s was added", m.Name)
		}
	}
	s.Ready()
	for _, path := range []string{"/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/models", "/v1/models/digits", "/models/digits/explorer"} {
		if got := code(path); got != 200 {
			t.Errorf("%s: %d", path, got)
		}
	}
	s.Stopping()
	if got := []int{code("/readyz"), code("/v1/models/digits")}; !slices.Equal(got, []int{503, 200}) {
		t.Errorf("stopping: %v", got)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if got := code("/healthz"); got != 503 {
		t.Errorf("closed: %d", got)
	}
}
