package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"aegis/data"
	"aegis/internal/detect"
	"aegis/internal/generate"
)

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		WriteError(w, http.StatusServiceUnavailable, "the server is closed")
		return
	}
	defer s.requests.Done()
	e := &exchange{server: s, w: &recorder{ResponseWriter: w}, r: r, began: time.Now(), memory: share{budget: &s.memory}}
	s.metrics.inFlight.Inc()
	defer s.metrics.inFlight.Dec()
	defer e.memory.give()
	defer e.account()
	defer func() {
		if p := recover(); p != nil {
			e.failed(fmt.Errorf("%w: %v", errPanic, p))
		}
	}()
	if r.ContentLength != 0 {
		e.readBy(e.began.Add(s.options.BodyTime))
	}
	if err := e.route(); err != nil {
		e.failed(err)
	}
}

// exchange is a request and its answer.
type exchange struct {
	server *Server
	w      *recorder
	r      *http.Request
	began  time.Time
	memory share

	path  string // the route, as metrics have it
	model string
	rows  int
	err   error
}

// route finds who answers. Paths are those of the document of the API, to the
// letter.
func (e *exchange) route() error {
	path := e.r.URL.Path
	switch path {
	case "/healthz":
		return e.get(path, func() error { writeJSON(e.w, http.StatusOK, map[string]string{"status": "ok"}); return nil })
	case "/readyz":
		return e.get(path, e.readiness)
	case "/metrics":
		return e.get(path, func() error { e.server.metrics.handler.ServeHTTP(e.w, e.r); return nil })
	case "/openapi.json":
		return e.get(path, func() error {
			e.w.Header().Set("Content-Type", typeJSON)
			_, err := e.w.Write(e.server.api())
			return err
		})
	case "/":
		return e.get(path, e.page)
	case "/v1/models":
		return e.get(path, e.list)
	}
	if name, ok := strings.CutSuffix(path, "/explorer"); ok {
		if name, ok = strings.CutPrefix(name, "/models/"); ok {
			return e.of(name, "/models/{name}/explorer", e.explorer)
		}
	}
	rest, ok := strings.CutPrefix(path, "/v1/models/")
	if !ok {
		return refuse(http.StatusNotFound, "no such path; see /openapi.json")
	}
	name, operation, ok := strings.Cut(rest, "/")
	if !ok {
		return e.of(name, "/v1/models/{name}", func(m *served) error {
			return e.get(e.path, func() error { writeJSON(e.w, http.StatusOK, m.info); return nil })
		})
	}
	switch operation {
	case opEncode, opDecode, opReconstruct, opDenoise, opGenerate, opDetect:
		return e.of(name, "/v1/models/{name}/"+operation, func(m *served) error { return e.operate(m, operation) })
	}
	return refuse(http.StatusNotFound, "no operation %q; see /openapi.json", clip(operation))
}

// of finds the model of a route.
func (e *exchange) of(name, path string, do func(m *served) error) error {
	e.path = path
	m, err := e.server.model(name)
	if err != nil {
		return err
	}
	e.model = name
	return do(m)
}

func (e *exchange) get(path string, do func() error) error {
	e.path = path
	if e.r.Method != http.MethodGet && e.r.Method != http.MethodHead {
		e.w.Header().Set("Allow", "GET, HEAD")
		return refuse(http.StatusMethodNotAllowed, "method %s; want GET", clip(e.r.Method))
	}
	return do()
}

func (e *exchange) readiness() error {
	switch {
	case e.server.stopping.Load():
		return refuse(http.StatusServiceUnavailable, "the server is stopping")
	case !e.server.ready.Load():
		return refuse(http.StatusServiceUnavailable, "models are being loaded")
	}
	writeJSON(e.w, http.StatusOK, map[string]string{"status": "ready"})
	return nil
}

func (e *exchange) list() error {
	infos := []info{}
	for _, m := range e.server.all() {
		infos = append(infos, m.info)
	}
	writeJSON(e.w, http.StatusOK, map[string]any{"models": infos})
	return nil
}

func (e *exchange) explorer(m *served) error {
	return e.get(e.path, func() error {
		if m.Explorer == nil {
			return refuse(http.StatusNotFound, "model %s has no explorer", m.Name)
		}
		page, err := m.explorer.get(e.r.Context())
		if err != nil {
			return err
		}
		e.w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, err = e.w.Write(page)
		return err
	})
}

