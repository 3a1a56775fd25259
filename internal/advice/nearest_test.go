package advice_test

import (
	"testing"

	"aegis/internal/advice"
)

func TestNearest(t *testing.T) {
	words := []string{"latent", "lr", "test_limit", "limit", "l1", "l2"}
	for name, want := range map[string]string{
		"latnet": "latent", "LATENT": "latent", "test-limit": "test_limit", "tset_limit": "test_limit",
		"limits": "limit", "LR": "lr", "rate": "", "": "", "x": "", "latentlatentlatent": "",
	} {
		if got := advice.Nearest(name, words); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
