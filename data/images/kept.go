package images

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"aegis/data"
	"aegis/data/memory"
)

// slow is how long the decoding of a set lasts that is kept in the cache though
// it fits into memory, and mostKept how many bytes there are of such sets.
const (
	slow     = 2 * time.Second
	mostKept = 4 << 30
)

// kept takes a set from the cache where it is there whole. Else it is decoded
// into memory, and kept where that took long. The cache only saves time here:
// where it cannot be written a note says so.
func (d decoding) kept(ctx context.Context) (data.Set, error) {
	path, key := d.cache("kept")
	if r, ok := d.recorded(ctx, path, key); ok {
		if rows, ok := d.load(path, r); ok {
			d.taken(path, r)
			return d.set(r, rows)
		}
	}
	start, long := time.Now(), d.opt.slow
	if long == 0 {
		long = slow
	}
	set, found, err := d.memory(ctx)
	if err != nil || time.Since(start) < long || int64(len(set.Bytes)) > mostKept {
		return set, err
	}
	_, err = d.store(path, key, func(take func([]byte) error) ([]broken, error) { return found, take(set.Bytes) })
	if err == nil {
		err = prune(d.opt.Cache, path, mostKept)
	}
	if err != nil {
		d.listing.note("decoded images are not kept for the next time: %v", err)
	} else {
		d.listing.note("%d decoded images are kept in %s for the next time", set.N, filepath.ToSlash(path))
	}
	return set, nil
}

// load reads rows of the cache, whose record was checked, into memory.
func (d decoding) load(path string, r record) (data.Rows, bool) {
	head, shape := len(d.head(r.Rows)), d.form.Shape()
	if memory.Fits(uint64(head+r.Rows*shape.Size())) != nil {
		return data.Rows{}, false
	}
	file, err := os.ReadFile(path)
	if err != nil || len(file) != head+r.Rows*shape.Size() {
		return data.Rows{}, false
	}
	return data.Rows{N: r.Rows, Shape: shape, Bytes: file[head:]}, true
}

// prune deletes the oldest of the sets that are kept to save time, until all have
// at most so many bytes.
func prune(dir, keep string, most int64) error {
	paths, err := filepath.Glob(filepath.Join(dir, "kept-*.npy"))
	if err != nil {
		return err
	}
	type set struct {
		path string
		fs.FileInfo
	}
	var all []set
	total := int64(0)
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			all = append(all, set{path, info})
			total += info.Size()
		}
	}
	slices.SortFunc(all, func(a, b set) int { return a.ModTime().Compare(b.ModTime()) })
	for _, old := range all {
		if total <= most {
			break
		}
		if old.path == keep {
			continue
		}
		if err := errors.Join(os.Remove(recordOf(old.path)), os.Remove(old.path)); err != nil {
			return err
		}
		total -= old.Size()
	}
	return nil
}
