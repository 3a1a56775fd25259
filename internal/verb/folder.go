package verb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aegis"
)

// folder is PNG files of images that lie aside until all are there.
type folder struct {
	model *aegis.Model
	dir   string // where they lie aside
	rows  int    // in all, −1: unknown
	done  int
	used  map[string]bool // names
}

// name is what an image's file is called: as the one that it was made of, or by
// its number.
func (f *folder) name(r rebuilt, i int) string {
	name := fmt.Sprintf("%0*d", max(5, len(fmt.Sprint(f.rows))), f.done+i)
	if r.names != nil {
		name = strings.TrimSuffix(r.names[i], filepath.Ext(r.names[i]))
		if f.used[name+".png"] { // another ending was the difference
			name = r.names[i]
		}
	}
	f.used[name+".png"] = true
	return name + ".png"
}

func (f *folder) add(ctx context.Context, r rebuilt) error {
	pixels, err := f.model.Bytes(r.values)
	if err != nil {
		return err
	}
	size := f.model.Size()
	for i := range r.n {
		if err := ctx.Err(); err != nil {
			return err
		}
		one := rebuilt{n: 1}
		if r.names != nil {
			one.names = r.names[i : i+1]
		}
		if err := f.put(one, 0, func(w io.Writer) error { return f.model.WriteImage(w, pixels[i*size:][:size]) }); err != nil {
			return err
		}
	}
	return nil
}

// put writes the file of one image.
func (f *folder) put(r rebuilt, i int, write func(io.Writer) error) error {
	path := filepath.Join(f.dir, filepath.FromSlash(f.name(r, i)))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("aegis: %w", err)
	}
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("aegis: %w", err)
	}
	if err := errors.Join(write(file), file.Close()); err != nil {
		return fmt.Errorf("aegis: write %s: %w", path, err)
	}
	f.done++
	return nil
}

// into puts the files in their folder: at once where that is not there yet, else
// one after the other.
func (f *folder) into(out string) error {
	_ = os.Remove(out) // an empty one
	if _, err := os.Stat(out); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(f.dir, out)
	}
	return filepath.WalkDir(f.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(f.dir, path)
		if err != nil {
			return err
		}
		to := filepath.Join(out, rel)
		if e.IsDir() {
			return os.MkdirAll(to, 0o777)
		}
		return os.Rename(path, to)
	})
}
