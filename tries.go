package aegis

import (
	"context"

	"aegis/data"
	"aegis/internal/tries"
)

// What tries are given and what they come to.
type (
	TriesOptions = tries.Options
	TriesHooks   = tries.Hooks
	Tries        = tries.Result
	Try          = tries.Try
	Figure       = tries.Figure
)

// The names of what lies in a directory of tries beside the runs, seed-1,
// seed-2 and so on.
const (
	TriesFile = tries.File // the table, as JSON
	BestTry   = tries.Best // a link to the best run; where there are no links the table alone names it
)

// TrainTries trains a configuration under several seeds on a dataset, which is
// read once: its seed and those after it, one after the other or side by side.
// Each run is to the bit what [Train] leaves of that seed. One that fails stops no
// other: it stands in the table, which is written whenever a run ends. There is
// an error where no run finished. When ctx ends every run saves what there is,
// and the error wraps ctx's; the table so far comes with both, nil where no run
// has begun.
func TrainTries(ctx context.Context, cfg Config, ds *data.Source, opt TriesOptions) (*Tries, error) {
	return tries.Train(ctx, cfg, ds, opt, openVM)
}

// ReadTries reads the table that TrainTries left in a directory.
func ReadTries(dir string) (*Tries, error) { return tries.Read(dir) }
