package session

import (
	"fmt"
	"slices"

	"aegis/model"
	"aegis/model/op"
	"aegis/model/program"
)

// deadLayer is a layer some of whose units answer 0 to every image.
type deadLayer struct {
	name       string
	dead, size int
}

// deadUnits finds units of hidden ReLU layers that answer 0 to every image. It
// goes from the first layer to the first one that is not fully connected, has a
// batch norm behind it, or costs too much on a single core.
func deadUnits(layers []model.Layer, params map[string]program.Tensor, images [][]float32) (found []deadLayer) {
	const most = 1 << 28 // products
	x, cost := images, 0
	for _, l := range layers[:len(layers)-1] {
		if l.Head() || l.Norm != "" || l.Kind != model.Linear || l.Activation.Kind != op.ReLU && l.Activation != op.None {
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

// beside puts the class of each image, one-hot, behind it, where there are some.
func beside(images [][]float32, classes []int32, of int) [][]float32 {
	if of == 0 {
		return images
	}
	all := make([][]float32, len(images))
	for i, pixels := range images {
		all[i] = append(slices.Clone(pixels), make([]float32, of)...)
		all[i][len(pixels)+int(classes[i])] = 1
	}
	return all
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
	better     *float64 // than the mean image
	in, out    float64  // variances of images, and of what is rebuilt
	code       constants
	deadCode   []int // dimensions of a code that is a distribution; nil: it is none
	dead       []deadLayer
	activation string
}

// warnings says what is wrong, and what to try; nil where nothing is.
func warnings(f findings, noun string) (all []string) {
	defer func() {
		for i := range all {
			all[i] = called(noun, all[i])
		}
	}()
	const (
		little = 0.02 // of the mean image's loss
		alike  = 1e-4 // of the images' variance
	)
	if f.better != nil && !(*f.better >= little) {
		all = append(all, noBetter(*f.better)+"; try another learning rate, more epochs or a wider code")
	}
	if f.out < alike*f.in {
		all = append(all, "the network answers alike to different images: try a tenth of the learning rate, or the activation gelu or leakyrelu")
	}
	switch constant, size := f.code.constant, f.code.all; {
	case f.deadCode != nil:
		if text := collapsed(f.deadCode, size); text != "" {
			all = append(all, text)
		}
	case constant == size:
		all = append(all, "the code has collapsed: it is the same for every image; try a tenth of the learning rate, another activation or seed")
	case 2*constant >= size:
		all = append(all, fmt.Sprintf("%d of the code's %d values are the same for every image: fewer would do, or try a lower learning rate", constant, size))
	}
	for _, d := range f.dead {
		if 10*d.dead >= 9*d.size {
			all = append(all, fmt.Sprintf("%d of the %d units of %s are dead (0 for every image): try a tenth of the learning rate, or another activation than %s",
				d.dead, d.size, d.name, f.activation))
		}
	}
	return all
}

// noBetter says by how much a model is no better than the mean image.
func noBetter(better float64) string {
	if better >= 0.001 {
		return fmt.Sprintf("the model is hardly better than the mean image: its loss is %.1f %% lower", 100*better)
	}
	return "the model is no better than the mean image: its loss is " + timesAsHigh(1-better)
}
