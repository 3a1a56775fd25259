package aegis

import (
	"context"

	"aegis/data"
	"aegis/internal/cluster"
	"aegis/internal/evaluate"
)

// What [Model.Evaluate] is asked and what it finds.
type (
	EvaluateOptions = evaluate.Options
	Evaluation      = evaluate.Result
	Errors          = evaluate.Errors   // of reconstructions
	ClassErrors     = evaluate.Class    // of the rows of a class
	ClassesFound    = evaluate.Known    // by codes
	ClusterOptions  = cluster.Options   // of [Model.Cluster]
	Clusters        = cluster.Clusters  // what it finds
	Agreement       = cluster.Agreement // of clusters with classes
)

// Evaluate judges the model on rows, to the reader's end: how well it rebuilds
// them, beside principal components of as many values, what its codes know of
// the rows' classes, and the log-likelihood of a variational model.
func (m *Model) Evaluate(ctx context.Context, rows data.Reader, o EvaluateOptions) (*Evaluation, error) {
	if err := haveRows("evaluate", rows); err != nil {
		return nil, err
	}
	if err := m.loaded().Ready(ctx); err != nil {
		return nil, err
	}
	return evaluate.Run(ctx, m.model, rows, o)
}

// Cluster finds clusters of the rows' codes by k-means, without labels; where
// the rows have some it says how clusters and classes agree.
func (m *Model) Cluster(ctx context.Context, rows data.Reader, o ClusterOptions) (*Clusters, error) {
	if err := haveRows("cluster", rows); err != nil {
		return nil, err
	}
	if err := m.loaded().Ready(ctx); err != nil {
		return nil, err
	}
	return cluster.Run(ctx, m.model, rows, o)
}
