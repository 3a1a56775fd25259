package session

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"aegis/data"
	"aegis/model"
	"aegis/model/program"
)

// Verdict says how good a model is, over the images that the pictures show.
type Verdict struct {
	// MeanImageLoss is the loss of always answering the training images' mean;
	// Better is by which share the model's loss is below it, null where that
	// is 0. For the loss mse it is the share of the variance explained.
	MeanImageLoss *float64 `json:"mean_image_loss"`
	Better        *float64 `json:"better_than_mean_image"`
	// VarianceExplained is Better where the loss is mse, null for others.
	VarianceExplained *float64 `json:"variance_explained"`

	Warnings []string `json:"warnings,omitempty"` // what is wrong, and what to try

	noun string // of one row, image where it is empty
}

// called is a text about images, about rows where they are none.
func called(noun, text string) string {
	return strings.ReplaceAll(text, "image", cmp.Or(noun, "image"))
}

// Words is the verdict in a few words, "" where there is none.
func (v Verdict) Words() string { return called(v.noun, v.words()) }

func (v Verdict) words() string {
	switch {
	case v.MeanImageLoss == nil:
		return ""
	case v.Better == nil:
		return "every image is the mean image"
	}
	base := fmt.Sprintf("the mean image's loss is %.5f: ", *v.MeanImageLoss)
	if !(*v.Better > 0) {
		return base + "the model's is " + timesAsHigh(1-*v.Better)
	}
	return base + v.share()
}

// caption is how good the model is for who sees the mean image's loss, "" where
// that is not known.
func (v Verdict) caption() string { return called(v.noun, v.ofMeanImage()) }

func (v Verdict) ofMeanImage() string {
	switch {
	case v.Better == nil:
		return ""
	case !(*v.Better > 0):
		return timesAsHigh(1-*v.Better) + " as the mean image's"
	case v.VarianceExplained != nil:
		return v.share()
	}
	return v.share() + " than the mean image"
}

// share says by how much a model is better than the mean image.
func (v Verdict) share() string {
	if v.VarianceExplained != nil {
		return fmt.Sprintf("%.1f %% of the variance explained", 100**v.Better)
	}
	return fmt.Sprintf("%.1f %% better", 100**v.Better)
}

// timesAsHigh says how much higher a loss is, whose ratio to another is given.
func timesAsHigh(ratio float64) string {
	switch {
	case math.IsNaN(ratio) || math.IsInf(ratio, 0):
		return "no finite number"
	case ratio < 1.005:
		return "as high"
	case ratio < 1000:
		return fmt.Sprintf("%.2f times as high", ratio)
	}
	return "more than 1000 times as high"
}

// measureMean fills in what answering the mean image costs.
func (t *trainer) measureMean() {
	mean := t.meanRow()
	show := t.shown()
	if t.cfg.Variational() {
		if t.cfg.Likelihood == model.Bernoulli { // a density's logarithm has no zero to compare with
			loss := held(meanLoss(model.BCE, mean, show.from.Rows, show.rows, t.program.Scaling))
			t.summary.MeanImageLoss = finite(loss * float64(len(mean)))
		}
		return
	}
	t.summary.MeanImageLoss = finite(held(meanLoss(t.cfg.Loss, mean, show.from.Rows, show.rows, t.program.Scaling)))
}

// held is a number as float32 holds it where it is small: losses are of float32,
// and a smaller one than that is none.
func held(v float64) float64 {
	if v < data.LeastNormal {
		return 0
	}
	return v
}

// judge measures the model that the machine holds, whose parameters are given,
// and says what is wrong with it.
func (t *trainer) judge(ctx context.Context, params map[string]program.Tensor, code constants) error {
	show, v := t.shown(), &t.summary.Verdict
	loss, err := t.shownLoss(ctx, show)
	if err != nil {
		return err
	}
	if finite(loss) == nil {
		v.MeanImageLoss = nil // there is nothing to set beside it
		v.Warnings = []string{fmt.Sprintf("the loss of the %s is no finite number: look there for values far from those that were trained on", show.what)}
		return nil
	}
	var better *float64
	if base := v.MeanImageLoss; base != nil && *base > 0 {
		share := 1 - loss / *base
		better, v.Better = &share, finite(share)
		if t.cfg.Loss == model.MSE {
			v.VarianceExplained = v.Better
		}
	}
	images, classes := t.sample(show)
	in, out, err := t.spreads(ctx, images, classes)
	if err != nil || held(in) == 0 {
		return err // images that are all alike say nothing
	}
	layers, err := t.cfg.Layers()
	if err != nil {
		return err
	}
	v.Warnings = warnings(findings{
		better: better, in: in, out: out, code: code, deadCode: t.dead,
		dead: deadUnits(layers, params, beside(images, classes, layers[0].Classes)), activation: t.cfg.Activation,
	}, v.noun)
	if text := t.unseen(); text != "" {
		v.Warnings = append(v.Warnings, text)
	}
	v.Warnings = append(v.Warnings, farFromPrior(t.summary.CodeMeans, t.summary.CodeDeviations, t.cfg.PriorDeviation())...)
	return nil
}

// shownLoss returns the model's loss over what pictures show: the test set's is
// known, or is no finite number.
func (t *trainer) shownLoss(ctx context.Context, show shown) (float64, error) {
	if show.tests {
		if t.bestTest == nil {
			return math.NaN(), nil
		}
		return float64(*t.bestTest), nil
	}
	terms, err := t.machine.Evaluate(ctx, show.set, show.rows)
	if err != nil {
		return 0, err
	}
	return terms[0], nil
}

// judgedRows is how many images show whether a network's outputs are alike,
// and whether a unit is dead: fewer of large ones.
func judgedRows(pixels int) int {
	const most, least, values = 128, 16, 1 << 24
	return min(most, max(least, values/pixels))
}

// sample returns pixels of some of the images, and their classes where the
// network reads them.
func (t *trainer) sample(show shown) (images [][]float32, classes []int32) {
	pixels := t.program.PixelCount()
	rows := data.Sample(len(show.rows), judgedRows(pixels), 0, "judged")
	values := make([]float32, len(rows)*pixels)
	for i, at := range rows {
		rows[i] = show.rows[at]
		images = append(images, values[i*pixels:][:pixels])
		t.read(images[i], show, rows[i])
	}
	return images, t.classesOf(show, rows)
}

// spreads returns the variance, a mean over pixels, of some images and of what
// is rebuilt from them.
func (t *trainer) spreads(ctx context.Context, images [][]float32, classes []int32) (in, out float64, err error) {
	pixels := t.program.PixelCount()
	values := slices.Concat(images...)
	rebuilt := make([]float32, len(values))
	if err := t.machine.Infer(ctx, program.Reconstruct, program.Feed{Values: values, Labels: classes}, rebuilt); err != nil {
		return 0, 0, err
	}
	return mean(variances(values, pixels)), mean(variances(rebuilt, pixels)), nil
}

// variances returns the variance of each column of values (n,width): 0, to the
// last bit, of values that are alike.
func variances(values []float32, width int) []float64 {
	s := newSpread(width)
	s.add(values)
	return s.variances()
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v / float64(len(values))
	}
	return sum
}
