package table

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

func TestKeep(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	const text = "a,b\n1,2\n"
	for name, most := range map[string]int64{"memory": 100, "just memory": int64(len(text)) + 1, "file": 3} {
		k, err := keep(context.Background(), oneByte{strings.NewReader(text)}, "t.csv", most)
		if err != nil {
			t.Fatal(err)
		}
		if (k.file != nil) != (name == "file") || k.size != int64(len(text)) {
			t.Errorf("%s: %d bytes, in a file: %v", name, k.size, k.file != nil)
		}
		for range 2 {
			got, err := io.ReadAll(k)
			if err != nil || string(got) != text {
				t.Errorf("%s: %q, error %v", name, got, err)
			}
			if _, err := k.Seek(0, io.SeekStart); err != nil {
				t.Fatal(err)
			}
		}
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := keep(context.Background(), io.MultiReader(strings.NewReader(text), failing{}), "t.csv", 3); !errors.Is(err, errFails) {
		t.Errorf("error %v, want %v", err, errFails)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	if _, err := Read(stopped, strings.NewReader(text), "t.csv", Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("of a canceled context: %v", err)
	}
}

var errFails = errors.New("fails")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errFails }
