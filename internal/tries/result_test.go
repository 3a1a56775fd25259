package tries

import (
	"reflect"
	"testing"

	"aegis/internal/session"
)

// ran is a try that ended with losses; 0 is none.
func ran(seed session.Seed, status session.Status, trained, val, test float64) Try {
	loss := func(v float64) *float64 {
		if v == 0 {
			return nil
		}
		return &v
	}
	return Try{
		Seed: seed, Dir: dirOf(seed), Status: status, Epochs: 3, BestEpoch: 2,
		TrainLoss: loss(trained), ValLoss: loss(val), TestLoss: loss(test), Seconds: float64(seed),
	}
}

// TestFigures: the median and the range are of tries that finished, and the best
// is by validation loss, else by training loss, never by the test's.
func TestFigures(t *testing.T) {
	const finished, diverged = session.Finished, session.Diverged
	for name, c := range map[string]struct {
		tries    []Try
		by, best string
		figures  map[string]Figure
	}{
		"by training": {
			[]Try{ran(3, finished, 0.3, 0, 0.1), ran(1, finished, 0.1, 0, 0.3), ran(2, finished, 0.2, 0, 0.2)},
			"train_loss", "seed-1",
			map[string]Figure{
				"train_loss": {"train_loss", 3, 0.2, 0.1, 0.3}, "test_loss": {"test_loss", 3, 0.2, 0.1, 0.3}, "seconds": {"seconds", 3, 2, 1, 3},
				"epochs": {"epochs", 3, 3, 3, 3}, "best_epoch": {"best_epoch", 3, 2, 2, 2},
			},
		},
		"by validation, two in the middle": {
			[]Try{ran(1, finished, 0.5, 0.5, 0.25), ran(2, finished, 1, 0.25, 0.5)},
			"val_loss", "seed-2",
			map[string]Figure{
				"train_loss": {"train_loss", 2, 0.75, 0.5, 1}, "val_loss": {"val_loss", 2, 0.375, 0.25, 0.5}, "test_loss": {"test_loss", 2, 0.375, 0.25, 0.5},
				"seconds": {"seconds", 2, 1.5, 1, 2}, "epochs": {"epochs", 2, 3, 3, 3}, "best_epoch": {"best_epoch", 2, 2, 2, 2},
			},
		},
		"the first of the same": {
			[]Try{ran(2, finished, 0.5, 0, 0), ran(1, finished, 0.5, 0, 0), ran(0, diverged, 0.25, 0, 0)},
			"train_loss", "seed-1",
			map[string]Figure{
				"train_loss": {"train_loss", 2, 0.5, 0.5, 0.5}, "seconds": {"seconds", 2, 1.5, 1, 2},
				"epochs": {"epochs", 2, 3, 3, 3}, "best_epoch": {"best_epoch", 2, 2, 2, 2},
			},
		},
		"none": {[]Try{ran(1, diverged, 0.5, 0.5, 0.5)}, "train_loss", "", map[string]Figure{}},
	} {
		var r Result
		for _, try := range c.tries {
			r.add(try)
		}
		got := make(map[string]Figure)
		for _, f := range r.Figures {
			got[f.Name] = f
		}
		if !reflect.DeepEqual(got, c.figures) || r.By != c.by || r.Best != c.best {
			t.Errorf("%s: %+v, %s by %s; want %+v, %s by %s", name, got, r.Best, r.By, c.figures, c.best, c.by)
		}
	}
}

// TestText: the table has a line for each try, and columns of figures that there
// are.
func TestText(t *testing.T) {
	r := Result{Dir: "runs/a", Wanted: 3, Linked: true}
	r.add(ran(1, session.Finished, 0.123456, 0, 0.2))
	r.add(ran(2, session.Finished, 0.1, 0, 0.4))
	r.add(Try{Seed: 3, Dir: "seed-3", Status: session.Failed})
	want := `seed    status    epochs  best_epoch  train_loss   test_loss  seconds
1       finished  3       2           0.12346      0.2        1
2       finished  3       2           0.1          0.4        2
3       failed    0       0           -            -          0
median  of 2      3       2           0.11173      0.3        1.5
range   of 2      3       2           0.1–0.12346  0.2–0.4    1–2
the best by training loss, for no rows are held out (the test set chooses nothing): runs/a/best, a link to seed-2
`
	if got := r.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	none := Result{Wanted: 4}
	none.add(Try{Seed: 3, Dir: "seed-3", Status: session.Failed})
	want = `seed  status  epochs  best_epoch  seconds
3     failed  0       0           0
none of 4 tries finished
`
	if got := none.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestSettings: the table says in what a configuration is not its preset.
func TestSettings(t *testing.T) {
	cfg := config(t, "fc64")
	cfg.Hidden = []int{9, 8}
	want := map[string]string{"batch": "8", "epochs": "2", "hidden": "9,8"}
	if got := settings(cfg); !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	cfg.Model = "mine"
	if got := settings(cfg); got["model"] != "mine" || got["latent"] != "64" {
		t.Errorf("of no preset: %q", got)
	}
}
