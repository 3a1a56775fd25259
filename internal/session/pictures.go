package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"aegis/internal/report"
	"aegis/internal/run"
	"aegis/model/program"
)

// picture is one that is being drawn, in memory: where nobody waits for it any
// more, nothing is written.
type picture struct {
	name string
	done chan error
	file bytes.Buffer // when done
}

func startPicture(name string, draw func(io.Writer) error) *picture {
	p := &picture{name: name, done: make(chan error, 1)}
	go func() { p.done <- draw(&p.file) }()
	return p
}

// store waits for a picture and writes it.
func (t *trainer) store(ctx context.Context, p *picture) error {
	select {
	case err := <-p.done:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	return t.dir.WriteFile(p.name, func(w io.Writer) error {
		_, err := p.file.WriteTo(w)
		return err
	})
}

// pictures draws the run with the parameters of model.safetensors. Where ctx
// ends before all are there, the loss still is.
func (t *trainer) pictures(ctx context.Context) error {
	others, err := t.startPictures(ctx)
	loss := t.startLoss() // now that it is known how good the model is
	err = errors.Join(err, t.store(context.WithoutCancel(ctx), loss))
	for _, p := range others {
		if stored := t.store(ctx, p); !errors.Is(err, stored) { // ctx's error once
			err = errors.Join(err, stored)
		}
	}
	return err
}

// startPictures works out what is to be seen and has each picture drawn by
// itself: that of the codes first, which takes as long as the others together.
func (t *trainer) startPictures(ctx context.Context) (started []*picture, err error) {
	mean := make(chan error, 1)
	go func() {
		mean <- t.dataset.Guard(func() error {
			t.measureMean()
			return nil
		})
	}()
	constant, started, err := t.startShown(ctx)
	if err = errors.Join(err, <-mean); err != nil {
		return started, err
	}
	return started, t.judge(ctx, t.writer.model.tensors, constant)
}

// startShown starts the pictures of what the model makes of rows and codes.
func (t *trainer) startShown(ctx context.Context) (constant constants, started []*picture, err error) {
	if err := t.setBest(); err != nil {
		return constant, nil, err
	}
	codes, constant, err := t.codes(ctx)
	if err != nil {
		return constant, nil, err
	}
	latent := startPicture(run.LatentFile, func(w io.Writer) error { return report.Latent(w, codes) })
	defer func() { started = append(started, latent) }() // others are not kept waiting by it
	if err := t.testBest(ctx); err != nil {
		return constant, nil, err
	}
	if !t.train.IsVector() {
		grid, err := t.reconstructions(ctx)
		if err != nil {
			return constant, nil, err
		}
		started = append(started, startPicture(run.ReconstructionsFile, func(w io.Writer) error { return report.Reconstructions(w, grid) }))
	}
	generated, err := t.startGenerated(ctx)
	started = append(started, generated...)
	if terms := t.startTerms(); terms != nil && err == nil {
		started = append(started, terms)
	}
	return constant, started, err
}

// setBest gives the machine the parameters of the best model, which it has where
// that is the last one of a run that came to its end.
func (t *trainer) setBest() error {
	kept := t.writer.state // no copy is made of what is large and lies there
	if t.summary.Status == Finished && kept.moment == t.writer.model.moment {
		return nil
	}
	state := &program.State{Step: kept.step, Tensors: maps.Clone(kept.tensors)}
	maps.Copy(state.Tensors, fromModel(t.program.Params, t.writer.model.tensors))
	return t.machine.SetState(state)
}

func (t *trainer) startLoss() *picture {
	c := t.lossCurve()
	return startPicture(run.LossFile, func(w io.Writer) error { return report.Loss(w, c) })
}

// lossLabel says what a loss is and its unit.
func (t *trainer) lossLabel() string {
	if t.cfg.Variational() {
		return fmt.Sprintf("%s and divergence, nats", t.cfg.Likelihood)
	}
	return fmt.Sprintf("%s, mean over pixels", t.cfg.Loss)
}

// lossCurve is the loss so far, and how good it is where that is known.
func (t *trainer) lossCurve() report.LossCurve {
	title := fmt.Sprintf("%s on %d %s", t.cfg.Model, t.rows.split.Trained(), t.noun())
	if share := t.summary.caption(); share != "" {
		title += ": " + share
	}
	c := report.LossCurve{
		Title: title,
		Label: t.lossLabel(),
	}
	c.Step, c.StepLoss = t.curve.points()
	if t.summary.MeanImageLoss != nil {
		c.Baseline, c.BaselineLabel = *t.summary.MeanImageLoss, "mean "+t.summary.noun
	}
	for _, m := range t.epochs {
		c.Epoch = append(c.Epoch, float64(m.Epoch))
		c.Train = append(c.Train, m.TrainLoss)
		if m.ValLoss != nil {
			c.Val = append(c.Val, *m.ValLoss)
		}
		if m.TestLoss != nil {
			c.Test = append(c.Test, *m.TestLoss)
		}
	}
	return c
}

// mostGrid is how many images are shown beside what becomes of them.
const mostGrid = 10

// gridRows picks the images to show: the first one of each class, or the first
// ones where there are no labels.
func gridRows(s shown) []int32 {
	labels := s.from.Labels
	if labels == nil {
		return s.rows[:min(mostGrid, len(s.rows))]
	}
	var rows []int32
	seen := make(map[byte]bool)
	for _, row := range s.rows {
		if label := labels[row]; !seen[label] {
			seen[label] = true
			rows = append(rows, row)
		}
	}
	slices.SortStableFunc(rows, func(a, b int32) int { return int(labels[a]) - int(labels[b]) })
	return rows[:min(mostGrid, len(rows))]
}

// reconstructions are some images and what becomes of them.
func (t *trainer) reconstructions(ctx context.Context) (report.Grid, error) {
	show := t.shown()
	rows, pixels, scaling := gridRows(show), t.program.PixelCount(), t.program.Scaling
	rebuilt := make([]float32, len(rows)*pixels)
	in := t.feed(show, rows)
	corrupted, err := t.corrupted(show, rows)
	if err != nil {
		return report.Grid{}, err
	}
	if corrupted != nil {
		in = program.Feed{Values: slices.Clone(corrupted), Labels: t.classesOf(show, rows)}
	}
	if err := t.machine.Infer(ctx, program.Reconstruct, in, rebuilt); err != nil {
		return report.Grid{}, err
	}
	g := report.Grid{Pixels: t.pixels()}
	scaling.Undo(rebuilt)
	if corrupted != nil {
		scaling.Undo(corrupted)
	}
	for i, row := range rows {
		original := make([]float32, pixels)
		t.read(original, show, row)
		scaling.Undo(original)
		g.Originals = append(g.Originals, original)
		g.Rebuilt = append(g.Rebuilt, rebuilt[i*pixels:][:pixels])
		if corrupted != nil {
			g.Corrupted = append(g.Corrupted, corrupted[i*pixels:][:pixels])
		}
		if show.from.Labels != nil {
			g.Captions = append(g.Captions, strconv.Itoa(int(show.from.Labels[row])))
		}
	}
	return g, nil
}
