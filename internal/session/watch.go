package session

import (
	"context"
	"fmt"
	"slices"
	"time"

	"aegis/data"
	"aegis/internal/infer"
	"aegis/internal/train"
	"aegis/model"
	"aegis/model/program"
)

// Watcher sees what training comes to, while it trains. Its methods are called from
// Train's goroutine, between steps.
type Watcher interface {
	// Begin hears of the run before its first step.
	Begin(Watched)
	// Progress and Epoch hear what those of Hooks do.
	Progress(Progress)
	Epoch(Metrics)
	// Wants says that somebody looks. A Look takes device and processor from
	// training: one is made when all of them have taken less than a hundredth of the
	// time, and one at the end in any case.
	Wants() bool
	// Show takes a Look, whose memory is its own. The time that it takes counts.
	Show(Look)
	// End hears how the run ended.
	End(*Summary)
}

// Watched is a run that begins, with the n rows of which every Look is.
type Watched struct {
	Out, Device  string
	Spec         model.Spec // fitted to the data
	Epochs       int
	Rows         data.Set // n of them
	Numbers      []int    // of the rows, in the set that they are from
	Of           int      // rows that this set has
	Among        int      // rows that they were drawn from
	What         string   // these are, such as test images
	TrainingRows int
	Earlier      []Metrics // of a run that goes on: its epochs so far
}

// Look is what a network makes of the rows of Watched at a moment.
type Look struct {
	Epoch   int // finished
	Step    int64
	Rows    int       // of the next epoch that were trained on
	Codes   []float32 // (n,Z)
	Rebuilt []float32 // (k,P) of the first k rows, as the network writes them
	Losses  []float64 // (n) as Model.Score has them
	// Params are those of the model, averages where training has them; nil: they
	// are too many to be looked at.
	Params map[string]program.Tensor
}

// How much is looked at, and how often.
const (
	lookRows    = 1000     // that a look is of, at most
	lookBytes   = 16 << 20 // of these rows
	lookRebuilt = 12       // of them that are rebuilt
	lookParams  = 1 << 24  // that a look has, at most
	lookEvery   = 500 * time.Millisecond
	lookShare   = 125 // looks take one part of so many of the time
)

// watching is what a run has for its watcher.
type watching struct {
	Watcher
	show  shown         // with the rows of looks
	began time.Time     // of training
	last  time.Time     // that a look was made
	spent time.Duration // by all looks
	took  time.Duration // by the last one
	over  bool          // a look could not be made, so that no other is
}

// startWatching has the run watched; w may be nil.
func (t *trainer) startWatching(w Watcher) {
	if w == nil {
		return
	}
	show, size := t.shown(), t.train.RowBytes()
	picked := data.Sample(len(show.rows), max(1, min(lookRows, lookBytes/max(1, size))), uint64(t.cfg.Seed), "watch")
	begun := Watched{
		Out: t.dir.Out(), Device: t.machine.Device(), Spec: t.cfg.Spec, Epochs: t.cfg.Epochs, Of: show.from.Len(), Among: len(show.rows), What: show.what,
		Rows: data.Set{Rows: data.Rows{Shape: show.from.Shape}}, TrainingRows: t.rows.split.Trained(), Earlier: slices.Clone(t.epochs),
	}
	begun.Spec.Form = t.dataset.Form
	rows := make([]int32, len(picked))
	for i, at := range picked {
		rows[i] = show.rows[at]
		one := show.from.Slice(int(rows[i]), int(rows[i])+1)
		begun.Rows.Bytes, begun.Rows.Floats = append(begun.Rows.Bytes, one.Bytes...), append(begun.Rows.Floats, one.Floats...)
		begun.Rows.Labels = append(begun.Rows.Labels, one.Labels...)
		begun.Rows.N++
		begun.Numbers = append(begun.Numbers, int(rows[i]))
	}
	show.rows = rows
	t.watching = &watching{Watcher: w, show: show, began: time.Now()}
	w.Begin(begun)
}

// due says that somebody looks, and that there is time for it.
func (w *watching) due() bool {
	now := time.Now()
	return now.Sub(w.last) >= lookEvery && lookShare*(w.spent+w.took) <= now.Sub(w.began) && w.Wants()
}

// look shows the watcher what training has come to, where that is due or the end. What goes wrong with it ends the looks, and not training.
func (t *trainer) look(ctx context.Context, at train.Position, last bool) {
	w := t.watching
	if w == nil || w.over || !last && (ctx.Err() != nil || !w.due()) {
		return
	}
	start := time.Now()
	look, err := t.lookAt(context.WithoutCancel(ctx), at)
	if err != nil {
		t.warn(fmt.Sprintf("what the network comes to is not shown any more: %v", err))
		w.over = true
		return
	}
	w.Show(look)
	w.last = time.Now()
	w.took = w.last.Sub(start)
	w.spent += w.took
}

// lookAt asks the machine.
func (t *trainer) lookAt(ctx context.Context, at train.Position) (Look, error) {
	show, spec := t.watching.show, t.cfg.Spec
	l := Look{Epoch: at.Epoch, Step: at.Step, Rows: at.Rows}
	params := &program.State{}
	if err := t.machine.StateInto(params, false); err != nil {
		return l, err
	}
	tensors := t.writer.modelOf(params)
	in := t.feed(show, show.rows)
	var err error
	if l.Codes, err = t.ask(ctx, program.Encode, in, spec.Latent); err != nil {
		return l, err
	}
	part, _ := spec.Scored()
	predicted, err := t.ask(ctx, part, in, t.program.PixelCount())
	if err != nil {
		return l, err
	}
	l.Losses = t.losses(predicted, tensors)
	if spec.Variational() {
		logVars, err := t.ask(ctx, program.LogVar, in, spec.Latent)
		if err != nil {
			return l, err
		}
		for i := range l.Losses {
			l.Losses[i] += model.Divergence(l.Codes[i*spec.Latent:][:spec.Latent], logVars[i*spec.Latent:][:spec.Latent])
		}
	}
	few := min(len(show.rows), lookRebuilt)
	if l.Rebuilt = predicted[:few*t.program.PixelCount()]; part != program.Reconstruct {
		l.Rebuilt, err = t.ask(ctx, program.Reconstruct, t.feed(show, show.rows[:few]), t.program.PixelCount())
	}
	if t.program.ParamCount() <= lookParams {
		l.Params = tensors
	}
	return l, err
}

// ask runs a part on the rows of looks, and returns so many values of each.
func (t *trainer) ask(ctx context.Context, part program.Part, in program.Feed, width int) ([]float32, error) {
	n := len(in.Rows)
	if in.Set == "" {
		n = len(in.Values) / t.program.PixelCount()
	}
	out := make([]float32, n*width)
	return out, t.machine.Infer(ctx, part, in, out)
}

// losses are those of the rows by what is predicted of them, without a divergence.
func (t *trainer) losses(predicted []float32, tensors map[string]program.Tensor) []float64 {
	logSigma := 0.0
	if s, ok := tensors[model.LogSigma]; ok {
		logSigma = float64(s.Data[0])
	}
	show, p := t.watching.show, t.program.PixelCount()
	loss, row := infer.RowLoss(t.cfg.Spec, logSigma), make([]float32, p)
	losses := make([]float64, len(show.rows))
	for i := range losses {
		t.read(row, show, show.rows[i])
		losses[i] = loss(predicted[i*p:][:p], row)
	}
	return losses
}
