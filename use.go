package aegis

import (
	"context"

	"aegis/data"
	"aegis/internal/infer"
	"aegis/model"
	"aegis/model/program"
)

// NotFiniteError is the error of a row or a code with a value that is no finite
// number.
type NotFiniteError = infer.NotFiniteError

// ErrClosed says that a model was used after its Close.
var ErrClosed = infer.ErrClosed

// ErrOtherModel is wrapped by the error of what was made with another model than
// the one that it is used with: a [Detector], or rows that [Model.Compress] wrote.
var ErrOtherModel = infer.ErrOtherModel

// Model is a trained autoencoder, from [Load], [LoadBytes] or [LoadFS]. Any
// number of goroutines may use it at once: on the CPU their calls run side by
// side, on a GPU and on the tape machine they take turns. A row's result has
// the same bits whatever runs beside it. A call whose context ends returns the
// context's error, a call after [Model.Close] [ErrClosed], and a Model that was
// not loaded answers errors.
//
// A conditional model, such as cvae, reads a label of each row, a class below
// Spec().Classes: a set's are given as m.Encode(ctx, set.Rows, set.Labels...).
type Model struct{ model *infer.Model }

// Spec returns the network's description.
func (m *Model) Spec() model.Spec { return m.loaded().Spec() }

// Device says what the model runs on, such as "CPU (avx512, 2 threads)".
func (m *Model) Device() string { return m.loaded().Device() }

// Size returns P, the values in a row.
func (m *Model) Size() int {
	image := m.Spec().Image
	return data.Shape{C: image[0], H: image[1], W: image[2]}.Size()
}

// Pixels returns the range of pixels that the network reads and writes, a byte v
// being lo + v/255·(hi−lo); 0 and 0 where it reads values of no such range.
func (m *Model) Pixels() (lo, hi float32) { return m.loaded().Pixels() }

// Encode returns the codes (n,Z) of n rows, one after the other.
func (m *Model) Encode(ctx context.Context, rows data.Rows, labels ...byte) ([]float32, error) {
	return m.loaded().Encode(ctx, rows, labels...)
}

// Decode returns the rows (n,P) of n codes (n,Z), in the units of
// [Model.Reconstruct].
func (m *Model) Decode(ctx context.Context, codes []float32, labels ...byte) ([]float32, error) {
	return m.loaded().Decode(ctx, codes, labels...)
}

// Reconstruct returns n rows (n,P), encoded and decoded: images of bytes in the
// range of [Model.Pixels], others in the units that the rows had.
func (m *Model) Reconstruct(ctx context.Context, rows data.Rows, labels ...byte) ([]float32, error) {
	return m.loaded().Reconstruct(ctx, rows, labels...)
}

// Score returns the reconstruction loss of each of n rows: the loss that the
// network was trained by, a mean over the row's values as the network reads
// them, scaled; of a variational network minus the logarithm of the likelihood
// at the mean code plus the code's divergence, in nats a row. The higher it is, the less the row is like those of the
// training. Nothing is drawn: a row has the same score at every call.
func (m *Model) Score(ctx context.Context, rows data.Rows, labels ...byte) ([]float64, error) {
	return m.loaded().Score(ctx, rows, labels...)
}

// LogLikelihood estimates the logarithm of each of n rows' likelihood under a
// variational model, in nats, from so many codes that are drawn of each:
// importance sampling, as Burda et al. (2016) do. It lies below the likelihood,
// the nearer the more samples there are; with one it is the bound that training
// raises. A row's estimate hangs on the seed and on its place among the rows. A
// Gaussian's is a density of values as the network reads them, scaled. A
// Bernoulli's wants values of 0 and 1: of grey ones it is no likelihood. A model
// that was trained with Binarize draws them, under the seed, as a run of that
// seed draws its test set; values of 0 and 1 stay.
func (m *Model) LogLikelihood(ctx context.Context, rows data.Rows, samples int, seed uint64, labels ...byte) ([]float64, error) {
	return m.loaded().LogLikelihood(ctx, rows, samples, seed, labels...)
}

// Prior returns n codes (n,Z) drawn under a seed from what the codes of a
// variational or an adversarial network are held to, N(0, 1) or a mixture: [Model.Decode]
// makes rows of them. Row i is the same however many there are.
func (m *Model) Prior(n int, seed uint64) ([]float32, error) { return m.loaded().Prior(n, seed) }

// Close waits for the calls in progress and releases the device. To close again
// does nothing.
func (m *Model) Close() error { return m.loaded().Close() }

// loaded is nil where nothing was.
func (m *Model) loaded() *infer.Model {
	if m == nil {
		return nil
	}
	return m.model
}

// Network is a program of one's own with its parameters, from [OpenProgram]. It
// is used as a [Model] is.
type Network struct{ network *infer.Network }

// Device says what the network runs on.
func (n *Network) Device() string { return n.opened().Device() }

// Run runs a part on rows that are given as values, as the network reads them,
// scaled: n rows (n,P), or codes (n,Z) for Decode. It returns codes (n,Z) of Encode,
// else rows (n,P). Labels are for graphs that read them.
func (n *Network) Run(ctx context.Context, part program.Part, in program.Feed) ([]float32, error) {
	return n.opened().Run(ctx, part, in)
}

// Close waits for the calls in progress and releases the device. To close again
// does nothing.
func (n *Network) Close() error { return n.opened().Close() }

// opened is nil where nothing was.
func (n *Network) opened() *infer.Network {
	if n == nil {
		return nil
	}
	return n.network
}
