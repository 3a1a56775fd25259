// Package onnx writes what a model leaves as a file of ONNX, which any runtime of
// that format runs: an encoder, a decoder, both, or what scores rows. All that lies
// between a row as its file has it and what the network reads is in the graph, and
// all that lies behind the network: scaling, fills, categories, score, threshold.
package onnx

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"aegis/data"
	"aegis/internal/detect"
	"aegis/internal/flow"
	"aegis/model"
	"aegis/model/program"
)

// Part is what of a model a file has.
type Part string

// The parts.
const (
	Encoder Part = "encoder" // rows → codes
	Decoder Part = "decoder" // codes → rows
	Whole   Part = "whole"   // rows → what is rebuilt of them
	Scorer  Part = "scorer"  // rows → score and label
)

// Parts returns all.
func Parts() []Part { return []Part{Encoder, Decoder, Whole, Scorer} }

// Model is what a file is made of.
type Model struct {
	Program *program.Program
	Params  Params
	Version string // of this module

	// These say more of a model that a [model.Spec] describes; a program of one's
	// own has none.
	Spec        model.Spec
	Fingerprint string
	Detector    *detect.Detector // of Scorer
}

// New puts together the file of a part.
func New(m Model, part Part) (*File, error) {
	if !slices.Contains(Parts(), part) {
		return nil, fmt.Errorf("onnx: unknown part %q; want one of %q", part, Parts())
	}
	p := m.Program
	if p == nil || p.Forward == nil || m.Params == nil {
		return nil, errors.New("onnx: no program, or no parameters; want both")
	}
	e := &exporter{
		builder: newBuilder(&File{Part: part, name: string(part), version: m.Version}, m.Params), model: m,
		source: source{shape: p.Row, scaling: p.Scaling, table: m.Spec.Form.Table},
	}
	if err := map[Part]func() error{Encoder: e.encoder, Decoder: e.decoder, Whole: e.whole, Scorer: e.scorer}[part](); err != nil {
		return nil, err
	}
	e.prune()
	return e.file, e.describe()
}

// exporter puts together the file of a part of one model.
type exporter struct {
	*builder
	model  Model
	source source
	labels string // one-hot, "" where none are read so far
}

// run adds a part of the program, of rows (batch,…) as the network reads them, or
// of codes.
func (e *exporter) run(part program.Part, given string) (string, error) {
	f, err := flow.Read(e.model.Program, part)
	if err != nil {
		return "", fmt.Errorf("onnx: %w", err)
	}
	if f.Labels != nil && e.labels == "" {
		e.labels = e.oneHot(f.Labels.Shape[0])
	}
	return e.flow(f, e.reshape(given, f.Given.Shape), e.labels)
}

// rows adds the inputs of rows and returns them as the network reads them: of
// vectors (batch,P).
func (e *exporter) rows() string {
	x := e.read(e.source, false)
	if e.source.window() > 0 {
		x = e.reshape(x, []int{e.source.shape.W})
	}
	return e.scale(e.source.scaling, x)
}

func (e *exporter) encoder() error {
	codes, err := e.run(program.Encode, e.rows())
	if err != nil {
		return err
	}
	z := e.model.Program.Code
	e.output(e.reshape(codes, []int{z}), Value{Name: nameCodes, Type: Float, Rows: dimBatch, Dims: []int{z}, Doc: "the code of each row"})
	return nil
}

func (e *exporter) decoder() error {
	z := e.model.Program.Code
	codes := e.input(Value{Name: nameCodes, Type: Float, Rows: dimBatch, Dims: []int{z}, Doc: "codes"})
	rows, err := e.run(program.Decode, codes)
	if err != nil {
		return err
	}
	e.rebuilt(rows, nameRows)
	return nil
}

func (e *exporter) whole() error {
	rebuilt, err := e.run(program.Reconstruct, e.rows())
	if err != nil {
		return err
	}
	e.rebuilt(rebuilt, nameReconstructions)
	return nil
}

// rebuilt adds the outputs of rows that a network rebuilt.
func (e *exporter) rebuilt(x, name string) {
	v := Value{Name: name, Type: Float, Rows: dimBatch, Dims: e.source.dims(), Doc: "rows as the model rebuilds them, in the units of its rows"}
	scaling := e.source.scaling
	if scaling.Kind != data.ScaleRange {
		x = e.unscale(scaling, e.reshape(x, e.flat()))
		e.output(e.reshape(x, v.Dims), v)
		return
	}
	x = e.reshape(x, v.Dims)
	bytes := e.bytes(x, scaling.Pixels)
	v.Doc = "rows as the model rebuilds them, in " + scaling.Pixels.String()
	e.output(x, v)
	v.Name, v.Type, v.Doc = nameBytes, Uint8, "the same as bytes from 0 to 255"
	e.output(bytes, v)
}

// flat is the shape of a row in which it is scaled.
func (e *exporter) flat() []int {
	if e.source.shape.IsVector() {
		return []int{e.source.shape.W}
	}
	return e.source.dims()
}

// describe writes what the file says of itself.
func (e *exporter) describe() error {
	m, f := e.model, e.file
	f.doc = map[Part]string{
		Encoder: "Encoder of an autoencoder: rows as their file has them become codes.",
		Decoder: "Decoder of an autoencoder: codes become rows.",
		Whole:   "Autoencoder: rows as their file has them are encoded and rebuilt.",
		Scorer:  "Anomaly scorer of an autoencoder: rows as their file has them get a score, the higher the stranger, and a label, 1 where the score exceeds the threshold.",
	}[f.Part]
	f.name = m.Program.Name + "-" + string(f.Part)
	say := func(key string, value any) error {
		text, isText := value.(string)
		if !isText {
			encoded, err := json.Marshal(value)
			if err != nil {
				return fmt.Errorf("onnx: metadata %s: %w", key, err)
			}
			text = string(encoded)
		}
		f.properties = append(f.properties, property{key, text})
		return nil
	}
	form, err := m.Spec.Form, error(nil)
	add := func(present bool, key string, value any) {
		if present && err == nil {
			err = say(key, value)
		}
	}
	add(true, "model", m.Program.Name)
	add(true, "part", string(f.Part))
	add(m.Version != "", "aegis_version", m.Version)
	add(m.Fingerprint != "", "fingerprint", m.Fingerprint)
	add(true, "row_shape", e.source.dims())
	add(true, "scaling", m.Program.Scaling)
	add(m.Program.Scaling.Kind == data.ScaleRange, "pixels", m.Program.Scaling.Pixels)
	add(form.Columns != nil, "columns", form.Columns)
	add(form.Classes != nil, "classes", form.Classes)
	add(form.Images != nil, "images", form.Images)
	add(form.Table != nil, "table", form.Table)
	if d := m.Detector; f.Part == Scorer {
		add(true, "formula", string(d.Formula))
		add(true, "score", d.Words)
		add(true, "score_of", map[bool]string{true: "lines", false: "rows"}[d.OfLines])
		add(true, "threshold", strconv.FormatFloat(d.Threshold.Value, 'g', -1, 64))
		add(true, "threshold_by", string(d.Threshold.How))
		add(d.Threshold.Rate != 0, "threshold_rate", strconv.FormatFloat(d.Threshold.Rate, 'g', -1, 64))
	}
	return err
}
