package pytorch

import (
	_ "embed"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/template"

	"aegis/data"
	"aegis/internal/detect"
	"aegis/model"
	"aegis/model/op"
)

//go:embed model.py.tmpl
var moduleText string

var moduleTemplate = template.Must(template.New(ModuleFile).Funcs(template.FuncMap{"list": list, "quote": strconv.QuoteToASCII}).Parse(moduleText))

// source is what the text of model.py is made of.
type source struct {
	Network

	Encoder, Decoder, Discriminator []string // modules of an nn.Sequential
	Mu, LogVar                      string   // of a variational network

	First, Row, Code []int // a row as the encoder reads it and as it is, a code as the decoder reads it

	Loss    string // its kind, as package op names it
	Delta   string // where it has a number
	Learned bool   // the deviation is a parameter
	Uses    map[string]bool
	Formula detect.Formula // "": there is no detector
	Window  int            // of a detector of lines: how many are a row
	Step    int
	Columns int // of a line
}

// writeModule writes model.py.
func (n Network) writeModule(w io.Writer) error {
	m, err := n.source()
	if err == nil {
		err = moduleTemplate.Execute(w, m)
	}
	if err != nil {
		return fmt.Errorf("pytorch: export %s: %w", ModuleFile, err)
	}
	return nil
}

func (n Network) source() (*source, error) {
	m := &source{Network: n, Uses: make(map[string]bool)}
	layers, err := n.Spec.Layers()
	if err != nil {
		return nil, err
	}
	discriminator, err := n.Spec.DiscriminatorLayers()
	if err != nil {
		return nil, err
	}
	halves := make(map[string][]model.Layer)
	for _, l := range layers {
		half, _, _ := strings.Cut(l.Name, ".")
		halves[half] = append(halves[half], l)
	}
	for _, s := range []struct {
		name   string
		layers []model.Layer
		to     *[]string
	}{{"encoder", halves["encoder"], &m.Encoder}, {"decoder", halves["decoder"], &m.Decoder}, {"discriminator", discriminator, &m.Discriminator}} {
		if *s.to, err = m.sequential(s.name, s.layers); err != nil {
			return nil, err
		}
	}
	if n.Spec.Variational() {
		m.Mu, m.LogVar = linear(halves["mu"][0]), linear(halves["logvar"][0])
	}
	m.shapes(halves["encoder"], halves["decoder"])
	m.loss()
	m.judge()
	return m, nil
}

// shapes says what both halves read.
func (m *source) shapes(encoder, decoder []model.Layer) {
	image := m.Spec.Image
	if m.Row = image[:]; image[0] == 0 {
		m.Row = image[2:]
	}
	m.First = encoder[0].In
	if m.Spec.Family == model.FullyConnected {
		m.First = []int{data.Shape{C: image[0], H: image[1], W: image[2]}.Size()}
	}
	if m.Code = decoder[0].In; len(m.Code) == 1 {
		m.Code = []int{m.Spec.Latent}
	}
}

// loss says what rows cost.
func (m *source) loss() {
	_, loss := m.Spec.Scored()
	m.Loss, m.Learned = string(loss.Kind), m.Spec.Likelihood == model.GaussianLearned
	if loss.Delta != 0 {
		m.Delta = number(loss.Delta)
	}
}

// judge says how rows are judged.
func (m *source) judge() {
	if m.Detector == nil {
		return
	}
	m.Formula = m.Detector.Formula
	if t := m.Spec.Form.Table; m.Detector.OfLines && t != nil {
		m.Window, m.Step, m.Columns = t.Window, min(t.Step, t.Window), m.Spec.Image[2]/t.Window
	}
}

// sequential are the modules of a half, in the places that the layers' names
// say.
func (m *source) sequential(name string, layers []model.Layer) (all []string, err error) {
	for i, l := range layers {
		if i > 0 && len(l.In) != len(layers[i-1].Out) {
			all = append(all, fmt.Sprintf("nn.Unflatten(1, %s)", list(l.In)))
		}
		if at := fmt.Sprintf("%s.%d", name, len(all)); at != l.Name {
			return nil, fmt.Errorf("layer %s would be %s", l.Name, at)
		}
		all = append(all, layer(l))
		if l.Norm != "" {
			all = append(all, fmt.Sprintf("nn.BatchNorm%dd(%d)", max(1, len(l.Out)-1), l.Out[0]))
		}
		text, err := m.activation(l.Activation)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.Name, err)
		}
		if text != "" {
			all = append(all, text)
		}
	}
	if name != "encoder" || len(layers) == 0 {
		return all, nil
	}
	if len(layers[len(layers)-1].Out) > 1 {
		all = append(all, "nn.Flatten()")
	}
	if k := m.Spec.TopK(); k > 0 {
		m.Uses["TopK"] = true
		all = append(all, fmt.Sprintf("TopK(%d)", k))
	}
	return all, nil
}

func layer(l model.Layer) string {
	switch l.Kind {
	case model.Conv2d:
		return fmt.Sprintf("nn.Conv2d(%d, %d, %s)", l.In[0], l.Out[0], window(l))
	case model.ConvTranspose2d:
		text := window(l)
		if l.OutputPadding != [2]int{} {
			text += ", output_padding=" + pair(l.OutputPadding)
		}
		return fmt.Sprintf("nn.ConvTranspose2d(%d, %d, %s)", l.In[0], l.Out[0], text)
	}
	return linear(l)
}

func linear(l model.Layer) string { return fmt.Sprintf("nn.Linear(%d, %d)", l.In[0], l.Out[0]) }

func window(l model.Layer) string {
	text := "kernel_size=" + pair(l.Kernel)
	if l.Window.Stride != [2]int{1, 1} {
		text += ", stride=" + pair(l.Window.Stride)
	}
	if l.Window.Padding != [2]int{} {
		text += ", padding=" + pair(l.Window.Padding)
	}
	return text
}

// activation is "" for none.
func (m *source) activation(a op.Activation) (string, error) {
	switch a.Kind {
	case op.Identity:
		return "", nil
	case op.ReLU:
		return "nn.ReLU()", nil
	case op.LeakyReLU:
		return fmt.Sprintf("nn.LeakyReLU(%s)", number(a.Alpha)), nil
	case op.Tanh:
		return "nn.Tanh()", nil
	case op.Sigmoid:
		return "nn.Sigmoid()", nil
	case op.ELU:
		return fmt.Sprintf("nn.ELU(%s)", number(a.Alpha)), nil
	case op.GELU:
		return "nn.GELU()", nil
	case op.Exp:
		m.Uses["Exp"] = true
		return fmt.Sprintf("Exp(%s)", number(a.Alpha)), nil
	}
	return "", fmt.Errorf("activation %s is none of PyTorch's that is known here; want one of %q", a.Kind, op.Kinds())
}

// number is a number as Python reads it, to the last bit.
func number(v float64) string {
	text := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

// pair is one number for two that are alike.
func pair(v [2]int) string {
	if v[0] == v[1] {
		return strconv.Itoa(v[0])
	}
	return list(v[:])
}

// list is a tuple.
func list(v []int) string {
	words := make([]string, len(v))
	for i, n := range v {
		words[i] = strconv.Itoa(n)
	}
	text := strings.Join(words, ", ")
	if len(v) == 1 {
		text += ","
	}
	return "(" + text + ")"
}
