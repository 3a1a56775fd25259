package serve

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"aegis/data"
)

// Bare is a handler that parses the bodies of an operation and writes answers that
// it knows, by the same parser and writer, and does nothing else.
func (s *Server) Bare(name, operation string, rows data.Rows) http.Handler {
	m := s.models[name]
	known := map[string]func(a *answer, kind string){}
	for i := range rows.N {
		row := rows.Slice(i, i+1)
		queue := m.queues[map[string]string{opEncode: opEncode, opReconstruct: opReconstruct, opDetect: workScores}[operation]]
		r, err := queue.run(context.Background(), row, nil)
		if err != nil {
			panic(err)
		}
		known[string(row.Bytes)] = func(a *answer, kind string) {
			switch operation {
			case opEncode:
				a.floats(kind, "codes", r.floats, data.Shape{W: m.info.Code})
			case opDetect:
				a.found(kind, m, &request{}, found{scores: r.scores})
			default:
				a.floats(kind, "rows", r.floats, m.shape)
			}
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		kind := r.Header.Get("Content-Type")
		q, err := m.readRequest(operation, kind, body, url.Values{}, s.options.MaxRows)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		a := newAnswer(w, kind, s.options)
		known[string(q.rows.Bytes)](a, kind)
		a.end()
	})
}
