package aegis

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"aegis/internal/detect"
	"aegis/internal/infer"
	"aegis/internal/onnx"
	"aegis/model/program"
)

// What a file of ONNX has.
type (
	ONNXPart  = onnx.Part
	ONNXFile  = onnx.File // Write writes it; Inputs and Outputs say what it takes and gives
	ONNXValue = onnx.Value
)

// The parts of a model that a file of ONNX may have.
const (
	ONNXEncoder = onnx.Encoder // rows → codes
	ONNXDecoder = onnx.Decoder // codes → rows
	ONNXWhole   = onnx.Whole   // rows → reconstructions
	ONNXScorer  = onnx.Scorer  // rows → score, label
)

// ONNXParts returns all.
func ONNXParts() []ONNXPart { return onnx.Parts() }

// ONNXOptions say what becomes a file of ONNX.
type ONNXOptions struct {
	Part ONNXPart // "": [ONNXWhole]
	// Detector is that of [ONNXScorer]; nil: the one in [DetectorFile] beside the
	// model.
	Detector *Detector
}

// ONNX makes a file of ONNX, opset 17, of a part of the model, for any number of
// rows at once. Rows are as their file has them, a user's own: bytes of images
// (batch,C,H,W), numbers of a table's columns with NaN for a missing one, texts of
// its categories, windows as (batch,lines,columns); scaling and fills are in the
// graph. Codes and rows are those of [Model.Encode], [Model.Decode] and
// [Model.Reconstruct], scores float64 and those of [Detector.Detect], labels 1
// where a score exceeds the threshold. A conditional model reads classes as
// int64. What cannot be in such a file is an error.
func (r *Run) ONNX(o ONNXOptions) (*ONNXFile, error) {
	spec, tensors, err := infer.ReadModel(r.File)
	if err != nil {
		return nil, err
	}
	p, err := spec.Forward()
	if err != nil {
		return nil, err
	}
	params := (&program.State{Tensors: tensors}).Tensor
	m := onnx.Model{Program: p, Params: params, Version: Version, Spec: spec}
	if m.Fingerprint, err = infer.Fingerprint(p, params); err != nil {
		return nil, err
	}
	if o.Part == ONNXScorer {
		if m.Detector, err = r.detectorOf(o.Detector); err != nil {
			return nil, err
		}
	}
	if o.Part == "" {
		o.Part = ONNXWhole
	}
	return onnx.New(m, o.Part)
}

// detectorOf is a detector, or the one beside the model.
func (r *Run) detectorOf(d *Detector) (_ *detect.Detector, err error) {
	if d != nil {
		return d.fitted(), nil
	}
	path := r.Path(DetectorFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("aegis: no detector lies beside %s: %w; fit one of normal rows first", r.File, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("aegis: detector: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	found, err := detect.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("aegis: %s: %w", path, err)
	}
	return found, nil
}

// ProgramONNX makes a file of ONNX of a part of a program of one's own, under the
// parameters of a state: of any but [ONNXScorer].
func ProgramONNX(p *program.Program, s *program.State, part ONNXPart) (*ONNXFile, error) {
	if p == nil || s == nil {
		return nil, errors.New("aegis: ONNX of a program: no program or no state; want both")
	}
	return onnx.New(onnx.Model{Program: p, Params: s.Tensor, Version: Version}, part)
}
