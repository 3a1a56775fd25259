package onnx

import (
	"errors"
	"fmt"
	"math"

	"aegis/data"
	"aegis/internal/detect"
	"aegis/internal/infer"
	"aegis/model"
	"aegis/model/op"
	"aegis/model/program"
)

// scorer adds the score of each row by the detector's formula, in float64, and
// whether it exceeds the threshold.
func (e *exporter) scorer() error {
	d := e.model.Detector
	switch {
	case d == nil || d.Version == 0:
		return errors.New("onnx: scorer: no detector; fit one of normal rows first")
	case d.Model != e.model.Fingerprint:
		return fmt.Errorf("onnx: scorer: the detector is %w; fit one on this model", infer.ErrOtherModel)
	case d.Formula == detect.Standardised && len(d.Scale) != e.source.shape.W:
		return fmt.Errorf("onnx: scorer: scales of %d values; want %d, as many as the model's rows have", len(d.Scale), e.source.shape.W)
	}
	rows, score, err := dimBatch, "", error(nil)
	switch {
	case d.OfLines:
		rows = dimLines
		score, err = e.ofLines(d)
	case d.Formula == detect.Likelihood:
		score, err = e.ofLikelihood(e.rows())
	case d.Formula == detect.Smoothed:
		score, err = e.ofSmoothed(e.rows())
	default:
		score, err = e.ofDeviations(d, e.rows())
	}
	if err != nil {
		return err
	}
	most := e.double("threshold", d.Threshold.Value)
	label := e.cast(e.do("Not", e.do("LessOrEqual", score, most)), Int64) // NaN is no normal row's
	e.output(score, Value{Name: nameScore, Type: Double, Rows: rows, Doc: d.Words})
	e.output(label, Value{Name: nameLabel, Type: Int64, Rows: rows, Doc: fmt.Sprintf("1 where the score exceeds %v, an anomaly; 0 where it does not", d.Threshold.Value)})
	return nil
}

// errors are what rows, as the network reads them, have beyond what it rebuilds of
// them, in float64: (batch,shape…).
func (e *exporter) errors(x string, shape []int) (string, error) {
	rebuilt, err := e.run(program.Reconstruct, x)
	if err != nil {
		return "", err
	}
	rebuilt = e.reshape(rebuilt, shape)
	if !e.exact {
		rebuilt = e.cast(rebuilt, Double)
	}
	return e.do("Sub", e.cast(x, Double), rebuilt), nil
}

// mean is the mean over axes.
func (e *exporter) mean(x string, axes ...int64) string {
	return e.node("mean", "ReduceMean", []string{x}, attribute{"axes", axes}, attribute{"keepdims", int64(0)})
}

// deviations are the squares of errors as normal rows have them: (batch,P). The
// network is in float64, as where the detector was fitted.
func (e *exporter) deviations(d *detect.Detector, x string) (string, error) {
	e.exact = true
	defer func() { e.exact = false }()
	z, err := e.errors(x, e.flat())
	if err != nil {
		return "", err
	}
	z = e.do("Div", e.do("Sub", z, e.doubles("errors.center", d.Center)), e.doubles("errors.scale", d.Scale))
	return e.do("Mul", z, z), nil
}

func (e *exporter) ofDeviations(d *detect.Detector, x string) (string, error) {
	squares, err := e.deviations(d, x)
	if err != nil {
		return "", err
	}
	return e.mean(squares, 1), nil
}

// ofSmoothed averages errors over the 3×3 pixels around each, those beyond the
// border being 0, and takes the mean of their squares.
func (e *exporter) ofSmoothed(x string) (string, error) {
	shape := e.source.dims()
	z, err := e.errors(x, shape)
	if err != nil {
		return "", err
	}
	padded := e.do("Pad", z, e.integers("border", 0, 0, 1, 1, 0, 0, 1, 1))
	const height, width, pixels = 2, 3, 9
	sums := e.sum3(e.sum3(padded, width, shape[2]), height, shape[1])
	average := e.do("Div", sums, e.double("pixels", pixels))
	return e.mean(e.do("Mul", average, average), 1, 2, 3), nil
}

// sum3 adds up each three values that follow each other.
func (e *exporter) sum3(x string, axis, size int) string {
	sum := e.do("Add", e.slice(x, axis, 0, size), e.slice(x, axis, 1, size+1))
	return e.do("Add", sum, e.slice(x, axis, 2, size+2))
}

