package inspect

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"aegis/internal/codec"
	"aegis/internal/detect"
)

// Detector is what a detector's file holds.
type Detector struct {
	Model     string           `json:"model"` // fingerprint of the model that it belongs to
	Score     string           `json:"score"` // its formula
	OfLines   bool             `json:"lines"`
	FittedOn  int              `json:"fitted_on"`
	Threshold detect.Threshold `json:"threshold"`
	Columns   int              `json:"columns,omitempty"` // that have a scale of their own
}

// Codes is what a file of compressed rows holds.
type Codes struct {
	Model string `json:"model"` // fingerprint of the model that made them
	Rows  int    `json:"rows"`
	Z     int    `json:"latent"`
	Shape []int  `json:"shape"` // of a row
}

var detector = regexp.MustCompile(`^\s*\{\s*"detector"\s*:`)

func isDetector(start []byte) bool { return detector.Match(start) }

// detector reads a detector's file.
func (i *inspection) detector() (err error) {
	f, err := os.Open(i.Path)
	if err != nil {
		return fmt.Errorf("aegis: inspect: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	d, err := detect.Decode(f)
	if err != nil {
		return fmt.Errorf("aegis: inspect %s: %w", i.Path, err)
	}
	i.Kind = KindDetector
	i.Detector = &Detector{
		Model: d.Model, Score: d.Words, OfLines: d.OfLines, FittedOn: d.Calibration.N, Threshold: d.Threshold, Columns: len(d.Scale),
	}
	return nil
}

// codes reads a file of compressed rows to its end, so that damage is seen.
func (i *inspection) codes() (err error) {
	f, err := os.Open(i.Path)
	if err != nil {
		return fmt.Errorf("aegis: inspect: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r, err := codec.NewReader(f)
	if err != nil {
		return fmt.Errorf("aegis: inspect %s: %w", i.Path, err)
	}
	h := r.Header()
	c := &Codes{Model: hex.EncodeToString(h.Model[:]), Z: h.Z, Shape: h.Shape}
	for room := make([]float32, 1024*h.Z); ; {
		if err := i.ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(room)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("aegis: inspect %s: %w", i.Path, err)
		}
		c.Rows += n
	}
	i.Kind, i.Codes = KindCodes, c
	return nil
}

// used is what a detector or compressed rows are, in words.
func (t *text) used(r *Report) {
	if d := r.Detector; d != nil {
		of := "rows"
		if d.OfLines {
			of = "lines"
		}
		t.section()
		t.table([][]string{
			{"score", d.Score},
			{"fitted on", fmt.Sprintf("%d %s", d.FittedOn, of)},
			{"threshold", fmt.Sprintf("%g (%s %g)", d.Threshold.Value, d.Threshold.How, d.Threshold.Rate)},
			{"model", d.Model},
		})
	}
	if c := r.Codes; c != nil {
		t.section()
		t.table([][]string{
			{"rows", fmt.Sprint(c.Rows)}, {"code", fmt.Sprintf("%d values of 8 bits", c.Z)}, {"row", fmt.Sprint(c.Shape)}, {"model", c.Model},
		})
	}
}
