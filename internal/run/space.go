package run

import (
	"fmt"
	"os"
	"path/filepath"
)

const (
	// picturesBytes is room for what is small: configuration, metrics, pictures.
	picturesBytes = 2 << 20
	// filesNeeded is how many files and directories a run makes at most: its
	// files, a directory for them, mark, lock and one that is being written.
	filesNeeded = 12
)

// CheckSpace says where a run's two checkpoints, of so many bytes, do not fit
// on the disk of a directory, which need not be there yet. A file is replaced
// by one that is written beside it, so that the larger of the two is there
// twice for a while.
func CheckSpace(dir string, model, last int64) error {
	have, files, known := free(existing(dir))
	if known && files < filesNeeded {
		return fmt.Errorf("run: %s has room for %d more files, want %d: the table of files of its disk is full; remove some or choose another directory",
			dir, files, filesNeeded)
	}
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
