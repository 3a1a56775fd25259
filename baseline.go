package aegis

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strings"

	"aegis/data"
	"aegis/internal/report"
	"aegis/internal/run"
	"aegis/model"
	"aegis/model/op"
	"aegis/model/program"
)

// Verdict says how good a model is, over the images that the pictures show.
type Verdict struct {
	// MeanImageLoss is the loss of always answering the training images' mean;
	// Better is by which share the model's loss is below it, null where that
	// is 0. For the loss mse it is the share of the variance explained.
	MeanImageLoss *run.Float `json:"mean_image_loss"`
	Better        *run.Float `json:"better_than_mean_image"`
	// VarianceExplained is Better where the loss is mse, null for others.
	VarianceExplained *run.Float `json:"variance_explained"`

	Warnings []string `json:"warnings,omitempty"` // what is wrong, and what to try

	noun string // of one row, image where it is empty
}

// Words is the verdict in a few words, "" where there is none.
func (v Verdict) Words() string {
	noun := cmp.Or(v.noun, "image")
	switch {
	case v.MeanImageLoss == nil:
		return ""
	case v.Better == nil:
		return fmt.Sprintf("every %s is the mean %[1]s", noun)
	case v.VarianceExplained != nil:
		return fmt.Sprintf("the mean %s's loss is %.5f: %.1f %% of the variance explained", noun, float64(*v.MeanImageLoss), 100*float64(*v.Better))
	}
	return fmt.Sprintf("the mean %s's loss is %.5f: %.1f %% better", noun, float64(*v.MeanImageLoss), 100*float64(*v.Better))
}

// measureMean fills in what answering the mean image costs.
func (t *trainer) measureMean() {
	mean := t.meanRow()
	show := t.shown()
	loss := run.Float(meanLoss(t.cfg.Loss, mean, show.from.Rows, show.rows, t.program.Scaling))
	t.summary.MeanImageLoss = &loss
}

