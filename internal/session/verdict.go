package session

import (
	"context"
	"fmt"

	"aegis/data"
	"aegis/internal/report"
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
}

// Words is the verdict in a few words, "" where there is none.
func (v Verdict) Words() string {
	switch {
	case v.MeanImageLoss == nil:
		return ""
	case v.Better == nil:
		return "every image is the mean image"
	case v.VarianceExplained != nil:
		return fmt.Sprintf("the mean image's loss is %.5f: %.1f %% of the variance explained", *v.MeanImageLoss, 100**v.Better)
	}
	return fmt.Sprintf("the mean image's loss is %.5f: %.1f %% better", *v.MeanImageLoss, 100**v.Better)
}

// measureMean fills in what answering the mean image costs.
func (t *trainer) measureMean() {
	mean := t.meanRow()
	show := t.shown()
	t.summary.MeanImageLoss = finite(meanLoss(t.cfg.Loss, mean, show.from.Rows, show.rows, t.program.Scaling))
}

// judge measures the model that the machine holds, whose parameters are given,
// and says what is wrong with it.
func (t *trainer) judge(ctx context.Context, params map[string]program.Tensor, codes report.Codes) error {
	show, v := t.shown(), &t.summary.Verdict
	terms, err := t.machine.Evaluate(ctx, show.set, show.rows)
	if err != nil {
		return err
	}
	var better *float64
	if base := v.MeanImageLoss; base != nil && *base > 0 {
		share := 1 - terms[0] / *base
		better, v.Better = &share, finite(share)
		if t.cfg.Loss == model.MSE {
			v.VarianceExplained = v.Better
		}
	}
	in, out, err := t.spreads(ctx, show)
	if err != nil || in == 0 {
		return err // images that are all alike say nothing
	}
	layers, err := t.cfg.Layers()
	if err != nil {
		return err
	}
	v.Warnings = warnings(findings{
		better: better, in: in, out: out, code: codeSpread(codes.Values, codes.Z),
		dead: deadUnits(layers, params, t.sample(show)), activation: t.cfg.Activation,
	})
	return nil
}

// judgedRows is how many images show whether a network's outputs are alike,
// and whether a unit is dead.
const judgedRows = 128

// sample returns pixels of some of the images.
func (t *trainer) sample(show shown) [][]float32 {
	rows := data.Sample(len(show.rows), judgedRows, 0, "judged")
	images := make([][]float32, len(rows))
	for i, at := range rows {
		images[i] = make([]float32, t.program.PixelCount())
		t.program.Scaling.Read(images[i], show.from.Rows, int(show.rows[at]))
	}
	return images
}

// spreads returns the variance, a mean over pixels, of some images and of what
// is rebuilt from them.
func (t *trainer) spreads(ctx context.Context, show shown) (in, out float64, err error) {
	images, pixels := t.sample(show), t.program.PixelCount()
	var values []float32
	for _, image := range images {
		values = append(values, image...)
	}
	rebuilt := make([]float32, len(values))
	if err := t.machine.Infer(ctx, program.Reconstruct, program.Feed{Values: values}, rebuilt); err != nil {
		return 0, 0, err
	}
	return mean(variances(values, pixels)), mean(variances(rebuilt, pixels)), nil
}

// variances returns the variance of each column of values (n,width).
func variances(values []float32, width int) []float64 {
	n := len(values) / width
	means, sums := make([]float64, width), make([]float64, width)
	for i, v := range values {
		means[i%width] += float64(v) / float64(n)
	}
	for i, v := range values {
		d := float64(v) - means[i%width]
		sums[i%width] += d * d / float64(n)
	}
	return sums
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v / float64(len(values))
	}
	return sum
}
