package aegis

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"aegis/data"
	"aegis/data/mnist"
)

// TestGenerated judges models of MNIST that were trained as adversarial ones, such
// as those that AEGIS_GENERATED=runs/*/model.safetensors names: what they rebuild,
// their codes, and 1,000 rows that are decoded from draws of the prior. These must
// lie as near to training images as test digits do, and be of every class by their
// 10 nearest ones. It takes minutes, and is left out where no model is named.
func TestGenerated(t *testing.T) {
	pattern := os.Getenv("AEGIS_GENERATED")
	if pattern == "" {
		t.Skip("AEGIS_GENERATED names no model")
	}
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no file of %s (%v)", pattern, err)
	}
	ds, err := mnist.Load()
	if err != nil {
		t.Fatal(err)
	}
	const count, near = 1000, 10
	tests := make([]float32, 0, count*ds.Test.Size())
	for i := range count {
		for _, v := range ds.Test.ByteRow(i) {
			tests = append(tests, float32(v))
		}
	}
	var distances []float64
	for _, n := range nearest(ds.Train.Rows, tests, 1) {
		distances = append(distances, n[0].distance)
	}
	slices.Sort(distances)
	limit := distances[count*95/100-1]
	var losses []float64
	for _, path := range paths {
		t.Run(path, func(t *testing.T) { losses = append(losses, judgeGenerated(t, path, ds, count, near, limit)) })
	}
	slices.Sort(losses)
	if median := losses[len(losses)/2]; median > 0.0184 {
		t.Errorf("test losses %.5f; want a median of at most 0.0184", losses)
	}
}

// judgeGenerated judges one model, and returns its test loss.
func judgeGenerated(t *testing.T, path string, ds *data.Source, count, near int, limit float64) (loss float64) {
	m, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	ctx := context.Background()
	loss = checkRebuilt(t, m, ds.Test.Rows)
	codes, err := m.Prior(count, 1)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := m.Decode(ctx, codes)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		rows[i] *= 255
	}
	within, classes := 0, make([]int, 10)
	for _, found := range nearest(ds.Train.Rows, rows, near) {
		if found[0].distance <= limit {
			within++
		}
		votes := make([]int, 10)
		for _, n := range found {
			votes[ds.Train.Labels[n.row]]++
		}
		classes[slices.Index(votes, slices.Max(votes))]++
	}
	t.Logf("%d of %d as near as 95 %% of test digits (%.3f); of the classes %v", within, count, limit/255, classes)
	if within*100 < 95*count {
		t.Errorf("%d of %d are near; want 95 %%", within, count)
	}
	for class, n := range classes {
		if n*100 < 3*count || n*100 > 20*count {
			t.Errorf("%d of class %d; want 3 to 20 %%", n, class)
		}
	}
	return loss
}

// checkRebuilt holds the moments of codes to those of the source, and returns the
// loss.
func checkRebuilt(t *testing.T, m *Model, rows data.Rows) (loss float64) {
	t.Helper()
	ctx := context.Background()
	scores, err := m.Score(ctx, rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range scores {
		loss += v / float64(len(scores))
	}
	codes, err := m.Encode(ctx, rows)
	if err != nil {
		t.Fatal(err)
	}
	prior, z, mean, least, most := m.Spec().PriorDeviation(), m.Spec().Latent, 0.0, math.Inf(1), 0.0
	for d, want := range prior {
		sum, squares := 0.0, 0.0
		for i := d; i < len(codes); i += z {
			v := float64(codes[i]) / want
			sum, squares = sum+v, squares+v*v
		}
		n := float64(rows.N)
		deviation := math.Sqrt(squares/n - sum*sum/n/n)
		mean, least, most = max(mean, math.Abs(sum/n)), min(least, deviation), max(most, deviation)
	}
	t.Logf("test loss %.5f; codes by the prior's deviation: means up to %.3f, standard deviations %.3f to %.3f", loss, mean, least, most)
	if mean > 0.25 || least < 0.8 || most > 1.2 {
		t.Errorf("codes' means up to %.3f, standard deviations %.3f to %.3f; want 0.25, and 0.8 to 1.2", mean, least, most)
	}
	return loss
}

// neighbour is a training row and how far it is.
type neighbour struct {
	row      int
	distance float64
}

// nearest finds the k training rows that are nearest to each of some rows, in the
// units of bytes, the nearest first.
func nearest(train data.Rows, rows []float32, k int) [][]neighbour {
	size := train.Size()
	all := make([][]neighbour, len(rows)/size)
	var next sync.Mutex
	at := 0
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for {
				next.Lock()
				i := at
				at++
				next.Unlock()
				if i >= len(all) {
					return
				}
				all[i] = nearestTo(train, rows[i*size:][:size], k)
			}
		})
	}
	workers.Wait()
	return all
}

// nearestTo gives a row up where it is farther than the k nearest so far.
func nearestTo(train data.Rows, x []float32, k int) []neighbour {
	const part = 56
	found := make([]neighbour, k, k+1)
	for i := range found {
		found[i].distance = math.Inf(1)
	}
	for row := range train.N {
		bytes, sum, limit := train.ByteRow(row), float32(0), float32(found[k-1].distance)
		for from := 0; from < len(x) && sum < limit; from += part {
			b := bytes[from:min(from+part, len(x))]
			for j, v := range x[from:][:len(b)] {
				d := v - float32(b[j])
				sum += d * d
			}
		}
		if sum < limit {
			to, _ := slices.BinarySearchFunc(found, float64(sum), func(n neighbour, d float64) int {
				if n.distance < d {
					return -1
				}
				return 1
			})
			found = slices.Insert(found, to, neighbour{row, float64(sum)})[:k]
		}
	}
	for i := range found {
		found[i].distance = math.Sqrt(found[i].distance)
	}
	return found
}
