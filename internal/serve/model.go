package serve

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"

	"aegis/data"
	"aegis/internal/detect"
	"aegis/internal/generate"
	"aegis/internal/infer"
)

// Model is a model that is served. It stays its owner's, who closes it after the
// server.
type Model struct {
	// Name is what requests call it: letters, digits, points, dashes and
	// underscores.
	Name     string
	Model    *infer.Model
	Detector *detect.Detector // nil: it detects nothing
	// Codes gives what codes of a plain model are drawn from, when they are first
	// asked for; nil: only a model with a prior generates.
	Codes func(ctx context.Context) (*generate.Codes, error)
	// Explorer gives the page that shows the model, when it is first asked for;
	// nil: there is none.
	Explorer func(ctx context.Context) ([]byte, error)
}

// served is a model with its queues.
type served struct {
	Model
	network  *infer.Model
	shape    data.Shape // of rows
	bytes    bool       // rows are bytes
	classes  int        // whose labels it reads, 0: none
	fields   map[string]field
	info     info
	queues   map[string]*queue // by operation
	codes    lazy[*generate.Codes]
	explorer lazy[[]byte]
}

// field is where a column's values stand in a row or, of windows, in a line.
type field struct {
	at         int
	categories []string
	fill       *float64
}

var named = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

func newServed(m Model, o Options, metrics *metrics) (*served, error) {
	if !named.MatchString(m.Name) {
		return nil, fmt.Errorf("serve: model's name %q: want letters, digits, points, dashes and underscores, at most 100", m.Name)
	}
	if err := m.Model.Ready(context.Background()); err != nil {
		return nil, fmt.Errorf("serve: model %s: %w", m.Name, err)
	}
	if m.Detector != nil {
		if err := m.Detector.Check(m.Model); err != nil {
			return nil, fmt.Errorf("serve: model %s: %w", m.Name, err)
		}
	}
	spec := m.Model.Spec()
	s := &served{
		Model: m, network: m.Model, shape: data.Shape{C: spec.Image[0], H: spec.Image[1], W: spec.Image[2]},
		bytes: m.Model.Scaling().Kind == data.ScaleRange, queues: map[string]*queue{},
		codes: lazy[*generate.Codes]{make: m.Codes}, explorer: lazy[[]byte]{make: m.Explorer},
	}
	if spec.Condition != "" {
		s.classes = spec.Classes
	}
	s.fields = fieldsOf(spec.Form)
	for _, name := range s.operations() {
		for _, work := range s.works(name) {
			s.queues[work.name] = newQueue(work, o, metrics.batches(m.Name, work.name))
		}
	}
	s.info = s.describe(o)
	return s, nil
}

// fieldsOf are the columns of a row by their names, nil where they have none.
func fieldsOf(form data.Form) map[string]field {
	fields := map[string]field{}
	at := 0
	if form.Table != nil {
		for _, f := range form.Table.Fields {
			fields[f.Name] = field{at: at, categories: f.Categories, fill: f.Fill}
			at += f.Values()
		}
	} else {
		for i, name := range form.Columns {
			fields[name] = field{at: i}
		}
	}
	if len(fields) == 0 {
		return nil
	}
	return fields
}

// window is how many lines of a table are a row, 0 where a line is one.
func (s *served) window() int {
	if t := s.network.Spec().Form.Table; t != nil && t.Window > 1 {
		return t.Window
	}
	return 0
}

// ofLines says that what is detected is lines of a table.
func (s *served) ofLines() bool { return s.Detector != nil && s.Detector.OfLines }

// lineShape is that of the rows that an operation takes.
func (s *served) rowShape(operation string) data.Shape {
	if operation == opDetect && s.ofLines() {
		return data.Shape{W: s.shape.W / s.window()}
	}
	return s.shape
}

// The operations, which are the last elements of routes.
const (
	opEncode      = "encode"
	opDecode      = "decode"
	opReconstruct = "reconstruct"
	opDenoise     = "denoise"
	opGenerate    = "generate"
	opDetect      = "detect"
)

// operations are those that the model has.
func (s *served) operations() []string {
	names := []string{opEncode, opDecode, opReconstruct, opDenoise}
	spec := s.network.Spec()
	if spec.Variational() || spec.Adversarial() || s.Codes != nil {
		names = append(names, opGenerate)
	}
	if s.Detector != nil {
		names = append(names, opDetect)
	}
	return names
}

// lazy makes a value when it is first asked for, and again after an error.
type lazy[T any] struct {
	make func(ctx context.Context) (T, error)

	once sync.Once
	turn chan struct{}
	done bool
	got  T
}

var errNone = errors.New("there is none")

func (l *lazy[T]) get(ctx context.Context) (value T, err error) {
	if l.make == nil {
		return value, errNone
	}
	l.once.Do(func() { l.turn = make(chan struct{}, 1) })
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return value, ctx.Err()
	}
	if l.done {
		return l.got, nil
	}
	if value, err = l.make(ctx); err == nil {
		l.got, l.done = value, true
	}
	return value, err
}
