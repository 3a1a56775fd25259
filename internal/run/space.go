package run

import "fmt"

// picturesBytes is room for what is small: configuration, metrics, pictures.
const picturesBytes = 2 << 20

// CheckSpace says where a run's two checkpoints, of so many bytes, do not fit
// on the disk. A file is replaced by one that is written beside it, so that
// the larger of the two is there twice for a while.
func (d *Dir) CheckSpace(model, last int64) error {
	have, known := free(d.out)
	if need := model + last + max(model, last) + picturesBytes; known && need > have {
		return fmt.Errorf("run: %s has %.1f MiB left, want %.1f MiB for the checkpoints; free some or choose another directory",
			d.out, float64(have)/(1<<20), float64(need)/(1<<20))
	}
	return nil
}
