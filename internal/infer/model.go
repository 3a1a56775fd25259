package infer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"aegis/data"
	"aegis/internal/exact"
	"aegis/model"
	"aegis/model/program"
)

// Model is a trained autoencoder. Any number of goroutines may use it at once.
// One that was not loaded, or is nil, answers errors. Labels are a class for each
// row, of a model that reads them.
type Model struct {
	spec    model.Spec
	network *Network
	loss    func(predicted, row []float32) float64 // of a row, beside a divergence

	fingerprint string

	exact func() (*exact.Part, error) // what is rebuilt of rows, in float64
}

// Spec returns the network's description.
func (m *Model) Spec() model.Spec {
	if m == nil {
		return model.Spec{}
	}
	return m.spec
}

// Device says what the model runs on.
func (m *Model) Device() string { return m.opened().Device() }

// Pixels returns the range of pixels that the network reads and writes, 0 and 0
// where it reads values of no such range.
func (m *Model) Pixels() (lo, hi float32) {
	if m.opened() == nil {
		return 0, 0
	}
	pixels := m.network.program.Scaling.Pixels
	return pixels.Lo, pixels.Hi
}

// Encode returns the codes (n,Z) of n rows, one after the other.
func (m *Model) Encode(ctx context.Context, rows data.Rows, labels ...byte) ([]float32, error) {
	return m.run(ctx, program.Encode, rows, labels)
}

// Decode returns the rows (n,P) of n codes (n,Z), in the units of Reconstruct.
func (m *Model) Decode(ctx context.Context, codes []float32, labels ...byte) ([]float32, error) {
	if err := m.Ready(ctx); err != nil {
		return nil, err
	}
	classes, err := m.classes(labels, len(codes)/max(1, m.Spec().Latent))
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(codes, infinite); i >= 0 {
		return nil, &NotFiniteError{What: "code", Row: i / m.Spec().Latent, Value: i % m.Spec().Latent, Got: codes[i]}
	}
	out, err := m.opened().Run(ctx, program.Decode, program.Feed{Values: codes, Labels: classes})
	if err != nil {
		return nil, err
	}
	m.network.program.Scaling.Undo(out)
	return out, nil
}

// Reconstruct returns n rows (n,P), encoded and decoded: images of bytes in the
// range of Pixels, others in the units that the rows had.
func (m *Model) Reconstruct(ctx context.Context, rows data.Rows, labels ...byte) ([]float32, error) {
	out, err := m.run(ctx, program.Reconstruct, rows, labels)
	if err != nil {
		return nil, err
	}
	m.network.program.Scaling.Undo(out)
	return out, nil
}

// Score returns the loss of each of n rows, in float64 on the host and in scaled
// units: of what the part that the loss compares gives. Of a variational network
// it is minus the logarithm of the likelihood at the mean of the code, and the
// code's divergence from N(0, 1), in nats.
func (m *Model) Score(ctx context.Context, rows data.Rows, labels ...byte) ([]float64, error) {
	part, _ := m.Spec().Scored()
	var scores []float64
	err := m.batches(ctx, part, rows, labels, func(values, predicted []float32) {
		p := rows.Size()
		for at := 0; at < len(values); at += p {
			scores = append(scores, m.loss(predicted[at:at+p], values[at:at+p]))
		}
	})
	if err == nil && m.spec.Variational() {
		err = m.addDivergence(ctx, rows, labels, scores)
	}
	if err != nil {
		return nil, err
	}
	return scores, nil
}

// addDivergence adds that of each row's code from N(0, 1).
func (m *Model) addDivergence(ctx context.Context, rows data.Rows, labels []byte, scores []float64) error {
	mu, err := m.run(ctx, program.Encode, rows, labels)
	if err != nil {
		return err
	}
	logvar, err := m.run(ctx, program.LogVar, rows, labels)
	if err != nil {
		return err
	}
	z := m.spec.Latent
	for i := range scores {
		scores[i] += model.Divergence(mu[i*z:][:z], logvar[i*z:][:z])
	}
	return nil
}

// Prior returns n codes (n,Z) drawn from what codes are held to, under a seed; row i
// is the same however many there are. Only variational and adversarial networks
// have a prior.
func (m *Model) Prior(n int, seed uint64) ([]float32, error) {
	if err := m.opened().enter(context.Background()); err != nil {
		return nil, err
	}
	defer m.network.calls.Done()
	if z := m.spec.Latent; n < 0 || n > math.MaxInt32/z {
		return nil, fmt.Errorf("aegis: prior: %d codes of %d values; want 0 to %d", n, z, math.MaxInt32/z)
	}
	codes := make([]float32, n*m.spec.Latent)
	if err := m.spec.DrawPrior(codes, seed); err != nil {
		return nil, fmt.Errorf("aegis: prior: %w", err)
	}
	return codes, nil
}

// Close waits for the calls in progress and releases the device.
func (m *Model) Close() error { return m.opened().Close() }

