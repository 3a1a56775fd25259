package explorer_test

import (
	"testing"

	"aegis/internal/browsertest"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

// open opens a page and waits until all of it can be used.
func open(t testing.TB, url string, width, height int64) *browsertest.Tab {
	t.Helper()
	b := browsertest.Open(t, width, height)
	b.Go(url)
	b.Until("window.explorer?.ready")
	return b
}
