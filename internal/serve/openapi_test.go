package serve_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/legacy"

	"aegis/internal/serve"
)

// TestDocument: the document of the API is one, and describes real requests and
// their answers.
func TestDocument(t *testing.T) {
	openapi3filter.RegisterBodyDecoder(inNPY, openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.FileBodyDecoder)
	all := models(t)
	s := server(t, serve.Options{}, all...)
	document, err := openapi3.NewLoader().LoadFromData(call(s, http.MethodGet, "/openapi.json", "", "", nil).Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	router, err := legacy.NewRouter(document)
	if err != nil {
		t.Fatal(err)
	}
	two, table := map[string]any{"rows": arrays(images(t, 2))}, map[string]any{"rows": arrays(lines(t, 2)), "reasons": true}
	labelled := map[string]any{"rows": arrays(images(t, 2)), "labels": []int{1, 2}}
	used := map[string]bool{}
	for _, c := range []struct {
		method, path, kind, accept string
		body                       []byte
		code                       int
	}{
		{"GET", "/", "", "", nil, 200},
		{"GET", "/healthz", "", "", nil, 200},
		{"GET", "/readyz", "", "", nil, 200},
		{"GET", "/metrics", "", "", nil, 200},
		{"GET", "/openapi.json", "", "", nil, 200},
		{"GET", "/v1/models", "", "", nil, 200},
		{"GET", "/v1/models/digits", "", "", nil, 200},
		{"GET", "/v1/models/window", "", "", nil, 200},
		{"GET", "/v1/models/table", "", "", nil, 200},
		{"GET", "/v1/models/cvae", "", "", nil, 200},
		{"GET", "/models/digits/explorer", "", "", nil, 200},
		{"POST", "/v1/models/digits/encode", inJSON, "", text(t, two), 200},
		{"POST", "/v1/models/digits/encode", inNPY, inNPY, array(images(t, 2)), 200},
		{"POST", "/v1/models/digits/reconstruct", inJSON, "", text(t, two), 200},
		{"POST", "/v1/models/digits/denoise", inJSON, "", text(t, map[string]any{"rows": two["rows"], "corrupt": "mask:0.3", "seed": 3}), 200},
		{"POST", "/v1/models/digits/denoise?corrupt=mask:0.3", inNPY, inNPY, array(images(t, 2)), 200},
		{"POST", "/v1/models/digits/decode", inJSON, "", text(t, map[string]any{"codes": [][]int{make([]int, 12)}}), 200},
		{"POST", "/v1/models/digits/detect", inJSON, "", text(t, map[string]any{"rows": two["rows"], "heat": true}), 200},
		{"POST", "/v1/models/digits/detect?heat=true", inNPY, inNPY, array(images(t, 2)), 200},
		{"POST", "/v1/models/table/detect", inJSON, "", text(t, table), 200},
		{"POST", "/v1/models/table/detect", inJSON, "", []byte(`{"columns":{"a":[1],"b":[2],"kind":["x"]}}`), 200},
		{"POST", "/v1/models/window/detect", inJSON, "", text(t, map[string]any{"rows": arrays(lines(t, 9))}), 200},
		{"POST", "/v1/models/cvae/encode", inJSON, "", text(t, labelled), 200},
		{"POST", "/v1/models/cvae/encode?labels=1,2", inNPY, "", array(images(t, 2)), 200},
		{"POST", "/v1/models/cvae/generate", inJSON, "", []byte(`{"count":2,"seed":3,"class":"4","codes":true}`), 200},
		{"POST", "/v1/models/cvae/generate", inJSON, "", []byte(`{"count":2,"class":300}`), 400},
		{"POST", "/v1/models/digits/encode", inJSON, "", []byte(`{"rows":[[1]]}`), 400},
		{"POST", "/v1/models/digits/encode", inJSON, "", []byte(`{"row":[]}`), 400},
		{"POST", "/v1/models/cvae/encode", inJSON, "", text(t, two), 400},
		{"POST", "/v1/models/digits/encode", inNPY, "", []byte("x"), 400},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, "http://localhost"+c.path, bytes.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.kind != "" {
			r.Header.Set("Content-Type", c.kind)
		}
		route, parameters, err := router.FindRoute(r)
		if err != nil {
			t.Errorf("%s %s: %v", c.method, c.path, err)
			continue
		}
		used[c.method+route.Path] = true
		in := &openapi3filter.RequestValidationInput{Request: r, PathParams: parameters, Route: route}
		if err := openapi3filter.ValidateRequest(context.Background(), in); (err == nil) != (c.code == 200) && c.kind != inNPY {
			t.Errorf("%s %s: request of status %d: %v", c.method, c.path, c.code, err)
		}
		w := call(s, c.method, c.path, c.kind, c.accept, c.body)
		if w.Code != c.code {
			t.Errorf("%s %s: %d %s; want %d", c.method, c.path, w.Code, w.Body, c.code)
		}
		err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: in, Status: w.Code, Header: w.Header(), Body: io.NopCloser(w.Body),
			Options: &openapi3filter.Options{IncludeResponseStatus: true},
		})
		if err != nil {
			t.Errorf("%s %s: answer: %v", c.method, c.path, err)
		}
	}
	for path, item := range document.Paths.Map() {
		for method := range item.Operations() {
			if !used[method+path] && strings.HasPrefix(path, "/v1/models/digits") {
				t.Errorf("%s %s is described and was not asked", method, path)
			}
		}
	}
}
