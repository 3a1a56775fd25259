// Package cluster finds groups among the codes of rows, without labels.
//
// Shapes: n rows, Z a code, k clusters.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"aegis/data"
	"aegis/internal/analysis"
	"aegis/internal/infer"
)

// Options says how clusters are found.
type Options struct {
	K    int // clusters; 0: as many as the rows have classes
	Seed uint64
	// Rows has the rows themselves clustered too, as the network reads them, to
	// set how they agree with classes beside what codes do.
	Rows bool
	// Progress hears what is done; it may be nil.
	Progress func(what string, done, of int)
}

// Clusters is what k-means found (Lloyd 1982, from the starts of Arthur and
// Vassilvitskii 2007).
type Clusters struct {
	K       int       `json:"k"`
	Sizes   []int     `json:"sizes"` // (k)
	Centres []float32 `json:"-"`     // (k,Z)
	// Assignments is the cluster of each row, from 0, and Distances how far its
	// code lies from the centre, both (n).
	Assignments []int32   `json:"-"`
	Distances   []float64 `json:"-"`
	// Silhouette is the mean silhouette width (Rousseeuw 1987) of up to 5,000
	// rows, from −1 to 1.
	Silhouette float64 `json:"silhouette"`
	// Codes says how clusters of codes agree with classes, and Rows how those of
	// the rows themselves do; nil without labels.
	Codes *Agreement `json:"codes,omitempty"`
	Rows  *Agreement `json:"rows,omitempty"`
	// Classes has for each cluster the class that it is matched with, "" where
	// there are more clusters than classes; nil without labels.
	Classes []string `json:"classes,omitempty"`
}

// Agreement of clusters with classes.
type Agreement struct {
	Accuracy float64 `json:"accuracy"` // share of rows whose cluster is matched with their class, at the best match one to one
	NMI      float64 `json:"nmi"`      // normalised mutual information, by the arithmetic mean of the entropies
	ARI      float64 `json:"ari"`      // adjusted Rand index (Hubert and Arabie 1985)
}

const (
	some           = 2048 // rows taken at a time
	silhouetteRows = 5000
)

// gathered is what is kept of the rows.
type gathered struct {
	codes, rows analysis.Matrix
	labels      []int32
}

// Run clusters rows by their codes.
func Run(ctx context.Context, m *infer.Model, rows data.Reader, o Options) (*Clusters, error) {
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	g, err := gather(ctx, m, rows, o)
	if err != nil {
		return nil, err
	}
	if o.K == 0 {
		if o.K = classes(g.labels); o.K == 0 {
			return nil, errors.New("aegis: cluster: the rows have no classes that would say how many clusters there are; want a number of them")
		}
	}
	o.Progress("k-means", 0, g.codes.Rows)
	found, err := analysis.KMeans(ctx, g.codes, analysis.KMeansOptions{K: o.K, Seed: o.Seed})
	if err != nil {
		return nil, fmt.Errorf("aegis: cluster: %w", err)
	}
	c := &Clusters{K: o.K, Sizes: found.Sizes, Centres: found.Centres, Assignments: found.Assignments}
	if err := c.measure(ctx, g, o); err != nil {
		return nil, fmt.Errorf("aegis: cluster: %w", err)
	}
	return c, c.agree(ctx, m, g, o)
}

// gather reads the rows and keeps their codes.
func gather(ctx context.Context, m *infer.Model, rows data.Reader, o Options) (*gathered, error) {
	g := &gathered{codes: analysis.Matrix{Cols: m.Spec().Latent}, rows: analysis.Matrix{Cols: rows.Shape().Size()}}
	of := data.Len(rows)
	for {
		c, err := rows.Next(some)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		codes, err := m.Encode(ctx, c.Rows, m.Spec().Reads(c.Labels)...)
		if err != nil {
			return nil, err
		}
		g.codes.Values, g.codes.Rows = append(g.codes.Values, codes...), g.codes.Rows+c.N
		if o.Rows {
			values, err := m.Values(c.Rows)
			if err != nil {
				return nil, err
			}
			g.rows.Values, g.rows.Rows = append(g.rows.Values, values...), g.rows.Rows+c.N
		}
		for _, label := range c.Labels {
			g.labels = append(g.labels, int32(label))
		}
		o.Progress("rows", g.codes.Rows, of)
	}
	if g.codes.Rows == 0 {
		return nil, errors.New("aegis: cluster: no rows; want at least as many as clusters")
	}
	return g, nil
}

// classes counts those that rows have.
func classes(labels []int32) int {
	seen := make(map[int32]bool)
	for _, label := range labels {
		seen[label] = true
	}
	return len(seen)
}

// measure finds how far rows lie from their centres, and how well the clusters
// part.
func (c *Clusters) measure(ctx context.Context, g *gathered, o Options) (err error) {
	z := g.codes.Cols
	c.Distances = make([]float64, g.codes.Rows)
	for i, cluster := range c.Assignments {
		sum := 0.0
		for k, v := range g.codes.Row(i) {
			d := float64(v) - float64(c.Centres[int(cluster)*z+k])
			sum += d * d
		}
		c.Distances[i] = math.Sqrt(sum)
	}
	if c.K < 2 {
		return nil
	}
	o.Progress("silhouette", 0, g.codes.Rows)
	c.Silhouette, err = analysis.Silhouette(ctx, g.codes, c.Assignments, silhouetteRows, o.Seed)
	return err
}

// agree says how clusters agree with classes, where there are any.
func (c *Clusters) agree(ctx context.Context, m *infer.Model, g *gathered, o Options) error {
	if len(g.labels) != g.codes.Rows {
		return nil
	}
	var matched map[int32]int32
	var err error
	if c.Codes, matched, err = agreement(c.Assignments, g.labels); err != nil {
		return fmt.Errorf("aegis: cluster: %w", err)
	}
	for k := range c.K {
		name := ""
		if class, ok := matched[int32(k)]; ok {
			name = m.Spec().Form.ClassName(byte(class))
		}
		c.Classes = append(c.Classes, name)
	}
	if !o.Rows {
		return nil
	}
	o.Progress("k-means of rows", 0, g.rows.Rows)
	found, err := analysis.KMeans(ctx, g.rows, analysis.KMeansOptions{K: o.K, Seed: o.Seed})
	if err == nil {
		c.Rows, _, err = agreement(found.Assignments, g.labels)
	}
	if err != nil {
		return fmt.Errorf("aegis: cluster: %w", err)
	}
	return nil
}

// agreement compares clusters with classes; matched has the class of each
// cluster that has one.
func agreement(clusters, labels []int32) (a *Agreement, matched map[int32]int32, err error) {
	c, err := analysis.Compare(clusters, labels)
	if err != nil {
		return nil, nil, err
	}
	share, match := c.BestMatch()
	matched = make(map[int32]int32)
	for i, at := range match {
		if at >= 0 {
			matched[c.A[i]] = c.B[at]
		}
	}
	return &Agreement{Accuracy: share, NMI: c.NMI(), ARI: c.ARI()}, matched, nil
}
