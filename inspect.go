package aegis

import (
	"context"

	"aegis/data"
	"aegis/internal/inspect"
)

// What [Inspect] finds.
type (
	Report         = inspect.Report
	ReportNetwork  = inspect.Network
	ReportLayer    = inspect.Layer
	ReportTensors  = inspect.Tensors
	ReportDetector = inspect.Detector // of a detector.json
	ReportCodes    = inspect.Codes    // of compressed rows
	ReportData     = inspect.Data
	ReportSet      = inspect.Set
	ReportClass    = inspect.Class
	ReportColumn   = inspect.Column
	ReportFile     = inspect.File
)

// The kinds of a [Report].
const (
	KindRun        = inspect.KindRun
	KindModel      = inspect.KindModel
	KindCheckpoint = inspect.KindCheckpoint
	KindProgram    = inspect.KindProgram
	KindTensors    = inspect.KindTensors
	KindConfig     = inspect.KindConfig
	KindSummary    = inspect.KindSummary
	KindArrays     = inspect.KindArrays
	KindData       = inspect.KindData
)

// Inspect says what a file, a directory or a data set that is known by name
// holds: a run, a model's file, a checkpoint, tensors of others, a
// configuration, arrays, or rows, which are read as reading says. What it is,
// its content says. What is damaged is an error.
func Inspect(ctx context.Context, what string, reading Reading) (*Report, error) {
	return inspect.Inspect(ctx, what, func(ctx context.Context, what string, fill bool) (*data.Source, error) {
		c := Config{Data: Path(what), Reading: reading}
		if fill && c.Impute == "" {
			c.Impute = "mean"
		}
		return OpenData(ctx, c, DataOptions{})
	})
}
