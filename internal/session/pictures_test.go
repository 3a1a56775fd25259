package session

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"aegis/data"
	"aegis/internal/run"
)

// A picture that takes long is left when its context ends, and is not written
// later.
func TestAPictureIsNotWaitedFor(t *testing.T) {
	dir, err := run.Create(filepath.Join(t.TempDir(), "run"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	tr := &trainer{journal: journal{dir: dir}}
	ctx, cancel := context.WithCancel(context.Background())
	release := make(chan struct{})
	p := startPicture(run.LatentFile, func(w io.Writer) error {
		cancel()
		<-release
		_, err := io.WriteString(w, "late")
		return err
	})
	if err := tr.store(ctx, p); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	close(release)
	if err := <-p.done; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir.Path(run.LatentFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the picture: %v, want none", err)
	}
	p = startPicture(run.LatentFile, func(w io.Writer) error { _, err := io.WriteString(w, "drawn"); return err })
	if err := tr.store(context.Background(), p); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(dir.Path(run.LatentFile)); err != nil || string(b) != "drawn" {
		t.Errorf("the picture: %q, %v", b, err)
	}
}

// An interrupt behind the last epoch leaves the loss, and says what is saved.
func TestInterruptedBehindTheLastEpoch(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cfg := config(t, "fc64")
	out := filepath.Join(t.TempDir(), "run")
	s, err := trained(ctx, cfg, blobs(16, 8, 6, 6), Options{Out: out, Hooks: Hooks{Epoch: func(m Metrics) {
		if m.Epoch == cfg.Epochs {
			cancel()
		}
	}}})
	var interrupted *InterruptedError
	want := "the model of epoch 2 and the state of step 4 are saved in " + out
	if s.Status != Interrupted || !errors.As(err, &interrupted) || interrupted.Saved != want {
		t.Errorf("status %q, error %v, want %q", s.Status, err, want)
	}
	if _, err := os.Stat(filepath.Join(out, run.LossFile)); err != nil {
		t.Error(err)
	}
}

// The picture of the loss says what the last line says.
func TestLossCurveSaysHowGood(t *testing.T) {
	base, better, worse := 0.25, 0.748, -1.0
	for want, v := range map[string]Verdict{
		"fc64 on 3 images": {},
		"fc64 on 3 images: 74.8 % of the variance explained":       {MeanImageLoss: &base, Better: &better, VarianceExplained: &better},
		"fc64 on 3 images: 74.8 % better than the mean image":      {MeanImageLoss: &base, Better: &better},
		"fc64 on 3 images: 2.00 times as high as the mean image's": {MeanImageLoss: &base, Better: &worse},
	} {
		tr := &trainer{cfg: config(t, "fc64"), rows: rows{split: data.Split{N: 3}}, train: data.Set{Rows: data.Rows{Shape: data.Shape{C: 1, H: 1, W: 1}}}}
		tr.summary.Verdict = v
		c := tr.lossCurve()
		if c.Title != want {
			t.Errorf("title %q, want %q", c.Title, want)
		}
		if (c.BaselineLabel != "") != (v.MeanImageLoss != nil) {
			t.Errorf("baseline %q", c.BaselineLabel)
		}
	}
}
