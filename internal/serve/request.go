package serve

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"aegis/data"
)

// request is what a client asks an operation for.
type request struct {
	rows   data.Rows // or codes
	labels []byte

	corrupt string // noise that denoise adds first
	seed    uint64

	count int // of generate
	class string
	codes bool // generate answers the codes too

	reasons, heat bool // of detect
}

// httpError is an error with its status.
type httpError struct {
	code int
	err  error
}

func (e *httpError) Error() string { return e.err.Error() }
func (e *httpError) Unwrap() error { return e.err }

func refuse(code int, format string, args ...any) error {
	return &httpError{code, fmt.Errorf(format, args...)}
}

// bad makes an error one of the request's.
func bad(err error) error {
	var known *httpError
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &httpError{http.StatusBadRequest, err}
}

// readRequest reads the body of an operation, in either form.
func (s *served) readRequest(operation, kind string, body []byte, query url.Values, mostRows int) (*request, error) {
	r := &request{seed: 1}
	var err error
	if kind == typeNPY {
		err = s.readNPY(operation, r, body, query)
	} else {
		if len(query) > 0 {
			return nil, refuse(http.StatusBadRequest, "parameters in the URL are for npy bodies; want them in the JSON")
		}
		err = s.readJSON(operation, r, body, mostRows)
	}
	if err != nil {
		return nil, bad(err)
	}
	if r.rows.N > mostRows || r.count > mostRows {
		return nil, refuse(http.StatusRequestEntityTooLarge, "%d rows; want at most %d a request", max(r.rows.N, r.count), mostRows)
	}
	return r, s.check(operation, r)
}

// check says what of a request does not go with the model.
func (s *served) check(operation string, r *request) error {
	spec := s.network.Spec()
	if operation == opGenerate {
		if r.count == 0 {
			return refuse(http.StatusBadRequest, "want a count of rows, such as {\"count\": 10}")
		}
		return nil
	}
	if r.rows.N == 0 {
		what := "rows"
		if operation == opDecode {
			what = "codes"
		}
		return refuse(http.StatusBadRequest, "no %s; want at least one", what)
	}
	if s.classes > 0 && len(r.labels) != r.rows.N {
		return refuse(http.StatusBadRequest, "the model reads labels: want one for each of %d rows, got %d", r.rows.N, len(r.labels))
	}
	if s.classes == 0 && r.labels != nil {
		return refuse(http.StatusBadRequest, "%d labels for a model that reads none", len(r.labels))
	}
	for i, label := range r.labels {
		if int(label) >= s.classes {
			return refuse(http.StatusBadRequest, "label %d of row %d; the model knows classes 0 to %d", label, i, s.classes-1)
		}
	}
	if r.heat && !s.heats() {
		return refuse(http.StatusBadRequest, "heat of vectors; want images: of vectors, reasons name columns")
	}
	if operation == opDecode || operation == opDetect && s.ofLines() {
		for i, v := range r.rows.Floats {
			if v-v != 0 {
				return refuse(http.StatusBadRequest, "row %d, value %d, both counted from 0: want a finite number, got %v", i/r.rows.W, i%r.rows.W, v)
			}
		}
		return nil
	}
	if err := s.network.Check(r.rows); err != nil {
		return bad(err)
	}
	if r.corrupt == "" {
		return nil
	}
	spec.Corrupt = r.corrupt
	if err := spec.Validate(); err != nil {
		return bad(err)
	}
	noisy, err := s.network.Corrupt(r.rows, r.corrupt, r.seed, 0)
	r.rows = noisy
	return bad(err)
}

// takes are the fields beside rows that an operation knows.
func takes(operation, name string) bool {
	switch name {
	case "labels":
		return operation != opGenerate
	case "corrupt":
		return operation == opDenoise
	case "seed":
		return operation == opDenoise || operation == opGenerate
	case "count", "class":
		return operation == opGenerate
	case "reasons", "heat":
		return operation == opDetect
	}
	return false
}

