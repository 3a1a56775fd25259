package serve

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"aegis/data"
	"aegis/internal/detect"
)

// The types of bodies.
const (
	typeJSON = "application/json"
	typeNPY  = "application/x-npy"
)

// chunk is how much of an answer is written at once.
const chunk = 256 << 10

// answer writes a body in pieces. A client that does not read them in time is cut
// off.
type answer struct {
	w       http.ResponseWriter
	control *http.ResponseController
	time    time.Duration // for a piece
	text    []byte
	err     error
}

var texts = sync.Pool{New: func() any { return new([]byte) }}

func newAnswer(w http.ResponseWriter, kind string, o Options) *answer {
	w.Header().Set("Content-Type", kind)
	return &answer{w: w, control: http.NewResponseController(w), time: o.WriteTime, text: (*texts.Get().(*[]byte))[:0]}
}

// more writes what has been gathered, where that is enough.
func (a *answer) more() {
	if len(a.text) >= chunk {
		a.write()
	}
}

func (a *answer) write() {
	if a.err == nil {
		_ = a.control.SetWriteDeadline(time.Now().Add(a.time)) // in a test's recorder there is none
		_, a.err = a.w.Write(a.text)
	}
	a.text = a.text[:0]
}

// end writes the rest.
func (a *answer) end() {
	a.write()
	texts.Put(&a.text)
}

// float appends a number in the fewest digits that give the same float32.
func (a *answer) float(v float32) {
	a.text = strconv.AppendFloat(a.text, float64(v), 'g', -1, 32)
}

func (a *answer) double(v float64) { a.text = strconv.AppendFloat(a.text, v, 'g', -1, 64) }

func (a *answer) say(text string) { a.text = append(a.text, text...) }

// list writes an array of n elements.
func (a *answer) list(n int, each func(i int)) {
	a.say("[")
	for i := range n {
		if i > 0 {
			a.say(",")
		}
		each(i)
		a.more()
	}
	a.say("]")
}

// nested writes values as arrays in arrays of sizes.
func (a *answer) nested(values []float32, sizes ...int) {
	if len(sizes) == 1 {
		a.say("[")
		for i, v := range values {
			if i > 0 {
				a.text = append(a.text, ',')
			}
			a.float(v)
		}
		a.say("]")
		return
	}
	each := len(values) / max(1, sizes[0])
	a.list(sizes[0], func(i int) { a.nested(values[i*each:(i+1)*each], sizes[1:]...) })
}

// rows writes {"name": rows of width values}.
func (a *answer) rows(name string, values []float32, width int) {
	a.say(`"` + name + `":`)
	a.nested(values, len(values)/max(1, width), width)
}

// floats answers rows of values, as JSON or as an array of a shape.
func (a *answer) floats(kind, name string, values []float32, shape data.Shape) {
	if kind == typeNPY {
		n := len(values) / max(1, shape.Size())
		a.text = append(a.text, data.NPYHead("<f4", append([]int{n}, sizes(shape)...)...)...)
		for _, v := range values {
			a.text = binary.LittleEndian.AppendUint32(a.text, math.Float32bits(v))
			a.more()
		}
		return
	}
	a.say("{")
	a.rows(name, values, shape.Size())
	a.say("}\n")
}

// sizes are those of a row in an array: images of one channel have none for it.
func sizes(s data.Shape) []int {
	switch {
	case s.IsVector():
		return []int{s.W}
	case s.C == 1:
		return []int{s.H, s.W}
	}
	return []int{s.C, s.H, s.W}
}

// found answers what was detected.
func (a *answer) found(kind string, s *served, q *request, f found) {
	threshold := s.Detector.Threshold.Value
	if kind == typeNPY {
		a.foundArray(f, threshold, s)
		return
	}
	a.say(`{"scores":`)
	a.list(len(f.scores), func(i int) { a.double(f.scores[i]) })
	a.say(`,"anomalous":`)
	a.list(len(f.scores), func(i int) { a.text = strconv.AppendBool(a.text, f.scores[i] > threshold) })
	a.say(`,"threshold":`)
	a.double(threshold)
	if q.reasons {
		a.say(`,"reasons":`)
		a.list(len(f.findings), func(i int) { a.reasons(f.findings[i]) })
	}
	if q.heat {
		a.say(`,"heat":`)
		a.nested(f.heat, len(f.scores), s.shape.H, s.shape.W)
	}
	a.say("}\n")
}

// foundArray answers scores and 1 or 0 for what is anomalous (n,2), or heat (n,H,W).
func (a *answer) foundArray(f found, threshold float64, s *served) {
	if f.heat != nil {
		a.floats(typeNPY, "", f.heat, data.Shape{C: 1, H: s.shape.H, W: s.shape.W})
		return
	}
	a.text = append(a.text, data.NPYHead("<f8", len(f.scores), 2)...)
	for _, score := range f.scores {
		anomalous := 0.0
		if score > threshold {
			anomalous = 1
		}
		a.text = binary.LittleEndian.AppendUint64(a.text, math.Float64bits(score))
		a.text = binary.LittleEndian.AppendUint64(a.text, math.Float64bits(anomalous))
		a.more()
	}
}

// writeJSON answers a value.
func writeJSON(w http.ResponseWriter, code int, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		code, text = http.StatusInternalServerError, []byte(`{"error":"internal error"}`)
	}
	w.Header().Set("Content-Type", typeJSON)
	w.WriteHeader(code)
	_, _ = w.Write(append(text, '\n')) // the client may be gone
}

// WriteError writes an error in the one form that errors have.
func WriteError(w http.ResponseWriter, code int, message string) {
	if code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, code, map[string]string{"error": message})
}

// reasons writes the columns that made a row strange, the strongest first.
func (a *answer) reasons(f detect.Finding) {
	a.list(len(f.Columns), func(i int) {
		r := f.Columns[i]
		a.say(`{"column":`)
		a.text = strconv.AppendInt(a.text, int64(r.Column), 10)
		if r.Name != "" {
			name, _ := json.Marshal(r.Name) // a text always can be
			a.say(`,"name":` + string(name))
		}
		for _, v := range []struct {
			name  string
			value float64
		}{{"value", r.Value}, {"expected", r.Expected}, {"share", r.Share}} {
			a.say(`,"` + v.name + `":`)
			a.double(v.value)
		}
		a.say("}")
	})
}
