package serve

import (
	"slices"

	"aegis/data"
)

// info is what GET /v1/models/{name} says.
type info struct {
	Name        string        `json:"name"`
	Network     string        `json:"network"` // the preset that it began as
	Device      string        `json:"device"`
	Fingerprint string        `json:"fingerprint"`
	Row         rowInfo       `json:"row"`
	Code        int           `json:"code"` // values in a code
	Classes     []string      `json:"classes,omitempty"`
	Labels      int           `json:"labels,omitempty"` // classes whose labels requests give
	Scaling     scalingInfo   `json:"scaling"`
	Detector    *detectorInfo `json:"detector,omitempty"`
	Operations  []string      `json:"operations"`
	Explorer    string        `json:"explorer,omitempty"`
	Limits      limitsInfo    `json:"limits"`
}

type rowInfo struct {
	Shape   []int       `json:"shape"` // (C,H,W) of images, (P) of vectors
	Values  int         `json:"values"`
	Type    string      `json:"type"` // uint8 or float32
	Columns []fieldInfo `json:"columns,omitempty"`
	Window  int         `json:"window,omitempty"` // lines of a table that are a row
}

type fieldInfo struct {
	Name       string   `json:"name"`
	Categories []string `json:"categories,omitempty"`
	Fill       *float64 `json:"fill,omitempty"` // what null becomes
}

type scalingInfo struct {
	Kind  string     `json:"kind"`
	Range [2]float32 `json:"range,omitzero"` // of pixels as the network reads and writes them
}

type detectorInfo struct {
	Score     string  `json:"score"`
	Threshold float64 `json:"threshold"`
	FittedOn  int     `json:"fitted_on"`
	Lines     bool    `json:"lines,omitempty"` // scores are of lines of a table
}

type limitsInfo struct {
	Body    int64   `json:"body"` // bytes
	Rows    int     `json:"rows"`
	Seconds float64 `json:"seconds"`
	Waiting int     `json:"waiting"` // requests
}

func (s *served) describe(o Options) info {
	spec := s.network.Spec()
	scaling := s.network.Scaling()
	i := info{
		Name: s.Name, Network: spec.Model, Device: s.network.Device(), Fingerprint: s.network.Fingerprint(),
		Row:  rowInfo{Shape: []int{s.shape.C, s.shape.H, s.shape.W}, Values: s.shape.Size(), Type: "float32", Window: s.window()},
		Code: spec.Latent, Classes: spec.Form.Classes, Labels: s.classes, Scaling: scalingInfo{Kind: string(scaling.Kind)},
		Operations: s.operations(), Limits: limitsInfo{o.MaxBody, s.mostRows(o), o.Time.Seconds(), o.MaxWaiting},
	}
	if s.shape.IsVector() {
		i.Row.Shape = []int{s.shape.W}
	}
	if s.bytes {
		i.Row.Type = "uint8"
	}
	if scaling.Kind == data.ScaleRange || scaling.Kind == data.ScaleMinMax {
		i.Scaling.Range = [2]float32{scaling.Pixels.Lo, scaling.Pixels.Hi}
	}
	for name, f := range s.fields {
		i.Row.Columns = append(i.Row.Columns, fieldInfo{name, f.categories, f.fill})
	}
	slices.SortFunc(i.Row.Columns, func(a, b fieldInfo) int { return s.fields[a.Name].at - s.fields[b.Name].at })
	if d := s.Detector; d != nil {
		i.Detector = &detectorInfo{d.Words, d.Threshold.Value, d.Calibration.N, d.OfLines}
	}
	if s.Explorer != nil {
		i.Explorer = "/models/" + s.Name + "/explorer"
	}
	return i
}