// operate answers an operation.
func (e *exchange) operate(m *served, operation string) error {
	if e.r.Method != http.MethodPost {
		e.w.Header().Set("Allow", "POST")
		return refuse(http.StatusMethodNotAllowed, "method %s; want POST", clip(e.r.Method))
	}
	in, out, err := types(e.r)
	if err != nil {
		return err
	}
	if err := m.has(operation); err != nil {
		return err
	}
	body, err := e.body()
	if err != nil {
		return err
	}
	most := m.mostRows(e.server.options)
	if err := e.memory.take(int64(len(body))); err != nil { // the rows of it
		return err
	}
	query, err := queryOf(e.r)
	if err != nil {
		return err
	}
	q, err := m.readRequest(operation, in, body, query, most)
	if err != nil {
		return err
	}
	e.rows = max(q.rows.N, q.count)
	e.server.metrics.rows.WithLabelValues(m.Name, operation).Add(float64(e.rows))
	if err := e.memory.take(int64(e.rows) * int64(m.shape.Size()) * 4); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(e.r.Context(), e.server.options.Time)
	defer cancel()
	return e.run(ctx, m, operation, q, out)
}

// readBy ends reading at a time, never where it is zero. It holds for what net/http
// reads of a body that a handler left, too.
func (e *exchange) readBy(end time.Time) {
	_ = http.NewResponseController(e.w).SetReadDeadline(end) // in a test's recorder there is none
}

// body reads what the client sends, in the time that it has for it.
func (e *exchange) body() ([]byte, error) {
	o := e.server.options
	body, err := readBody(e.r.Body, e.r.ContentLength, o.MaxBody, &e.memory)
	var known *httpError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		e.w.Header().Set("Connection", "close")
		return nil, refuse(http.StatusRequestTimeout, "the body did not come within %v", o.BodyTime)
	case errors.As(err, &known):
		e.w.Header().Set("Connection", "close") // what is left of the body is not read
		return nil, err
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "the body cannot be read: %v", err)
	}
	if e.r.ContentLength != 0 {
		e.readBy(time.Time{})
	}
	return body, nil
}

// run does the work and answers.
func (e *exchange) run(ctx context.Context, m *served, operation string, q *request, kind string) error {
	switch operation {
	case opEncode:
		r, err := m.queues[opEncode].do(ctx, q.rows, q.labels)
		return e.answer(kind, err, func(a *answer) { a.floats(kind, "codes", r.floats, data.Shape{W: m.info.Code}) })
	case opDetect:
		f, err := m.detect(ctx, q)
		return e.answer(kind, err, func(a *answer) { a.found(kind, m, q, f) })
	case opGenerate:
		codes, labels, err := m.draw(ctx, q)
		if err != nil {
			return err
		}
		r, err := m.queues[opDecode].do(ctx, codes, labels)
		if !q.codes {
			return e.answer(kind, err, func(a *answer) { a.floats(kind, "rows", r.floats, m.shape) })
		}
		return e.answer(kind, err, func(a *answer) {
			if kind == typeNPY {
				a.floats(kind, "", codes.Floats, codes.Shape)
				return
			}
			a.say("{")
			a.rows("rows", r.floats, m.shape.Size())
			a.say(",")
			a.rows("codes", codes.Floats, codes.W)
			a.say("}\n")
		})
	}
	name := opReconstruct
	if operation == opDecode {
		name = opDecode
	}
	r, err := m.queues[name].do(ctx, q.rows, q.labels)
	return e.answer(kind, err, func(a *answer) { a.floats(kind, "rows", r.floats, m.shape) })
}

// answer writes what came of the work.
func (e *exchange) answer(kind string, err error, write func(a *answer)) error {
	if err != nil {
		return err
	}
	a := newAnswer(e.w, kind, e.server.options)
	write(a)
	a.end()
	return nil
}

// failed answers an error, where no answer has begun.
func (e *exchange) failed(err error) {
	e.err = err
	if e.w.code != 0 {
		panic(http.ErrAbortHandler) // half an answer must not look like one
	}
	code, message := statusOf(err)
	if code == statusGone {
		e.w.code = code // nobody reads an answer
		panic(http.ErrAbortHandler)
	}
	WriteError(e.w, code, message)
}

// statusGone is what logs and metrics have of clients that are gone.
const statusGone = 499

