package run

import (
	"fmt"
	"os"
	"path/filepath"
)

// picturesBytes is room for what is small: configuration, metrics, pictures.
const picturesBytes = 2 << 20

// CheckSpace says where a run's two checkpoints, of so many bytes, do not fit
// on the disk of a directory, which need not be there yet. A file is replaced
// by one that is written beside it, so that the larger of the two is there
// twice for a while.
func CheckSpace(dir string, model, last int64) error {
	have, known := free(existing(dir))
	if need := model + last + max(model, last) + picturesBytes; known && need > have {
		return fmt.Errorf("run: %s has %.1f MiB left, want %.1f MiB for the checkpoints; free some or choose another directory",
			dir, float64(have)/(1<<20), float64(need)/(1<<20))
	}
	return nil
}

// existing returns a directory or the nearest one above it that is there.
func existing(dir string) string {
	for {
		_, err := os.Stat(dir)
		above := filepath.Dir(dir)
		if err == nil || above == dir {
			return dir
		}
		dir = above
	}
}