// ofLines adds the score of each line of a table: windows at the model's step,
// and one that ends with the last line, each give the deviations of their lines.
func (e *exporter) ofLines(d *detect.Detector) (string, error) {
	t := e.source.table
	if t == nil || t.Window < 2 {
		return "", errors.New("onnx: scorer: a detector of lines for a model of rows; fit one on this model")
	}
	if e.model.Spec.Condition != "" {
		return "", errors.New("onnx: scorer: lines of a model that reads labels; want rows")
	}
	window, columns := int64(t.Window), e.source.shape.W/t.Window
	lines := e.read(e.source, true)
	one := e.integer("one", 1)
	count := e.do("Gather", e.do("Shape", lines), e.integer("zero", 0))
	last := e.do("Sub", count, e.integer("window", window))
	starts := e.do("Range", e.integer("zero", 0), last, e.integer("step", int64(min(t.Step, t.Window))))
	// Of fewer lines than a window there is no last one: the numbers lie beyond all
	// lines, which is an error when the graph runs.
	last = e.do("Where", e.do("Less", last, e.integer("zero", 0)), count, last)
	starts = e.node("starts", "Concat", []string{starts, e.do("Unsqueeze", last, e.integers("axis", 0))}, attribute{"axis", int64(0)})
	within := e.do("Range", e.integer("zero", 0), e.integer("window", window), one)
	numbers := e.do("Add", e.do("Unsqueeze", starts, e.integers("axis", 1)), within) // (windows,window)
	x := e.node("windows", "Gather", []string{lines, numbers}, attribute{"axis", int64(0)})
	squares, err := e.deviations(d, e.scale(e.source.scaling, e.reshape(x, []int{e.source.shape.W})))
	if err != nil {
		return "", err
	}
	own := e.mean(e.reshape(squares, []int{t.Window, columns}), 2)
	return e.overLines(own, numbers, count), nil
}

// overLines takes the mean over the windows that have a line, of what they say of
// it: own (windows,window), whose lines are those of numbers, of so many in all.
func (e *exporter) overLines(own, numbers, count string) string {
	all := e.integers("all", -1)
	own, numbers = e.do("Reshape", own, all), e.do("Reshape", numbers, all)
	zeros := e.do("Expand", e.double("nothing", 0), e.do("Unsqueeze", count, e.integers("axis", 0)))
	ones := e.do("Expand", e.double("once", 1), e.do("Shape", numbers))
	sum := func(values string) string {
		return e.node("sum", "ScatterElements", []string{zeros, numbers, values}, attribute{"axis", int64(0)}, attribute{"reduction", "add"})
	}
	return e.do("Div", sum(own), sum(ones))
}

// ofLikelihood adds minus the logarithm of the likelihood at the mean code, and
// the code's divergence.
func (e *exporter) ofLikelihood(x string) (string, error) {
	spec := e.model.Spec
	if !spec.Variational() {
		return "", fmt.Errorf("onnx: scorer: the likelihood of %s, which has none; fit a detector on this model", spec.Model)
	}
	part, loss := spec.Scored()
	if spec.Likelihood == model.GaussianLearned {
		sigma, err := e.params(model.LogSigma, []int{1})
		if err != nil {
			return "", err
		}
		loss.Delta = math.Exp(float64(sigma.Data[0]))
	}
	predicted, err := e.run(part, x)
	if err != nil {
		return "", err
	}
	width := []int{e.source.shape.Size()}
	row := e.cast(e.reshape(x, width), Double)
	predicted = e.cast(e.reshape(predicted, width), Double)
	terms, err := e.loss(loss, predicted, row)
	if err != nil {
		return "", err
	}
	divergence, err := e.divergence(x)
	if err != nil {
		return "", err
	}
	return e.do("Add", e.sum(terms), divergence), nil
}

// sum adds up the values of rows (batch,P).
func (e *exporter) sum(x string) string {
	return e.node("sum", "ReduceSum", []string{x, e.integers("axes", 1)}, attribute{"keepdims", int64(0)})
}

// loss is that of each value.
func (e *exporter) loss(l op.Loss, predicted, row string) (string, error) {
	zero, one := e.double("zero", 0), e.double("one", 1)
	switch l.Kind {
	case op.BCELogits:
		var beyond string
		if r := e.source.scaling; r.Kind != data.ScaleRange || r.Pixels.Lo < 0 || r.Pixels.Hi > 1 {
			over := e.do("Max", e.do("Sub", row, one), e.do("Neg", row), zero)
			beyond = e.do("Mul", over, e.double("beyond", infer.BeyondNats))
			row = e.do("Clip", row, zero, one)
		}
		soft := e.do("Log", e.do("Add", one, e.do("Exp", e.do("Neg", e.do("Abs", predicted)))))
		value := e.do("Add", e.do("Sub", soft, e.do("Mul", predicted, row)), e.do("Max", predicted, zero))
		if beyond != "" {
			value = e.do("Add", value, beyond)
		}
		return value, nil
	case op.Gaussian:
		d := e.do("Div", e.do("Sub", predicted, row), e.double("deviation", l.Delta))
		return e.do("Add", e.do("Mul", e.do("Mul", d, d), e.double("half", 0.5)), e.double("peak", op.NormalConstant(l.Delta))), nil
	}
	return "", fmt.Errorf("onnx: scorer: likelihood by %s; want %s or %s", l.Kind, op.BCELogits, op.Gaussian)
}

// divergence is that of each row's code from N(0, 1): Σ ½·(μ² + e^v − 1 − v).
func (e *exporter) divergence(x string) (string, error) {
	mu, err := e.run(program.Encode, x)
	if err != nil {
		return "", err
	}
	logvar, err := e.run(program.LogVar, x)
	if err != nil {
		return "", err
	}
	code := []int{e.model.Program.Code}
	mu, logvar = e.cast(e.reshape(mu, code), Double), e.cast(e.reshape(logvar, code), Double)
	spread := e.do("Sub", e.do("Sub", e.do("Exp", logvar), e.double("one", 1)), logvar)
	return e.sum(e.do("Mul", e.do("Add", e.do("Mul", mu, mu), spread), e.double("half", 0.5))), nil
}