// statusOf is an error's status and what a client reads of it.
func statusOf(err error) (code int, message string) {
	var known *httpError
	switch {
	case errors.As(err, &known):
		return known.code, known.Error()
	case errors.Is(err, errFull):
		return http.StatusServiceUnavailable, errFull.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout, "the answer took longer than a request may"
	case errors.Is(err, context.Canceled):
		return statusGone, ""
	case errors.Is(err, errPanic), errors.Is(err, io.ErrShortWrite):
		return http.StatusInternalServerError, errPanic.Error()
	}
	return http.StatusInternalServerError, err.Error()
}

// queryOf reads the parameters of a URL.
func queryOf(r *http.Request) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the URL's parameters cannot be read: %v", err)
	}
	return query, nil
}

// types reads what type a body is of, and which one the answer is to have.
func types(r *http.Request) (in, out string, err error) {
	given := r.Header.Get("Content-Type")
	if in, _, err = mime.ParseMediaType(given); err != nil || in != typeJSON && in != typeNPY {
		return "", "", refuse(http.StatusUnsupportedMediaType, "content type %q; want %s or %s", clip(given), typeJSON, typeNPY)
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return "", "", refuse(http.StatusUnsupportedMediaType, "content encoding %q; want none", clip(encoding))
	}
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if accept == "" {
		return in, typeJSON, nil
	}
	for part := range strings.SplitSeq(accept, ",") {
		kind, _, err := mime.ParseMediaType(part)
		switch {
		case err != nil:
		case kind == typeNPY:
			return in, typeNPY, nil
		case kind == typeJSON, kind == "*/*", kind == "application/*":
			return in, typeJSON, nil
		}
	}
	return "", "", refuse(http.StatusNotAcceptable, "an answer as %q; there are %s and %s", clip(accept), typeJSON, typeNPY)
}

// found is what was detected of rows or lines.
type found struct {
	scores   []float64
	findings []detect.Finding
	heat     []float32
}

// detect finds what a request asks for.
func (s *served) detect(ctx context.Context, q *request) (f found, err error) {
	if s.ofLines() {
		lines := data.NewReader(data.Set{Rows: q.rows})
		err = s.Detector.Lines(ctx, s.network, lines, func(_ int, found detect.Finding) error {
			f.scores, f.findings = append(f.scores, found.Score), append(f.findings, found)
			return nil
		})
		return f, linesError(err)
	}
	var r result
	if q.reasons {
		if r, err = s.queues[workReasons].do(ctx, q.rows, q.labels); err != nil {
			return f, err
		}
		f.findings = r.findings
		for _, found := range r.findings {
			f.scores = append(f.scores, found.Score)
		}
	} else {
		if r, err = s.queues[workScores].do(ctx, q.rows, q.labels); err != nil {
			return f, err
		}
		f.scores = r.scores
	}
	if q.heat {
		if r, err = s.queues[workHeat].do(ctx, q.rows, q.labels); err != nil {
			return f, err
		}
		f.heat = r.floats
	}
	return f, nil
}

// linesError is that of lines, of which too few are the client's mistake.
func linesError(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return bad(err)
}

// draw draws the codes that generate decodes.
func (s *served) draw(ctx context.Context, q *request) (codes data.Rows, labels []byte, err error) {
	spec := s.network.Spec()
	o := generate.Options{Seed: q.seed, Class: q.class}
	if !spec.Variational() && !spec.Adversarial() {
		if o.Codes, err = s.codes.get(ctx); err != nil {
			return codes, nil, err
		}
	}
	drawn, labels, err := generate.Draw(s.network, q.count, o)
	if err != nil {
		return codes, nil, bad(err)
	}
	return data.Rows{N: q.count, Shape: data.Shape{W: spec.Latent}, Floats: drawn}, labels, nil
}

// has says why the model has none of an operation.
func (s *served) has(operation string) error {
	switch {
	case operation == opDetect && s.Detector == nil:
		return refuse(http.StatusNotFound, "model %s has no detector; fit one on normal rows and start again", s.Name)
	case operation == opGenerate && !slices.Contains(s.operations(), opGenerate):
		return refuse(http.StatusNotFound, "model %s generates nothing: it has no prior, and nothing says on which rows' codes one could be fitted", s.Name)
	}
	return nil
}

// mostRows is how many rows a request may have.
func (s *served) mostRows(o Options) int {
	const part, float = 8, 4
	return max(1, min(o.MaxRows, int(o.Memory/part/int64(float*max(s.shape.Size(), s.network.Spec().Latent)))))
}
