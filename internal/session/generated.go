package session

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"

	"aegis/internal/report"
	"aegis/internal/run"
	"aegis/model/program"
)

// generates tells a model whose codes follow a known distribution, so that
// codes drawn from it decode to new images.
func (c Config) generates() bool { return c.Variational() || c.Adversarial() }

const (
	sampleSide = 10 // samples a line, and lines
	gridSide   = 20 // of the grid over a code of two values
)

// startGenerated has pictures drawn of what the decoder makes of codes that no
// image has: samples of the prior, and a grid over it where a code has two
// values. Vectors are no pictures.
func (t *trainer) startGenerated(ctx context.Context) (started []*picture, err error) {
	if !t.cfg.generates() || t.train.IsVector() {
		return nil, nil
	}
	samples, err := t.samples(ctx)
	if err != nil {
		return nil, err
	}
	started = append(started, startPicture(run.SamplesFile, func(w io.Writer) error { return report.Images(w, samples) }))
	if t.cfg.Latent != 2 || t.cfg.Condition != "" { // one grid for each class is too many
		return started, nil
	}
	grid, err := t.codeGrid(ctx)
	if err != nil {
		return started, err
	}
	return append(started, startPicture(run.GridFile, func(w io.Writer) error { return report.Images(w, grid) })), nil
}

// samples are images of codes drawn from the prior, by seed.
func (t *trainer) samples(ctx context.Context) (report.Sheet, error) {
	n, z := sampleSide*sampleSide, t.cfg.Latent
	codes := make([]float32, n*z)
	if err := t.cfg.DrawPrior(codes, uint64(t.cfg.Seed)); err != nil {
		return report.Sheet{}, err
	}
	s := report.Sheet{
		Title:   fmt.Sprintf("%s: decoded from codes drawn from %s", t.cfg.Model, t.cfg.priorName()),
		Columns: sampleSide,
	}
	if t.cfg.Condition != "" {
		return t.samplesOfClasses(ctx, s, codes[:sampleSide*z])
	}
	return s, t.decodeTo(ctx, &s, codes, nil)
}

// samplesOfClasses are images of each code as each class, a line for a code and
// a column for a class.
func (t *trainer) samplesOfClasses(ctx context.Context, s report.Sheet, codes []float32) (report.Sheet, error) {
	const most = 32 // classes that are shown
	s.Title = fmt.Sprintf("%s: codes drawn from N(0, 1), as each class", t.cfg.Model)
	s.Columns = min(t.cfg.Classes, most)
	for class := range s.Columns {
		s.ColumnCaptions = append(s.ColumnCaptions, strconv.Itoa(class))
	}
	var all []float32
	var classes []int32
	for z := t.cfg.Latent; len(codes) > 0; codes = codes[z:] {
		for class := range s.Columns {
			all, classes = append(all, codes[:z]...), append(classes, int32(class))
		}
	}
	return s, t.decodeTo(ctx, &s, all, classes)
}

// priorName is what codes are held to.
func (c Config) priorName() string {
	if c.Spec.NormalPrior() {
		return "N(0, 1)"
	}
	return "the prior " + c.Prior
}

// codeGrid is the plane of a code of two values, over the prior.
func (t *trainer) codeGrid(ctx context.Context) (report.Sheet, error) {
	s := report.Sheet{
		Title:   fmt.Sprintf("%s: decoded from codes on a grid over %s", t.cfg.Model, t.cfg.priorName()),
		Columns: gridSide, XLabel: "z1", YLabel: "z2",
	}
	at := t.cfg.PriorSteps(gridSide)
	for _, x := range at {
		s.ColumnCaptions = append(s.ColumnCaptions, fmt.Sprintf("%.2f", x))
	}
	var codes []float32
	for i := range gridSide {
		y := at[gridSide-1-i] // upwards
		s.LineCaptions = append(s.LineCaptions, fmt.Sprintf("%.2f", y))
		for _, x := range at {
			codes = append(codes, x, y)
		}
	}
	return s, t.decodeTo(ctx, &s, codes, nil)
}

// decodeTo puts what codes become on a sheet, of classes where the decoder
// reads them.
func (t *trainer) decodeTo(ctx context.Context, s *report.Sheet, codes []float32, classes []int32) error {
	s.Pixels = t.pixels()
	n, size := len(codes)/t.cfg.Latent, t.program.PixelCount()
	decoded := make([]float32, n*size)
	if err := t.machine.Infer(ctx, program.Decode, program.Feed{Values: codes, Labels: classes}, decoded); err != nil {
		return err
	}
	t.program.Scaling.Undo(decoded)
	for i := range n {
		s.Images = append(s.Images, decoded[i*size:][:size])
	}
	return nil
}

// pixels is how images are shown.
func (t *trainer) pixels() report.Pixels {
	scaling := t.program.Scaling
	p := report.Pixels{
		C: t.cfg.Image[0], H: t.cfg.Image[1], W: t.cfg.Image[2], Lo: scaling.Pixels.Lo, Hi: scaling.Pixels.Hi,
	}
	if t.measured != nil {
		all := t.measured.All()
		p.Lo, p.Hi = float32(all.Min), max(float32(all.Max), math.Nextafter32(float32(all.Min), math.MaxFloat32))
	}
	return p
}

// startTerms has the terms of the loss drawn, where there are several.
func (t *trainer) startTerms() *picture {
	if len(t.epochs) == 0 || t.epochs[0].Terms == nil {
		return nil
	}
	c := report.TermCurves{Title: fmt.Sprintf("%s: terms of the loss", t.cfg.Model)}
	if t.cfg.generates() {
		c.Unit = "nats"
	}
	names := t.program.LossNames()[1:] // the first one is the loss, and has a picture
	c.Terms = make([]report.Term, len(names))
	value := func(terms map[string]float64, name string) float64 {
		if v, ok := terms[name]; ok {
			return v
		}
		return math.NaN()
	}
	for _, m := range t.epochs {
		c.Epoch = append(c.Epoch, float64(m.Epoch))
		for i, name := range names {
			c.Terms[i].Name = name
			c.Terms[i].Train = append(c.Terms[i].Train, value(m.Terms, name))
			c.Terms[i].Val = append(c.Terms[i].Val, value(m.ValTerms, name))
			c.Terms[i].Test = append(c.Terms[i].Test, value(m.TestTerms, name))
		}
	}
	return startPicture(run.TermsFile, func(w io.Writer) error { return report.Terms(w, c) })
}
