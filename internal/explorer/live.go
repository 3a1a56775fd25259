package explorer

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"aegis/data"
	"aegis/model"
	"aegis/model/program"
)

// Live is the page of a network that trains. It has rows and the network's
// operations; what the network has come to, looks bring later.
type Live struct {
	page *page
	spec model.Spec
	axes axes // of the last look
}

// LiveGiven is what a live page is made of.
type LiveGiven struct {
	Spec    model.Spec
	Rows    data.Set // n of them
	Numbers []int    // of the rows among Of
	Of      int
	Title   string
}

// NewLive makes the page. It asks for events, an [EventSource] of what training
// comes to, and for look, the newest look, beside its own address.
//
// [EventSource]: https://html.spec.whatwg.org/multipage/server-sent-events.html
func NewLive(g LiveGiven) (*Live, error) {
	p := pageOf(g.Spec, g.Title)
	p.Live, p.N, p.Of, p.Bytes = true, g.Rows.N, g.Of, g.Rows.IsBytes()
	if err := p.addNetwork(g.Spec); err != nil {
		return nil, fmt.Errorf("explorer: %w", err)
	}
	p.addLoss(g.Spec, nil)
	p.addSet(g.Spec, g.Rows, g.Numbers, nil)
	p.addScaling(g.Spec)
	return &Live{page: p, spec: g.Spec}, nil
}

// Write writes the page.
func (l *Live) Write(w io.Writer) error { return l.page.write(w) }

// Look is what the network makes of the rows at a moment.
type Look struct {
	Epoch   int // finished
	Step    int64
	Rows    int       // of the next epoch that were trained on
	Codes   []float32 // (n,Z)
	Rebuilt []float32 // (k,P) of the first k rows
	Losses  []float64 // (n)
	Params  map[string]program.Tensor
}

// lookHead is what stands before the arrays of a look.
type lookHead struct {
	Version      int       `json:"version"`
	Epoch        int       `json:"epoch"`
	Step         int64     `json:"step"`
	Rows         int       `json:"rows"`
	Delta        float64   `json:"delta"`
	CodeLeast    []float32 `json:"codeLeast"`
	CodeGreatest []float32 `json:"codeGreatest"`
	Axes         axes      `json:"axes"`
	Rebuilt      int       `json:"rebuilt"` // rows
	Weights      int       `json:"weights"` // values; 0: the page has none
}

// ErrNotFinite is the error of a look whose codes or losses are no finite numbers.
var ErrNotFinite = errors.New("codes or losses that are not finite numbers")

// Encode writes a look as the page reads it: the length of its head in four bytes,
// the head as JSON with spaces behind it up to a multiple of 8 bytes, then losses
// (n) in float64, codes (n,Z), rebuilt rows (k,P) and weights in float32. All is
// little-endian.
func (l *Live) Encode(ctx context.Context, look Look, version int) ([]byte, error) {
	if slices.ContainsFunc(look.Codes, func(v float32) bool { return v-v != 0 }) ||
		slices.ContainsFunc(look.Losses, func(v float64) bool { return v-v != 0 }) {
		return nil, fmt.Errorf("explorer: %w", ErrNotFinite)
	}
	z := l.page.Latent
	if n := l.page.N; len(look.Codes) != n*z || len(look.Losses) != n {
		return nil, fmt.Errorf("explorer: look: %d codes and %d losses; want those of %d rows", len(look.Codes)/z, len(look.Losses), n)
	}
	var weights []float32
	if look.Params != nil {
		var err error
		if weights, err = l.page.weightsOf(look.Params); err != nil {
			return nil, fmt.Errorf("explorer: look: %w", err)
		}
	}
	found, err := axesOf(ctx, look.Codes, z)
	if err != nil {
		return nil, fmt.Errorf("explorer: look: %w", err)
	}
	l.axes = found.like(l.axes)
	head := lookHead{
		Version: version, Epoch: look.Epoch, Step: look.Step, Rows: look.Rows, Delta: deltaOf(l.spec, look.Params),
		Axes: l.axes, Rebuilt: len(look.Rebuilt) / max(1, data.Shape{C: l.page.Shape[0], H: l.page.Shape[1], W: l.page.Shape[2]}.Size()), Weights: len(weights),
	}
	head.CodeLeast, head.CodeGreatest = rangesOf(look.Codes, z)
	text, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("explorer: look: %w", err)
	}
	const word = 8
	for (4+len(text))%word != 0 {
		text = append(text, ' ')
	}
	out := make([]byte, 0, 4+len(text)+8*len(look.Losses)+4*(len(look.Codes)+len(look.Rebuilt)+len(weights)))
	out = append(binary.LittleEndian.AppendUint32(out, uint32(len(text))), text...)
	for _, v := range look.Losses {
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
	}
	for _, values := range [][]float32{look.Codes, look.Rebuilt, weights} {
		for _, v := range values {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
		}
	}
	return out, nil
}

// like turns components so that they point as those of before do, which are the
// same axes up to their signs: else the map would turn over between two looks.
func (a axes) like(before axes) axes {
	for k, c := range a.Components {
		sum := 0.0
		for i, v := range c {
			if i < len(before.Components[k]) {
				sum += v * before.Components[k][i]
			}
		}
		if sum < 0 {
			for i := range c {
				c[i] = -c[i]
			}
		}
	}
	return a
}
