package infer

import (
	"context"
	"fmt"

	"aegis/data"
	"aegis/model"
	"aegis/model/program"
)

// Model is a trained autoencoder. Any number of goroutines may use it at once.
// One that was not loaded, or is nil, answers errors.
type Model struct {
	spec    model.Spec
	network *Network
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

// Pixels returns the range of pixels that the network reads and writes.
func (m *Model) Pixels() (lo, hi float32) {
	pixels := m.Spec().Pixels()
	return pixels.Lo, pixels.Hi
}

// Encode returns the codes (n,Z) of n images, row after row.
func (m *Model) Encode(ctx context.Context, images data.Images) ([]float32, error) {
	return m.run(ctx, program.Encode, images, m.Spec().Latent)
}

// Decode returns the images (n,P) of n codes (n,Z).
func (m *Model) Decode(ctx context.Context, codes []float32) ([]float32, error) {
	return m.opened().Run(ctx, program.Decode, program.Feed{Values: codes})
}

// Reconstruct returns n images (n,P), encoded and decoded.
func (m *Model) Reconstruct(ctx context.Context, images data.Images) ([]float32, error) {
	return m.run(ctx, program.Reconstruct, images, images.Size())
}

// Score returns the loss of each of n images, in float64 on the host: of what
// the part that the loss compares gives.
func (m *Model) Score(ctx context.Context, images data.Images) ([]float64, error) {
	part, loss := m.Spec().Scored()
	var scores []float64
	err := m.batches(ctx, part, images, func(rows, predicted []float32) {
		p := images.Size()
		for at := 0; at < len(rows); at += p {
			scores = append(scores, loss.Row(predicted[at:at+p], rows[at:at+p]))
		}
	})
	if err != nil {
		return nil, err
	}
	return scores, nil
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

// run gathers a part's results, of a width an image.
func (m *Model) run(ctx context.Context, part program.Part, images data.Images, width int) ([]float32, error) {
	var out []float32
	err := m.batches(ctx, part, images, func(_, result []float32) {
		if out == nil {
			out = make([]float32, 0, images.N*width)
		}
		out = append(out, result...)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// batchValues is about how many values are given to a part at once: several
// batches for each of many threads, in little memory.
const batchValues = 1 << 20

// batches runs a part on images and visits the values of a batch and their
// results, in order.
func (m *Model) batches(ctx context.Context, part program.Part, images data.Images, visit func(values, results []float32)) error {
	if err := m.opened().enter(ctx); err != nil {
		return err
	}
	defer m.network.calls.Done()
	if err := m.check(images); err != nil {
		return err
	}
	rows := max(1, batchValues/images.Size())
	for from := 0; from == 0 || from < images.N; from += rows {
		values := m.values(images.Slice(from, min(from+rows, images.N)))
		results, err := m.network.run(ctx, part, program.Feed{Values: values})
		if err != nil {
			return err
		}
		visit(values, results)
	}
	return nil
}

// values are images as the network reads them: all that a [program.Feed] needs
// to know of what the rows of the data are.
func (m *Model) values(images data.Images) []float32 {
	values := make([]float32, len(images.Pixels))
	m.spec.Pixels().Decode(values, images.Pixels)
	return values
}

// check says why images are none that the network reads.
func (m *Model) check(images data.Images) error {
	if got := [3]int{images.C, images.H, images.W}; got != m.spec.Image {
		return fmt.Errorf("aegis: want images of %v (channels, height, width), got %v", m.spec.Image, got)
	}
	if images.N < 0 || images.N != len(images.Pixels)/images.Size() || len(images.Pixels)%images.Size() != 0 {
		return fmt.Errorf("aegis: want %d images of %d bytes, got %d bytes in all", images.N, images.Size(), len(images.Pixels))
	}
	return nil
}
