package advice_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"aegis/internal/advice"
)

func TestOf(t *testing.T) {
	cause := errors.New("no room")
	err := advice.With(cause, "batch 32", "latent")
	for name, c := range map[string]struct {
		err  error
		want []string
	}{
		"none":    {err: cause},
		"nil":     {},
		"itself":  {err: err, want: []string{"batch 32", "latent"}},
		"wrapped": {err: fmt.Errorf("train: %w", err), want: []string{"batch 32", "latent"}},
		"twice":   {err: advice.With(fmt.Errorf("cuda: %w", err), "device cpu"), want: []string{"batch 32", "latent", "device cpu"}},
		"joined":  {err: errors.Join(cause, err), want: []string{"batch 32", "latent"}},
	} {
		if got := advice.Of(c.err); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if err.Error() != cause.Error() || !errors.Is(err, cause) {
		t.Errorf("%v is not %v", err, cause)
	}
}