// opened returns the network, nil where nothing was loaded.
func (m *Model) opened() *Network {
	if m == nil {
		return nil
	}
	return m.network
}

// Pairs visits rows, some at a time, as the network reads them and as it
// rebuilds them, both (n,P): without a change of units. They are valid until
// visit returns, whose error ends it.
func (m *Model) Pairs(ctx context.Context, rows data.Rows, labels []byte, visit func(values, rebuilt []float32) error) error {
	var failed error
	err := m.batches(ctx, program.Reconstruct, rows, labels, func(values, rebuilt []float32) {
		if failed == nil && len(values) > 0 {
			failed = visit(values, rebuilt)
		}
	})
	return errors.Join(err, failed)
}

// run gathers a part's results.
func (m *Model) run(ctx context.Context, part program.Part, rows data.Rows, labels []byte) ([]float32, error) {
	var out []float32
	err := m.batches(ctx, part, rows, labels, func(values, results []float32) {
		if len(values) > 0 && out == nil {
			out = make([]float32, 0, rows.N*(len(results)/(len(values)/rows.Size())))
		}
		out = append(out, results...)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// batchValues is about how many values are given to a part at once: several
// batches for each of many threads, in little memory.
const batchValues = 1 << 20

// batches runs a part on rows and visits the values of a batch and their
// results, in order.
func (m *Model) batches(ctx context.Context, part program.Part, rows data.Rows, labels []byte, visit func(values, results []float32)) error {
	if err := m.opened().enter(ctx); err != nil {
		return err
	}
	defer m.network.calls.Done()
	if err := m.check(rows); err != nil {
		return err
	}
	classes, err := m.classes(labels, rows.N)
	if err != nil {
		return err
	}
	n := max(1, batchValues/rows.Size())
	for from := 0; from == 0 || from < rows.N; from += n {
		to := min(from+n, rows.N)
		values := m.values(rows, from, to)
		results, err := m.network.run(ctx, part, program.Feed{Values: values, Labels: some(classes, from, to)})
		if err != nil {
			return err
		}
		visit(values, results)
	}
	return nil
}

// classes are the labels of n rows as a network takes them, nil where it reads
// none.
func (m *Model) classes(labels []byte, n int) ([]int32, error) {
	spec := m.Spec()
	switch {
	case spec.Condition == "" && len(labels) == 0:
		return nil, nil
	case spec.Condition == "":
		return nil, fmt.Errorf("aegis: %d labels for a model that reads none", len(labels))
	case len(labels) != n:
		return nil, fmt.Errorf("aegis: the model reads labels: want one for each of %d rows, got %d", n, len(labels))
	}
	classes := make([]int32, n)
	for i, label := range labels {
		if int(label) >= spec.Classes {
			return nil, fmt.Errorf("aegis: label %d of row %d; the model knows classes 0 to %d", label, i, spec.Classes-1)
		}
		classes[i] = int32(label)
	}
	return classes, nil
}

// some are classes from to to-1, where there are any.
func some(classes []int32, from, to int) []int32 {
	if classes == nil {
		return nil
	}
	return classes[from:to]
}

// values are rows from to to-1 as the network reads them.
func (m *Model) values(rows data.Rows, from, to int) []float32 {
	p := rows.Size()
	values := make([]float32, (to-from)*p)
	for i := from; i < to; i++ {
		m.network.program.Scaling.Read(values[(i-from)*p:][:p], rows, i)
	}
	return values
}

// Ready says why the model cannot be used: it is empty or closed, or ctx has
// ended.
func (m *Model) Ready(ctx context.Context) error {
	if err := m.opened().enter(ctx); err != nil {
		return err
	}
	m.network.calls.Done()
	return nil
}

// Check says why rows are none that the model reads.
func (m *Model) Check(rows data.Rows) error {
	if err := m.Ready(context.Background()); err != nil {
		return err
	}
	return m.check(rows)
}

// check says why rows are none that the network reads.
func (m *Model) check(rows data.Rows) error {
	p := m.network.program
	if rows.Shape != p.Row {
		return fmt.Errorf("aegis: want rows of %v, got %v", p.Row, rows.Shape)
	}
	if err := p.CheckRows(rows); err != nil {
		return fmt.Errorf("aegis: %w", err)
	}
	if i := slices.IndexFunc(rows.Floats, infinite); i >= 0 {
		return &NotFiniteError{What: "row", Row: i / rows.Size(), Value: i % rows.Size(), Got: rows.Floats[i]}
	}
	return nil
}

// NotFiniteError is the error of a value that is no finite number. Row counts
// from 0 in the rows or codes of the call, Value in the row.
type NotFiniteError struct {
	What       string // row or code
	Row, Value int
	Got        float32
}

func (e *NotFiniteError) Error() string {
	return fmt.Sprintf("aegis: %s %d, value %d, both counted from 0: want a finite number, got %v", e.What, e.Row, e.Value, e.Got)
}

// infinite says that a value is no finite number.
func infinite(v float32) bool { return v-v != 0 }
