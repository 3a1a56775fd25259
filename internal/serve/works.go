package serve

import (
	"context"

	"aegis/data"
)

// The works of detect, beside those that have an operation's name.
const (
	workScores  = "detect"
	workReasons = "detect/reasons"
	workHeat    = "detect/heat"
)

// works are what an operation needs done with rows in batches.
func (s *served) works(operation string) []work {
	m, d := s.network, s.Detector
	floats := func(name string, width int, run func(context.Context, data.Rows, ...byte) ([]float32, error)) work {
		return work{name: name, width: width, run: func(ctx context.Context, rows data.Rows, labels []byte) (result, error) {
			out, err := run(ctx, rows, labels...)
			return result{floats: out}, err
		}}
	}
	switch operation {
	case opEncode:
		return []work{floats(opEncode, m.Spec().Latent, m.Encode)}
	case opReconstruct: // denoise reconstructs, and generate decodes
		return []work{floats(opReconstruct, s.shape.Size(), m.Reconstruct)}
	case opDecode:
		return []work{floats(opDecode, s.shape.Size(), func(ctx context.Context, codes data.Rows, labels ...byte) ([]float32, error) {
			return m.Decode(ctx, codes.Floats, labels...)
		})}
	case opDetect:
		if s.ofLines() {
			return nil // lines hang on each other
		}
		works := []work{
			{name: workScores, run: func(ctx context.Context, rows data.Rows, labels []byte) (result, error) {
				scores, err := d.Scores(ctx, m, rows, labels...)
				return result{scores: scores}, err
			}},
			{name: workReasons, run: func(ctx context.Context, rows data.Rows, labels []byte) (result, error) {
				found, err := d.Detect(ctx, m, rows, labels...)
				return result{findings: found}, err
			}},
		}
		if s.heats() {
			works = append(works, floats(workHeat, s.shape.H*s.shape.W, func(ctx context.Context, rows data.Rows, labels ...byte) ([]float32, error) {
				return d.Heat(ctx, m, rows, labels...)
			}))
		}
		return works
	}
	return nil
}

// heats says that the model has images, which have heat.
func (s *served) heats() bool { return !s.shape.IsVector() }