// judge measures the model that the machine holds, whose parameters are given,
// and says what is wrong with it.
func (t *trainer) judge(ctx context.Context, params map[string]program.Tensor, codes report.Codes) error {
	show, v := t.shown(), &t.summary.Verdict
	terms, err := t.machine.Evaluate(ctx, show.set, show.rows)
	if err != nil {
		return err
	}
	base := float64(*v.MeanImageLoss)
	if base > 0 {
		better := run.Float(1 - terms[0]/base)
		v.Better = &better
		if t.cfg.Loss == model.MSE {
			v.VarianceExplained = &better
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
		better: v.Better, in: in, out: out, code: codeSpread(codes.Values, codes.Z),
		dead: deadUnits(layers, params, t.sample(show)), activation: t.cfg.Activation, noun: strings.TrimSuffix(t.noun(), "s"),
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
	if err := t.machine.Infer(ctx, program.Reconstruct, program.Input{Values: values}, rebuilt); err != nil {
		return 0, 0, err
	}
	return mean(variances(values, pixels)), mean(variances(rebuilt, pixels)), nil
}

// meanRow is the mean of the rows that are trained on, as the network reads
// them.
func (t *trainer) meanRow() []float64 {
	scaling := t.program.Scaling
	if t.measured == nil {
		return meanImage(t.train.Rows, t.rows.split.Rows(), scaling.Pixels)
	}
	shift, factor := scaling.Columns(t.program.PixelCount())
	mean := make([]float64, len(shift))
	for p, c := range t.measured.Columns {
		mean[p] = (c.Mean - float64(shift[p])) * float64(factor[p])
	}
	return mean
}

// meanImage is the mean of rows of images, as pixels.
func meanImage(images data.Rows, rows []int32, pixels data.Range) []float64 {
	sums := make([]uint64, images.Size())
	for _, row := range rows {
		for p, v := range images.ByteRow(int(row)) {
			sums[p] += uint64(v)
		}
	}
	factor, offset := pixels.Scale()
	mean := make([]float64, len(sums))
	for p, sum := range sums {
		mean[p] = float64(sum)/float64(len(rows))*float64(factor) + float64(offset)
	}
	return mean
}

// meanLoss is the loss of answering the mean to some rows.
func meanLoss(loss model.Loss, mean []float64, from data.Rows, rows []int32, scaling data.Scaling) float64 {
	logs := make([][2]float64, len(mean)) // of the mean and of its complement, for bce
	for p, m := range mean {
		const least = -100 // as PyTorch bounds a logarithm
		logs[p] = [2]float64{max(least, math.Log(m)), max(least, math.Log(1-m))}
	}
	at := func(p int, x float64) float64 {
		d := math.Abs(x - mean[p])
		switch loss {
		case model.MAE:
			return d
		case model.Huber:
			if d > 1 {
				return d - 0.5
			}
			return d * d / 2
		case model.BCE:
			return -x*logs[p][0] - (1-x)*logs[p][1]
		}
		return d * d
	}
	sum, values := 0.0, make([]float32, len(mean))
	for _, row := range rows {
		scaling.Read(values, from, int(row))
		for p, v := range values {
			sum += at(p, float64(v))
		}
	}
	return sum / float64(len(rows)) / float64(len(mean))
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

// spread counts the values of a code that never change.
type spread struct{ constant, all int }

func codeSpread(codes []float32, z int) spread {
	s := spread{all: z}
	found := variances(codes, z)
	size := 0.0
	for _, v := range codes {
		size = max(size, math.Abs(float64(v)))
	}
	for _, v := range found {
		const nothing = 1e-12 // of what the largest value would give
		if v <= nothing*size*size {
			s.constant++
		}
	}
	return s
}

// deadLayer is a layer some of whose units answer 0 to every image.
type deadLayer struct {
	name       string
	dead, size int
}

// deadUnits finds units of hidden ReLU layers that answer 0 to every image. It
// goes from the first layer to the first one that is not fully connected, or
// that costs too much on a single core.
func deadUnits(layers []model.Layer, params map[string]program.Tensor, images [][]float32) (found []deadLayer) {
	const most = 1 << 28 // products
	x, cost := images, 0
	for _, l := range layers[:len(layers)-1] {
		if l.Kind != model.Linear || l.Activation.Kind != op.ReLU && l.Activation != op.None {
			return found
		}
		if cost += l.In[0] * l.Out[0] * len(images); cost > most {
			return found
		}
		weight, bias := params[l.Name+".weight"].Data, params[l.Name+".bias"].Data
		x = forward(x, weight, bias, l.Activation)
		if l.Activation == op.None {
			continue
		}
		d := deadLayer{name: l.Name, size: l.Out[0]}
		for unit := range d.size {
			alive := false
			for _, y := range x {
				alive = alive || y[unit] != 0
			}
			if !alive {
				d.dead++
			}
		}
		found = append(found, d)
	}
	return found
}

// forward is a linear layer: weight (O,I), bias (O).
func forward(x [][]float32, weight, bias []float32, a op.Activation) [][]float32 {
	y := make([][]float32, len(x))
	for row, in := range x {
		y[row] = make([]float32, len(bias))
		for o := range bias {
			sum := bias[o]
			for i, w := range weight[o*len(in) : (o+1)*len(in)] {
				sum += w * in[i]
			}
			if a.Kind == op.ReLU {
				sum = max(0, sum)
			}
			y[row][o] = sum
		}
	}
	return y
}

// findings are what warnings are about.
type findings struct {
	better     *run.Float // than the mean image
	in, out    float64    // variances of images, and of what is rebuilt
	code       spread
	dead       []deadLayer
	activation string
	noun       string // of one row
}

// warnings says what is wrong, and what to try; nil where nothing is.
func warnings(f findings) (all []string) {
	const (
		little = 0.02 // of the mean image's loss
		alike  = 1e-4 // of the images' variance
	)
	if f.better != nil && !(float64(*f.better) >= little) {
		all = append(all, fmt.Sprintf("the model is no better than the mean %s: its loss is %.2f times as high; try another learning rate, more epochs or a wider code",
			f.noun, 1-float64(*f.better)))
	}
	if f.out < alike*f.in {
		all = append(all, "the network answers alike to different "+f.noun+"s: try a tenth of the learning rate, or the activation gelu or leakyrelu")
	}
	switch constant, size := f.code.constant, f.code.all; {
	case constant == size:
		all = append(all, "the code has collapsed: it is the same for every "+f.noun+"; try a tenth of the learning rate, another activation or seed")
	case 2*constant >= size:
		all = append(all, fmt.Sprintf("%d of the code's %d values are the same for every %s: fewer would do, or try a lower learning rate", constant, size, f.noun))
	}
	for _, d := range f.dead {
		if 10*d.dead >= 9*d.size {
			all = append(all, fmt.Sprintf("%d of the %d units of %s are dead (0 for every %s): try a tenth of the learning rate, or another activation than %s",
				d.dead, d.size, d.name, f.noun, f.activation))
		}
	}
	return all
}
