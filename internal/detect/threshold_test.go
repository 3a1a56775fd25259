package detect

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

// upTo is 1, 2, … n.
func upTo(n int) (scores []float64) {
	for i := range n {
		scores = append(scores, float64(i+1))
	}
	return scores
}

func TestThresholds(t *testing.T) {
	for _, c := range []struct {
		what string
		set  func(*Detector) error
		want float64
		fail string
	}{
		{"1 % of 99 normal rows", func(d *Detector) error { return d.SetFalseAlarms(0.01) }, 99, ""},
		{"10 % of 99 normal rows", func(d *Detector) error { return d.SetFalseAlarms(0.1) }, 90, ""},
		{"half of 99 normal rows", func(d *Detector) error { return d.SetFalseAlarms(0.5) }, 50, ""},
		{"too low a rate", func(d *Detector) error { return d.SetFalseAlarms(0.009) }, 0, "want more rows"},
		{"no rate", func(d *Detector) error { return d.SetFalseAlarms(math.NaN()) }, 0, "between 0 and 1"},
		{"1 % of 1000", func(d *Detector) error { return d.SetContamination(0.01, upTo(1000)) }, 990, ""},
		{"3 of 7", func(d *Detector) error { return d.SetContamination(0.43, upTo(7)) }, 4, ""},
		{"less than one", func(d *Detector) error { return d.SetContamination(0.01, upTo(7)) }, 7, ""},
		{"all", func(d *Detector) error { return d.SetContamination(0.99, upTo(7)) }, math.Nextafter(1, 0), ""},
		{"no scores", func(d *Detector) error { return d.SetContamination(0.1, nil) }, 0, "at least one"},
		{"a NaN", func(d *Detector) error { return d.SetContamination(0.1, []float64{1, math.NaN()}) }, 0, "score 1"},
		{"by hand", func(d *Detector) error { return d.SetThreshold(2.5) }, 2.5, ""},
		{"infinite", func(d *Detector) error { return d.SetThreshold(math.Inf(1)) }, 0, "finite"},
	} {
		d := &Detector{Calibration: calibrate(upTo(99))}
		err := c.set(d)
		if c.fail != "" {
			if err == nil || !strings.Contains(err.Error(), c.fail) || d.Threshold != (Threshold{}) {
				t.Errorf("%s: error %v, threshold %v; want %q and none", c.what, err, d.Threshold, c.fail)
			}
		} else if err != nil || d.Threshold.Value != c.want {
			t.Errorf("%s: threshold %v, %v; want %v", c.what, d.Threshold, err, c.want)
		}
	}
}

// TestCalibrationOfMany keeps the tail as it is and of the rest no less than asked.
func TestCalibrationOfMany(t *testing.T) {
	d := &Detector{Calibration: calibrate(upTo(100_000))}
	if kept := len(d.Calibration.Ranks); kept != keptTail+keptRest {
		t.Errorf("%d scores kept; want %d", kept, keptTail+keptRest)
	}
	for _, c := range []struct{ rate, least, most float64 }{
		{0.00001, 100_000, 100_000}, {0.001, 99_901, 99_901}, {0.01, 99_001, 99_001}, {0.1, 90_001, 90_401}, {0.9, 10_001, 10_401},
	} {
		if err := d.SetFalseAlarms(c.rate); err != nil {
			t.Errorf("rate %v: %v", c.rate, err)
		} else if v := d.Threshold.Value; v < c.least || v > c.most {
			t.Errorf("rate %v: threshold %v; want %v to %v", c.rate, v, c.least, c.most)
		}
	}
}

// detectors are small ones of each kind.
func detectors() []*Detector {
	tail := Calibration{N: 4, Ranks: []int{1, 2, 3}, Scores: []float64{0.5, 1, 1e300}}
	t := Threshold{Value: 1, How: ByFalseAlarms, Rate: 0.25}
	return []*Detector{
		{version, "ab", Standardised, Standardised.Words(), true, []float64{0, -1e-9}, []float64{1, 2}, 0, tail, t},
		{version, "ab", Smoothed, Smoothed.Words(), false, nil, nil, 0.125, tail, Threshold{Value: -3, How: ByHand}},
	}
}

// TestDamage changes a file at every byte, and cuts it off there.
func TestDamage(t *testing.T) {
	for _, d := range detectors() {
		var whole bytes.Buffer
		if err := d.Encode(&whole); err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(bytes.NewReader(whole.Bytes())); err != nil {
			t.Fatal(err)
		}
		for i := range whole.Len() {
			if _, err := Decode(bytes.NewReader(whole.Bytes()[:i])); err == nil {
				t.Errorf("cut off at byte %d: no error", i)
			}
			for _, bits := range []byte{1, 2, 4, 8, 16, 32, 64, 128} {
				text := bytes.Clone(whole.Bytes())
				text[i] ^= bits
				if _, err := Decode(bytes.NewReader(text)); err == nil {
					t.Errorf("byte %d, %q in place of %q: no error", i, text[i], whole.Bytes()[i])
				}
			}
		}
	}
}

// TestHostile: files whose hash is right and whose numbers are not.
func TestHostile(t *testing.T) {
	for what, change := range map[string]func(*Detector){
		"version":           func(d *Detector) { d.Version = 2 },
		"formula":           func(d *Detector) { d.Formula = "other" },
		"words":             func(d *Detector) { d.Words = "other" },
		"no scale":          func(d *Detector) { d.Scale = nil },
		"a scale of 0":      func(d *Detector) { d.Scale[0] = 0 },
		"too few centres":   func(d *Detector) { d.Center = d.Center[:1] },
		"heat of vectors":   func(d *Detector) { d.FullHeat = 1 },
		"no calibration":    func(d *Detector) { d.Calibration = Calibration{} },
		"negative ranks":    func(d *Detector) { d.Calibration.Ranks[0] = -1 },
		"ranks out of turn": func(d *Detector) { d.Calibration.Ranks[0] = 2 },
		"scores that fall":  func(d *Detector) { d.Calibration.Scores[0] = 2 },
		"ranks missing":     func(d *Detector) { d.Calibration.Ranks = d.Calibration.Ranks[:2] },
		"a rate":            func(d *Detector) { d.Threshold.Rate = 1 },
		"how":               func(d *Detector) { d.Threshold.How = "" },
	} {
		d := detectors()[0]
		change(d)
		if err := d.Encode(&bytes.Buffer{}); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, d := range detectors() {
		var text bytes.Buffer
		if err := d.Encode(&text); err != nil {
			f.Fatal(err)
		}
		f.Add(text.Bytes())
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if d, err := Decode(bytes.NewReader(text)); err == nil {
			if err := d.validate(); err != nil {
				t.Error(err)
			}
		}
	})
}
