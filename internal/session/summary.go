package session

import (
	"math"
	"runtime/debug"
	"slices"
	"time"

	"aegis/data"
)

// Metrics is one epoch's line in metrics.jsonl. Losses are means over every
// pixel of every image, of variational networks nats an image; a set without
// rows has null.
type Metrics struct {
	Epoch     int      `json:"epoch"` // from 1
	Step      int64    `json:"step"`
	TrainLoss float64  `json:"train_loss"`
	ValLoss   *float64 `json:"val_loss"`
	TestLoss  *float64 `json:"test_loss"`
	TestRows  int      `json:"test_rows"` // that test_loss is a mean over
	LR        float64  `json:"lr"`        // learning rate of the epoch's last step
	// CleanLoss is over the test rows as they are, where test_loss is over
	// corrupted ones.
	CleanLoss       *float64 `json:"clean_loss,omitempty"`
	Seconds         float64  `json:"seconds"`                     // training only, of an epoch that was gone on with since then
	ImagesPerSecond float64  `json:"images_per_second,omitempty"` // not there where no step of it was
	Best            bool     `json:"best"`                        // the best so far

	// Terms are the means of all loss terms over the training rows, by name,
	// where there are several; ValTerms and TestTerms are those of the other
	// sets. A variational network has loss, reconstruction, kl, and bound, which
	// is that of a code that is drawn, with a beta of 1. An adversarial one has
	// loss, which is the reconstruction's, discriminator and generator, and in the
	// other sets the loss alone.
	Terms     map[string]float64 `json:"terms,omitempty"`
	ValTerms  map[string]float64 `json:"val_terms,omitempty"`
	TestTerms map[string]float64 `json:"test_terms,omitempty"`
}

// Status is how a run ended.
type Status string

// The ways to end.
const (
	Finished    Status = "finished"
	Interrupted Status = "interrupted"
	Diverged    Status = "diverged"
	Failed      Status = "failed"
)

// Summary is a run's summary.json. The losses are those of
// model.safetensors, which holds the epoch with the lowest validation loss,
// or the last one where no rows were held out.
type Summary struct {
	Status Status `json:"status"`
	Error  string `json:"error,omitempty"`
	Model  string `json:"model"`
	Device string `json:"device"`
	VM     string `json:"vm"`
	Params int    `json:"params"`
	// EarlyStop is the epoch that ended the run, since validation had not got better
	// for as many as Config.Patience; 0: none.
	EarlyStop int `json:"early_stop,omitempty"`
	// NothingLeft says why a run that was to go on stays as it was; it is in no file.
	NothingLeft string             `json:"-"`
	Faults      []string           `json:"faults,omitempty"` // what could not be written while training went on
	Epochs      int                `json:"epochs"`           // finished
	BestEpoch   int                `json:"best_epoch"`
	Batch       int                `json:"batch"`
	Seed        Seed               `json:"seed"`
	InitFrom    Path               `json:"init_from,omitempty"` // the model that it started from
	Rows        int                `json:"rows"`                // of the training set
	TrainLoss   *float64           `json:"train_loss"`
	ValLoss     *float64           `json:"val_loss"`
	TestLoss    *float64           `json:"test_loss"`
	TestRows    int                `json:"test_rows"`       // that test_loss is a mean over
	Terms       map[string]float64 `json:"terms,omitempty"` // of train_loss and the others, where there are several
	ValTerms    map[string]float64 `json:"val_terms,omitempty"`
	TestTerms   map[string]float64 `json:"test_terms,omitempty"`
	PicturesOf  string             `json:"pictures_of"`          // test, held-out or training images
	CleanLoss   *float64           `json:"clean_loss,omitempty"` // over the test rows as they are; test_loss is over corrupted ones
	Zeros       *float64           `json:"zeros,omitempty"`      // share of the codes' values, of a network with sparse codes
	// ActiveUnits is how many dimensions of a variational network's code are in
	// use: their means' variance over the rows is above 0.01. KLDimensions is
	// the divergence of each, in nats a row.
	ActiveUnits  *int      `json:"active_units,omitempty"`
	KLDimensions []float64 `json:"kl_dimensions,omitempty"`
	// Mean and standard deviation of each dimension of the codes that are in the
	// picture, of an adversarial network.
	CodeMeans      []float64 `json:"code_means,omitempty"`
	CodeDeviations []float64 `json:"code_deviations,omitempty"`
	Verdict
	EpochSeconds    float64    `json:"epoch_seconds"`               // training only; median, the first left out where there are several
	ImagesPerSecond float64    `json:"images_per_second,omitempty"` // not there where no epoch was timed
	PixelRange      [2]float32 `json:"pixel_range"`                 // 0 and 0 where values are not scaled to one
	Scale           data.Scale `json:"scale"`                       // range, none, minmax or standard; losses are of scaled values
	Version         string     `json:"version"`
	Commit          string     `json:"commit,omitempty"` // of this module, where the build recorded it
	Started         time.Time  `json:"started"`
	Finished        time.Time  `json:"finished"`
}

// Commit is that which this module was built from, and a mark where files had
// changed since; "" where the build recorded none.
func Commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var commit, changed string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = ", changed"
		}
	}
	if commit == "" {
		return ""
	}
	return commit + changed
}

// finite is a loss where it is a finite number, else nil: JSON knows no other.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// finish writes the summary.
func (t *trainer) finish() error {
	s := &t.summary
	t.account(s)
	s.fill(t.epochs, t.writer.model.epoch)
	if t.bestTest != nil {
		s.TestLoss, s.CleanLoss, s.TestRows = t.bestTest, t.bestClean, len(t.rows.test)
		s.TestTerms = t.bestTerms
	}
	if t.dir.Replacing() {
		return nil // the earlier run's stays
	}
	return t.dir.WriteSummary(s)
}

// fill takes in the epochs that finished, of which one is the best.
func (s *Summary) fill(epochs []Metrics, best int) {
	s.Epochs, s.Finished = len(epochs), time.Now().UTC()
	var seconds []float64
	for _, m := range epochs {
		if m.Seconds > 0 { // one that was gone on with behind its last step took none
			seconds = append(seconds, m.Seconds)
		}
		if m.Epoch == best {
			loss := m.TrainLoss
			s.BestEpoch, s.TrainLoss, s.ValLoss, s.TestLoss, s.TestRows = m.Epoch, &loss, m.ValLoss, m.TestLoss, m.TestRows
			s.CleanLoss = m.CleanLoss
			s.Terms, s.ValTerms, s.TestTerms = m.Terms, m.ValTerms, m.TestTerms
		}
	}
	if s.BestEpoch == 0 { // one that the lines of a run that went on have not come to again
		s.BestEpoch = best
	}
	if len(seconds) > 1 {
		seconds = seconds[1:]
	}
	if len(seconds) > 0 {
		slices.Sort(seconds)
		s.EpochSeconds = seconds[len(seconds)/2]
		s.ImagesPerSecond = float64(s.Rows) / s.EpochSeconds
	}
}
