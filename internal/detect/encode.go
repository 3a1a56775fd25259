package detect

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// file is a detector as it is written. The hash is that of the detector's text.
type file struct {
	Detector json.RawMessage `json:"detector"`
	SHA256   string          `json:"sha256"`
}

// maxFile bounds what Decode reads: many times what a row of the most values
// that are sensible needs.
const maxFile = 1 << 28

// Encode writes the detector as JSON.
func (d *Detector) Encode(w io.Writer) error {
	text, err := d.encode()
	if err != nil {
		return fmt.Errorf("detect: encode: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("detect: encode: %w", err)
	}
	return nil
}

func (d *Detector) encode() ([]byte, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	body, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	text, err := json.MarshalIndent(file{body, hex.EncodeToString(sum[:])}, "", " ")
	return append(text, '\n'), err
}

// Decode reads what Encode wrote, and nothing else: a text that was damaged at
// any byte is an error.
func Decode(r io.Reader) (*Detector, error) {
	d, err := decode(r)
	if err != nil {
		return nil, fmt.Errorf("detect: decode: %w; want a detector as it was written: fit it again", err)
	}
	return d, nil
}

func decode(r io.Reader) (*Detector, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("more than %d bytes", maxFile)
	}
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, err
	}
	d := new(Detector)
	if err := json.Unmarshal(f.Detector, d); err != nil {
		return nil, err
	}
	if d.Version != version {
		return nil, fmt.Errorf("version %d; this program reads %d", d.Version, version)
	}
	again, err := d.encode()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, text) {
		return nil, errors.New("its text is not what its hash says: it was changed or damaged")
	}
	return d, nil
}

// validate says what is wrong with a detector that may be hostile.
func (d *Detector) validate() error {
	if d == nil || d.Version != version {
		return errors.New("the detector is empty; want one that was fitted")
	}
	if d.Formula.Words() == "" || d.Words != d.Formula.Words() {
		return fmt.Errorf("formula %.80q in the words %.200q; want one of %q, %q, %q", d.Formula, d.Words, Standardised, Smoothed, Likelihood)
	}
	if (d.Formula == Standardised) != (len(d.Scale) > 0) || len(d.Center) != len(d.Scale) {
		return fmt.Errorf("%d centres and %d scales with formula %s", len(d.Center), len(d.Scale), d.Formula)
	}
	if d.OfLines && d.Formula != Standardised {
		return fmt.Errorf("lines with formula %s", d.Formula)
	}
	for j, s := range d.Scale {
		if !(s > 0) || !finite(s) || !finite(d.Center[j]) {
			return fmt.Errorf("value %d: centre %v, scale %v; want finite ones, the scale above 0", j, d.Center[j], s)
		}
	}
	if (d.Formula != Standardised) != (d.FullHeat > 0) || !finite(d.FullHeat) {
		return fmt.Errorf("heat %v with formula %s", d.FullHeat, d.Formula)
	}
	if err := d.Calibration.validate(); err != nil {
		return err
	}
	return d.Threshold.validate()
}

func (t Threshold) validate() error {
	known := t.How == ByFalseAlarms || t.How == ByContamination || t.How == ByHand
	if !known || !finite(t.Value) || !(t.Rate >= 0 && t.Rate < 1) {
		return fmt.Errorf("threshold %v by %.80q of rate %v; want a finite one, a rate from 0 to 1, and one of %q, %q, %q",
			t.Value, t.How, t.Rate, ByFalseAlarms, ByContamination, ByHand)
	}
	return nil
}

func (c Calibration) validate() error {
	kept := len(c.Ranks)
	if kept == 0 || kept != len(c.Scores) || c.Ranks[0] < 0 || c.Ranks[kept-1] != c.N-1 {
		return fmt.Errorf("calibration of %d scores with %d ranks and %d scores kept; want as many of each, to the last", c.N, kept, len(c.Scores))
	}
	for i, s := range c.Scores {
		if !finite(s) || i > 0 && (s < c.Scores[i-1] || c.Ranks[i] <= c.Ranks[i-1]) {
			return fmt.Errorf("calibration: score %v of rank %d behind others; want finite ones that ascend", s, c.Ranks[i])
		}
	}
	return nil
}
