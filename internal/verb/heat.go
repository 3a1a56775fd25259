package verb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aegis"
	"aegis/data"
	"aegis/internal/cli"
)

// heatMaps draws where images are strange: a PNG of each, or the strangest and
// the most normal ones on a sheet.
type heatMaps struct {
	process  *cli.Process
	detector *aegis.Detector
	model    *aegis.Model
	sheet    string  // a file, or
	folder   *folder // aside, of
	out      string

	heat        []float32 // of the images that are being added, (n,H,W)
	least, most []scored  // images of the sheet
}

// scored is an image with its score.
type scored struct {
	score float64
	row   data.Set
}

// onHeatSheet is how many of the strangest images a sheet has, and of the most
// normal.
const onHeatSheet = 10

// newHeat is nil where no maps are asked for.
func (d *detecting) newHeat(m *aegis.Model, detector *aegis.Detector) (*heatMaps, error) {
	if d.heat == "" {
		return nil, nil
	}
	if m.Spec().Image[0] == 0 {
		return nil, cli.Usage(errors.New("--heat shows where images are strange, and the model is of vectors: the findings name their columns"))
	}
	h := &heatMaps{process: d.process, detector: detector, model: m}
	if strings.EqualFold(filepath.Ext(d.heat), ".png") {
		h.sheet = d.heat
		return h, nil
	}
	h.out = filepath.Clean(d.heat)
	if err := d.process.Claim(h.out); err != nil {
		return nil, err
	}
	if entries, err := os.ReadDir(h.out); err == nil && len(entries) > 0 && !d.force {
		return nil, fmt.Errorf("aegis: %s holds files already; choose another folder, or write into it by --force", h.out)
	}
	aside := filepath.Join(filepath.Dir(h.out), fmt.Sprintf(".%s.%08x.tmp", filepath.Base(h.out), rand.Uint32()))
	if err := os.MkdirAll(aside, 0o777); err != nil {
		return nil, fmt.Errorf("aegis: %w", err)
	}
	h.folder = &folder{model: m, dir: aside, rows: -1, used: make(map[string]bool)}
	return h, nil
}

// add takes the finding of an image.
func (h *heatMaps) add(ctx context.Context, c data.Chunk, i int, f aegis.Finding) error {
	switch {
	case h == nil:
		return nil
	case h.sheet != "":
		h.keep(scored{f.Score, c.Slice(i, i+1)})
		return nil
	}
	if i == 0 { // of the whole chunk at once
		var err error
		if h.heat, err = h.detector.Heat(ctx, c.Rows, h.model.Spec().Reads(c.Labels)...); err != nil {
			return err
		}
	}
	plane := len(h.heat) / c.N
	heat := h.heat[i*plane:][:plane]
	r := rebuilt{n: 1}
	if c.Names != nil {
		r.names = c.Names[i : i+1]
	}
	return h.folder.put(r, 0, func(w io.Writer) error { return h.detector.WriteHeat(w, heat) })
}

// keep keeps an image where it is one of the strangest or of the most normal.
func (h *heatMaps) keep(s scored) {
	for _, list := range []struct {
		images *[]scored
		sign   float64
	}{{&h.most, -1}, {&h.least, 1}} {
		images := *list.images
		if len(images) == onHeatSheet && list.sign*s.score >= list.sign*images[onHeatSheet-1].score {
			continue
		}
		row, _, _ := data.ReadAll(data.NewReader(s.row)) // a copy: rows are valid until the next ones are read
		at, _ := slices.BinarySearchFunc(images, list.sign*s.score, func(e scored, score float64) int { return cmp.Compare(list.sign*e.score, score) })
		images = slices.Insert(images, at, scored{s.score, row})
		*list.images = images[:min(len(images), onHeatSheet)]
	}
}

// finish writes what was asked for.
func (h *heatMaps) finish(ctx context.Context) error {
	switch {
	case h == nil:
		return nil
	case h.folder != nil:
		return h.folder.into(h.out)
	}
	shown := slices.Clone(h.most)
	for i := len(h.least) - 1; i >= 0; i-- { // few images are in both lists
		if h.least[i].score < h.most[len(h.most)-1].score {
			shown = append(shown, h.least[i])
		}
	}
	var rows data.Set
	var captions []string
	for _, s := range shown {
		rows.N, rows.Shape = rows.N+1, s.row.Shape
		rows.Bytes, rows.Floats, rows.Labels = append(rows.Bytes, s.row.Bytes...), append(rows.Floats, s.row.Floats...), append(rows.Labels, s.row.Labels...)
		captions = append(captions, fmt.Sprintf("%.1f×", s.score/h.detector.Threshold().Value)) // times the threshold
	}
	return h.process.WriteFile(h.sheet, func(w io.Writer) error {
		return h.detector.WriteHeatSheet(ctx, w, rows.Rows, captions, h.model.Spec().Reads(rows.Labels)...)
	})
}

// drop removes what lies aside.
func (h *heatMaps) drop() {
	if h != nil && h.folder != nil {
		_ = os.RemoveAll(h.folder.dir) // it was for this command alone
	}
}