// unknown is the error of a field that an operation does not know.
func unknown(operation, name string) error {
	var names []string
	switch operation {
	case opDecode, opGenerate:
		names = append(names, "codes")
	default:
		names = append(names, "rows", "columns")
	}
	for _, n := range []string{"labels", "corrupt", "seed", "count", "class", "reasons", "heat"} {
		if takes(operation, n) {
			names = append(names, n)
		}
	}
	return fmt.Errorf("unknown field %q; %s takes %s", clip(name), operation, strings.Join(names, ", "))
}

// readNPY reads an array as rows, and what else there is from the URL.
func (s *served) readNPY(operation string, r *request, body []byte, query url.Values) error {
	if operation == opGenerate {
		if len(body) > 0 {
			return errors.New("generate reads no array; want JSON, or an empty body with ?count=10")
		}
	} else {
		rows, err := data.ReadNPY(bytes.NewReader(body), "the body")
		if err != nil {
			return err
		}
		if r.rows, err = s.shaped(operation, rows); err != nil {
			return err
		}
	}
	for name, values := range query {
		if !takes(operation, name) && (name != "codes" || operation != opGenerate) {
			return unknown(operation, name)
		}
		if len(values) != 1 {
			return fmt.Errorf("%q is there %d times; want it once", clip(name), len(values))
		}
		if err := s.parameter(r, name, values[0]); err != nil {
			return err
		}
	}
	return nil
}

// parameter reads one of the URL.
func (s *served) parameter(r *request, name, text string) (err error) {
	switch name {
	case "labels":
		for label := range strings.SplitSeq(text, ",") {
			class, err := s.network.Spec().Form.Class(label)
			if err != nil {
				return err
			}
			r.labels = append(r.labels, class)
		}
	case "corrupt":
		r.corrupt = text
	case "class":
		r.class = text
	case "seed":
		if r.seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			return fmt.Errorf("seed %q; want a whole number of at least 0", clip(text))
		}
	case "count":
		var n uint64
		if n, err = strconv.ParseUint(text, 10, 31); err != nil {
			return fmt.Errorf("count %q; want a whole number of rows", clip(text))
		}
		r.count = int(n)
	default:
		on, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%s %q; want true or false", name, clip(text))
		}
		r.turn(name, on)
	}
	return nil
}

func (r *request) turn(name string, on bool) {
	switch name {
	case "reasons":
		r.reasons = on
	case "heat":
		r.heat = on
	case "codes":
		r.codes = on
	}
}

// shaped makes rows of an array those of the model: vectors of as many values are
// its images, and whole numbers its pixels.
func (s *served) shaped(operation string, rows data.Rows) (data.Rows, error) {
	want := s.rowShape(operation)
	if operation == opDecode {
		want = data.Shape{W: s.network.Spec().Latent}
	}
	if rows.Shape != want && (!rows.IsVector() && !want.IsVector() || rows.Size() != want.Size()) {
		return rows, fmt.Errorf("want rows of %v, got %v", want, rows.Shape)
	}
	rows.Shape = want
	asBytes := s.bytes && operation != opDecode
	switch {
	case asBytes && !rows.IsBytes():
		pixels := make([]byte, len(rows.Floats))
		for i, v := range rows.Floats {
			if pixels[i] = byte(v); float32(pixels[i]) != v {
				return rows, fmt.Errorf("row %d, value %d, both counted from 0: want a pixel, a whole number from 0 to 255, got %v", i/want.Size(), i%want.Size(), v)
			}
		}
		rows.Bytes, rows.Floats = pixels, nil
	case !asBytes && rows.IsBytes():
		rows.Floats = make([]float32, len(rows.Bytes))
		for i, v := range rows.Bytes {
			rows.Floats[i] = float32(v)
		}
		rows.Bytes = nil
	}
	return rows, nil
}
