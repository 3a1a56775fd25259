package serve_test

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"testing"

	"aegis/data"
	"aegis/internal/serve"
)

// seeds are bodies to begin with.
var seeds = []string{
	`{"rows":[[1,2,0,1],[3.5,-4e-1,1,0]]}`, `{"rows":[{"a":1,"b":null,"kind":"x"}]}`, `{"columns":{"a":[1],"b":[2],"kind":["y"]}}`,
	`{"codes":[[1,2]]}`, `{"count":2,"seed":18446744073709551615,"codes":true}`, `{"rows":[[1,2,3,4]],"reasons":true,"heat":false}`,
	`{"rows":[]}`, `{"rows":[["a"]]}`, `{"rows":["AAAA"]}`, `{"\u0072ows":[[1,2,3,4]]}`, `{"labels":[0,"x"]}`, "\x93NUMPY\x01\x00", `[]`, `{`, `{"rows":[[01]]}`,
}

// FuzzJSON: the parser takes no body that encoding/json does not, and of rows of
// numbers it makes the same ones.
func FuzzJSON(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	m := opened(f, "fc12", table)
	s := server(f, serve.Options{MaxRows: 100}, serve.Model{Name: "table", Model: m})
	f.Fuzz(func(t *testing.T, body []byte) {
		w := call(s, http.MethodPost, "/v1/models/table/encode", inJSON, inNPY, body)
		var asked struct{ Rows [][]float64 }
		err := json.Unmarshal(body, &asked)
		if w.Code == http.StatusOK && !json.Valid(body) {
			t.Fatalf("taken, and no JSON: %v", err)
		}
		if w.Code != http.StatusOK || err != nil || bytes.Contains(body, []byte("columns")) {
			return
		}
		var values []float32
		for _, row := range asked.Rows {
			for _, v := range row {
				values = append(values, float32(v))
			}
		}
		rows, err := data.Vectors(values, 4)
		if err != nil {
			return
		}
		want, err := m.Encode(t.Context(), rows)
		if err != nil {
			t.Fatal(err)
		}
		got, err := data.ReadNPY(w.Body, "answer")
		if err != nil || len(got.Floats) != len(want) {
			t.Fatalf("%d codes; want %d: %v", len(got.Floats), len(want), err)
		}
		for i, v := range want {
			if math.Float32bits(v) != math.Float32bits(got.Floats[i]) {
				t.Fatalf("code %d is %v; want %v", i, got.Floats[i], v)
			}
		}
	})
}

// FuzzRequest: whatever comes is answered, with JSON where it is an error, and is no
// fault of the server's.
func FuzzRequest(f *testing.F) {
	paths := []string{"/v1/models/table/encode", "/v1/models/table/decode", "/v1/models/table/detect", "/v1/models/window/detect", "/v1/models/digits/denoise", "/v1/models/cvae/generate", "/v1/models/cvae/encode"}
	for i, seed := range seeds {
		f.Add(uint8(i), i%2 == 0, "", []byte(seed))
	}
	f.Add(uint8(4), true, "corrupt=gaussian:0.5&seed=3", array(images(f, 1)))
	s := server(f, serve.Options{MaxRows: 64, MaxBody: 1 << 16}, models(f)...)
	f.Fuzz(func(t *testing.T, path uint8, npy bool, query string, body []byte) {
		r, err := http.NewRequest(http.MethodPost, "http://localhost"+paths[int(path)%len(paths)], bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.URL.RawQuery = query
		kind := inJSON
		if npy {
			kind = inNPY
		}
		r.Header.Set("Content-Type", kind)
		w := recorded(s, r)
		if w.Code >= http.StatusInternalServerError && w.Code != http.StatusServiceUnavailable {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("no JSON: %s", w.Body)
		}
	})
}
