package train

import (
	"context"
	"errors"
	"iter"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/data"
	"aegis/internal/vm"
	"aegis/model/optim"
	"aegis/model/program"
)

// fake is a machine whose loss at a step is a function of the step.
type fake struct {
	batch  int
	loss   func(step int64) float32
	eval   float64
	broken bool // so is what it evaluates of the training set

	step    int64
	rows    []int32
	scalars []float32
	pending []float32
	tested  []int // rows of the test set, evaluation after evaluation
	cancel  func()
	stopAt  int64
	failing error // of evaluations of the test set
}

func (f *fake) Device() string                { return "fake" }
func (f *fake) Arithmetic() string            { return "fake" }
func (f *fake) VM() string                    { return "fake" }
func (f *fake) Bind(string, data.Rows) error  { return nil }
func (f *fake) Label(string, []int32) error   { return nil }
func (f *fake) Close() error                  { return nil }
func (f *fake) SetState(*program.State) error { return nil }

func (f *fake) StateInto(s *program.State, _ bool) error {
	s.Step = f.step
	return nil
}
func (f *fake) State() (*program.State, error) { return &program.State{Step: f.step}, nil }

func (f *fake) Infer(context.Context, program.Part, program.Feed, []float32) error { return nil }

func (f *fake) Train(ctx context.Context, s program.Steps) error {
	if s.First != f.step {
		return errors.New("steps out of order")
	}
	f.rows = append(f.rows, s.Rows...)
	f.scalars = append(f.scalars, s.Scalars...)
	for range s.Count(f.batch) {
		if f.step == f.stopAt && f.cancel != nil {
			f.cancel()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		f.pending = append(f.pending, f.loss(f.step))
		f.step++
	}
	return nil
}

func (f *fake) Losses() ([]float32, error) {
	out := f.pending
	f.pending = nil
	return out, nil
}

func (f *fake) Evaluate(_ context.Context, set string, rows []int32) ([]float64, error) {
	if set == vm.TrainSet && !f.broken {
		return []float64{float64(len(rows))}, nil
	}
	f.tested = append(f.tested, len(rows))
	return []float64{f.eval}, f.failing
}

// oneLoss is a program with one phase and one loss term.
func oneLoss(batch int) *program.Program {
	g := G.NewGraph()
	cost := G.NewScalar(g, tensor.Float32, G.WithName("loss"))
	phase := &program.Phase{Name: "train", Optimizer: optim.Default(optim.SGD, 0.5)}
	phase.Outputs = []program.Output{{Name: "loss", Node: cost}}
	return &program.Program{Batch: batch, Phases: []*program.Phase{phase}}
}

// TestPlateau: the rate falls where the validation loss, which the fake never
// changes, does not.
func TestPlateau(t *testing.T) {
	f := &fake{batch: 4, loss: func(int64) float32 { return 1 }}
	p := oneLoss(4)
	p.Phases[0].Optimizer.Schedule = optim.Schedule{Kind: optim.OnPlateau, Patience: 1, Gamma: 0.5}
	var rates []float64
	_, err := Run(context.Background(), f, p, Config{Epochs: 6, Rows: 8, Order: inOrder(8), Val: Rows(2), Plateau: p.Plateau()}, Hooks{
		Epoch: func(e Epoch) error { rates = append(rates, e.LearningRate); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{0.5, 0.5, 0.5, 0.25, 0.25, 0.125}; !slices.Equal(rates, want) {
		t.Errorf("rates of epochs %v, want %v", rates, want)
	}
	if want := []float32{0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.125, 0.125}; !slices.Equal(f.scalars, want) {
		t.Errorf("rates of steps %v, want %v", f.scalars, want)
	}
}

// inOrder gives n rows in their own order.
// TestPlateauBehindATestThatWasCut learns an epoch's loss no sooner than the
// position is that of the next one, so that it is not learned twice.
func TestPlateauBehindATestThatWasCut(t *testing.T) {
	f := &fake{batch: 4, loss: func(int64) float32 { return 1 }, failing: context.Canceled}
	p := oneLoss(4)
	p.Phases[0].Optimizer.Schedule = optim.Schedule{Kind: optim.OnPlateau, Patience: 1, Gamma: 0.5}
	plateau := p.Plateau()
	before := *plateau
	at, err := Run(context.Background(), f, p, Config{Epochs: 2, Rows: 8, Order: inOrder(8), Val: Rows(2), Test: Rows(3), Plateau: plateau}, Hooks{})
	if !errors.Is(err, context.Canceled) || at.Epoch != 0 || at.Rows != 8 || *plateau != before {
		t.Errorf("at %+v (%v), plateau %+v; want it behind the first epoch's rows, and %+v", at, err, plateau, before)
	}
}

func inOrder(n int) func(int, int) iter.Seq[[]int32] {
	return func(_, behind int) iter.Seq[[]int32] {
		return func(yield func([]int32) bool) { yield(Rows(n)[behind:]) }
	}
}

func TestRun(t *testing.T) {
	const rows, batch, epochs = 10, 4, 3 // steps of 4, 4 and 2 rows
	f := &fake{batch: batch, loss: func(step int64) float32 { return float32(step) }, eval: 0.25}
	order := func(epoch int) []int32 {
		order := Rows(rows)
		order[0], order[epoch] = order[epoch], order[0]
		return order
	}
	var got []Epoch
	var last Progress
	cfg := Config{
		Epochs: epochs, Val: []int32{3, 7}, Test: Rows(2), LastTest: Rows(5),
		Rows: rows, Order: func(epoch, behind int) iter.Seq[[]int32] { // in pieces that end within a batch
			return slices.Chunk(order(epoch)[behind:], 3)
		},
	}
	_, err := Run(context.Background(), f, oneLoss(batch), cfg, Hooks{
		Progress: func(p Progress) { last = p },
		Epoch:    func(e Epoch) error { got = append(got, e); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != epochs {
		t.Fatalf("%d epochs, want %d", len(got), epochs)
	}
	for i, e := range got {
		first := float64(3 * i)
		want := (first*4 + (first+1)*4 + (first+2)*2) / rows
		if math.Abs(e.Train[0]-want) > 1e-12 || e.Val[0] != 2 || e.Test[0] != 0.25 || e.Step != int64(3*i+3) || e.Number != i+1 {
			t.Errorf("epoch %d = %+v, want train loss %v", i+1, e, want)
		}
	}
	if want := []int{2, 2, 5}; !slices.Equal(f.tested, want) || got[1].TestRows != 2 || got[2].TestRows != 5 {
		t.Errorf("evaluated %v test rows, the epochs say %d and %d; want %v", f.tested, got[1].TestRows, got[2].TestRows, want)
	}
	if last.Rows != rows || last.TotalRows != rows || last.Epoch != epochs || last.Step != 9 {
		t.Errorf("last progress = %+v", last)
	}
	if want := slices.Concat(order(0), order(1), order(2)); !slices.Equal(f.rows, want) {
		t.Errorf("rows %v, want %v", f.rows, want)
	}
	if len(f.scalars) != 9 || f.scalars[0] != 0.5 {
		t.Errorf("scalars %v, want 9 learning rates of 0.5", f.scalars)
	}
}

func TestDivergence(t *testing.T) {
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
		f := &fake{batch: 1, loss: func(step int64) float32 {
			if step == 13 {
				return bad
			}
			return 1
		}}
		_, err := Run(context.Background(), f, oneLoss(1), Config{Epochs: 5, Rows: 10, Order: inOrder(10)}, Hooks{})
		var diverged *DivergedError
		if !errors.As(err, &diverged) || diverged.Epoch != 2 || diverged.Step != 14 {
			t.Errorf("error %v, want divergence at step 14 of epoch 2", err)
		} else if !strings.Contains(err.Error(), "training loss is") || !strings.Contains(err.Error(), "lower learning rate") || !slices.Equal(diverged.Options(), []string{"lr"}) {
			t.Errorf("error %q does not say what to try", err)
		}
	}
	for _, broken := range []bool{false, true} { // the network, or the test set alone
		f := &fake{batch: 1, loss: func(int64) float32 { return 1 }, eval: math.NaN(), broken: broken}
		epochs := 0
		_, err := Run(context.Background(), f, oneLoss(1), Config{Epochs: 2, Test: Rows(1), LastTest: Rows(1), Rows: 1, Order: inOrder(1)}, Hooks{
			Epoch: func(Epoch) error { epochs++; return nil },
		})
		var diverged *DivergedError
		if errors.As(err, &diverged) != broken || broken && diverged.Set != vm.TestSet || !broken && (err != nil || epochs != 2) {
			t.Errorf("broken network %v: error %v after %d epochs", broken, err, epochs)
		}
	}
}

func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	f := &fake{batch: 1, loss: func(int64) float32 { return 1 }, cancel: cancel, stopAt: 25}
	epochs := 0
	_, err := Run(ctx, f, oneLoss(1), Config{Epochs: 100, Rows: 10, Order: inOrder(10)}, Hooks{
		Epoch: func(Epoch) error { epochs++; return nil },
	})
	if !errors.Is(err, context.Canceled) || f.step != 25 || epochs != 2 {
		t.Errorf("error %v after %d steps and %d epochs, want an interrupt after 25 and 2", err, f.step, epochs)
	}
}

func TestHookErrorEndsTheRun(t *testing.T) {
	want := errors.New("disk full")
	f := &fake{batch: 1, loss: func(int64) float32 { return 1 }}
	_, err := Run(context.Background(), f, oneLoss(1), Config{Epochs: 3, Rows: 1, Order: inOrder(1)}, Hooks{
		Epoch: func(Epoch) error { return want },
	})
	if !errors.Is(err, want) || f.step != 1 {
		t.Errorf("error %v after %d steps, want %v after 1", err, f.step, want)
	}
}

// TestGoOn goes on from every position of a run, in chunks of any size: the
// epochs that are left come to the same.
func TestGoOn(t *testing.T) {
	const rows, batch, epochs = 10, 4, 3 // 3 steps an epoch
	order := func(epoch, behind int) iter.Seq[[]int32] {
		all := Rows(rows)
		all[0], all[epoch+1] = all[epoch+1], all[0]
		return slices.Chunk(all[behind:], 3)
	}
	machine := func(step int64) *fake {
		return &fake{batch: batch, loss: func(step int64) float32 { return 0.1 + float32(step)/3 }, eval: 0.25, step: step}
	}
	run := func(from Position, every int64) (f *fake, ended []Epoch, at []Position) {
		f = machine(from.Step)
		end, err := Run(context.Background(), f, oneLoss(batch), Config{Epochs: epochs, Rows: rows, Order: order, From: from, Every: every}, Hooks{
			Epoch: func(e Epoch) error {
				e.Seconds, e.ImagesPerSecond = 0, 0
				ended = append(ended, e)
				return nil
			},
			Between: func(p Position) error {
				p.Sums = slices.Clone(p.Sums)
				at = append(at, p)
				return nil
			},
		})
		if want := (Position{Epoch: epochs, Step: 9}); err != nil || !reflect.DeepEqual(end, want) {
			t.Errorf("from %+v: ended at %+v (%v), want %+v", from, end, err, want)
		}
		return f, ended, at
	}
	whole, want, positions := run(Position{}, 1)
	if len(positions) != 9 {
		t.Fatalf("%d positions, want one a step", len(positions))
	}
	for _, from := range positions {
		for _, every := range []int64{0, 1, 2} {
			f, got, _ := run(from, every)
			if !reflect.DeepEqual(got, want[from.Epoch:]) {
				t.Errorf("from %+v: epochs %+v, want %+v", from, got, want[from.Epoch:])
			}
			if !slices.Equal(f.rows, whole.rows[from.Epoch*rows+from.Rows:]) {
				t.Errorf("from %+v: rows %v", from, f.rows)
			}
		}
	}
	for name, from := range map[string]Position{"terms": {Rows: 4, Sums: []float64{1, 2}}, "rows": {Rows: 11, Sums: []float64{1}}} {
		if _, err := Run(context.Background(), machine(0), oneLoss(batch), Config{Epochs: epochs, Rows: rows, Order: order, From: from}, Hooks{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestInterruptedWithinAChunk counts the steps that were done.
func TestInterruptedWithinAChunk(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	f := &fake{batch: 1, loss: func(step int64) float32 { return float32(step) }, cancel: cancel, stopAt: 25}
	at, err := Run(ctx, f, oneLoss(1), Config{Epochs: 9, Rows: 10, Order: inOrder(10)}, Hooks{})
	want := Position{Epoch: 2, Step: 25, Rows: 5, Sums: []float64{20 + 21 + 22 + 23 + 24}}
	if !errors.Is(err, context.Canceled) || !reflect.DeepEqual(at, want) {
		t.Errorf("at %+v (%v), want %+v", at, err, want)
	}
}

// TestEnough ends after an epoch as behind the last one.
func TestEnough(t *testing.T) {
	f := &fake{batch: 1, loss: func(int64) float32 { return 1 }}
	at, err := Run(context.Background(), f, oneLoss(1), Config{Epochs: 9, Rows: 10, Order: inOrder(10)}, Hooks{
		Epoch: func(e Epoch) error {
			if e.Number == 2 {
				return ErrEnough
			}
			return nil
		},
	})
	if want := (Position{Epoch: 2, Step: 20}); err != nil || !reflect.DeepEqual(at, want) {
		t.Errorf("at %+v (%v), want %+v", at, err, want)
	}
}
