package picture

import (
	"fmt"
	"io"
	"slices"

	"aegis/internal/infer"
	"aegis/internal/report"
	"aegis/model"
	"aegis/model/program"
)

// Filters draws the weights of the first layer, which say what it looks for, of a
// model's file: of a network that reads images fully connected an image for each
// unit, of a convolution its kernels, of vectors a matrix of columns and units;
// above 0 is orange, below blue, all on one scale. It shows a hundred images at
// most, those of an image's channels beside one another, or 512 columns and units.
func Filters(w io.Writer, file string, spec model.Spec, o PlotOptions) error {
	layers, err := spec.Layers()
	if err != nil {
		return err
	}
	state, err := infer.ReadState(file)
	if err != nil {
		return err
	}
	first := layers[0]
	weights, ok := state.Tensors[first.Name+".weight"]
	if !ok {
		return fmt.Errorf("aegis: plot filters of %s: it has no weights %s.weight", file, first.Name)
	}
	if isVector(spec) {
		return plotted("filters", report.HeatMap(w, columnWeights(spec, first, weights, o)))
	}
	return plotted("filters", report.Signed(w, imageWeights(spec, first, weights, o)))
}

// inputs is how many values of a row each unit has weights for; what follows are
// those of its class.
func inputs(l model.Layer) int {
	if l.Kind == model.Conv2d {
		return l.In[0] * l.Kernel[0] * l.Kernel[1]
	}
	return l.In[0] - l.Classes
}

// imageWeights are the weights as images, a channel each.
func imageWeights(spec model.Spec, l model.Layer, weights program.Tensor, o PlotOptions) report.Filters {
	channels, h, w := spec.Image[0], spec.Image[1], spec.Image[2]
	what := "units"
	if l.Kind == model.Conv2d {
		h, w, what = l.Kernel[0], l.Kernel[1], "kernels"
	}
	units := weights.Shape[0]
	shown := min(units, max(1, report.MaxFilters/channels))
	perRow := len(weights.Data) / units
	f := report.Filters{H: h, W: w, Columns: max(1, 10/channels) * channels, Label: "weight", Format: o.format()}
	f.Title = o.title("%s: weights of the first layer, %d of %d %s", spec.Model, shown, units, what)
	for unit := range shown {
		for c := range min(channels, report.MaxFilters) {
			name := fmt.Sprint(unit + 1)
			if channels > 1 {
				name += channelName(c, channels)
			}
			f.Captions = append(f.Captions, name)
			f.Images = append(f.Images, weights.Data[unit*perRow+c*h*w:][:h*w])
		}
	}
	return f
}

func channelName(c, channels int) string {
	if channels == 3 {
		return []string{" red", " green", " blue"}[c]
	}
	return fmt.Sprintf(" ch %d", c+1)
}

// columnWeights are those of vectors: a line a column, a column a unit.
func columnWeights(spec model.Spec, l model.Layer, weights program.Tensor, o PlotOptions) report.Heat {
	names := slices.Clone(spec.Form.Columns)
	for i := len(names); i < inputs(l); i++ {
		names = append(names, fmt.Sprintf("x%d", i+1))
	}
	units, all := weights.Shape[0], len(names)
	perRow := len(weights.Data) / units
	shown := min(units, report.MaxHeat)
	names = names[:min(all, report.MaxHeat)]
	h := report.Heat{Lines: names, Columns: shown, XLabel: "unit of the first layer", Label: "weight", Format: o.format()}
	h.Title = o.title("%s: weights of the first layer", spec.Model)
	if o.Title == "" && (shown < units || len(names) < all) {
		h.Title += fmt.Sprintf(", %d of %d columns and %d of %d units", len(names), all, shown, units)
	}
	for i := range names {
		for unit := range shown {
			h.Values = append(h.Values, weights.Data[unit*perRow+i])
		}
	}
	return h
}
