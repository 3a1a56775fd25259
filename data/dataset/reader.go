package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aegis/data"
	"aegis/data/images"
)

// reader is a reader of what a user named.
type reader struct {
	data.Reader
	shape data.Shape // as a model reads the rows
	notes []string
	close func() error // of the file, after the reader; nil: none

	classes []string // of images
}

// Noted is a reader that says what was decided.
type Noted interface{ Notes() []string }

func (r *reader) Shape() data.Shape { return r.shape }
func (r *reader) Len() int          { return data.Len(r.Reader) }

func (r *reader) Next(n int) (data.Chunk, error) {
	c, err := r.Reader.Next(n)
	if err == nil {
		c.Shape = r.shape
	}
	return c, err
}

// ClassNames are those of the labels so far, nil where they have none.
func (r *reader) ClassNames() []string {
	if r.classes != nil {
		return r.classes
	}
	return data.ClassNames(r.Reader)
}

// Notes also has those of what it reads, as far as it has come.
func (r *reader) Notes() []string {
	notes := slices.Clone(r.notes)
	if below, ok := r.Reader.(Noted); ok {
		notes = append(notes, below.Notes()...)
	}
	return notes
}

func (r *reader) Close() error {
	err := r.Reader.Close()
	if r.close != nil {
		err = errors.Join(err, r.close())
	}
	return err
}

// reader opens a set of what was named.
func (p place) reader(ctx context.Context, set string, opt Options) (*reader, error) {
	if p.sort == folder {
		if r, err := p.images(ctx, set, opt); r != nil || err != nil {
			return r, err
		}
	}
	if p.sort == named || p.sort == folder || p.sort == prefix {
		s, err := p.source(ctx, opt)
		if err != nil {
			return nil, err
		}
		return p.sets(s, set)
	}
	in, err := p.open(ctx, opt)
	if err != nil {
		return nil, err
	}
	r, err := in.reader(ctx, set, opt)
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return &reader{Reader: r, close: in.Close}, nil
}

// sets reads sets of a source.
func (p place) sets(s *data.Source, set string) (*reader, error) {
	all := []data.Set{s.Train, s.Val, s.Test}
	chosen, err := data.ChooseSets(set, func(i int) bool { return all[i].N > 0 })
	if err != nil {
		return nil, fmt.Errorf("dataset: %s: %w", p.name, err)
	}
	var readers []data.Reader
	for _, i := range chosen {
		readers = append(readers, data.NewReader(all[i]))
	}
	return &reader{Reader: data.Chain(readers...), notes: s.Notes, close: s.Close}, nil
}

// images reads a folder of images, nil where it has IDX files, or nothing.
func (p place) images(ctx context.Context, set string, opt Options) (*reader, error) {
	if data.HoldsIDX(p.path) || !images.Holds(p.path) {
		return nil, nil
	}
	o, err := opt.images(p.name, "decoding images")
	if err != nil {
		return nil, err
	}
	folders, err := setFolders(p.path)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	switch {
	case folders == nil:
		folders = map[int]string{0: ""}
	case o.Classes == nil: // each set may have but some of them
		if o.Classes, err = images.Classes(ctx, p.path); err != nil {
			return nil, err
		}
	}
	if opt.OtherClasses {
		own, err := images.Classes(ctx, p.path)
		if err != nil {
			return nil, err
		}
		for _, name := range own {
			if !slices.Contains(o.Classes, name) {
				o.Classes = append(slices.Clip(o.Classes), name)
			}
		}
	}
	chosen, err := data.ChooseSets(set, func(i int) bool { _, ok := folders[i]; return ok })
	if err != nil {
		return nil, fmt.Errorf("dataset: %s: %w", p.name, err)
	}
	var readers []data.Reader
	for _, i := range chosen {
		r, err := images.NewReader(ctx, filepath.Join(p.path, folders[i]), o)
		if err != nil {
			return nil, errors.Join(err, data.Chain(readers...).Close())
		}
		readers = append(readers, &within{Reader: r, folder: folders[i]})
	}
	return &reader{Reader: data.Chain(readers...), classes: o.Classes}, nil
}

// setFolders finds sub-folders that are sets: nil unless all of them are.
func setFolders(dir string) (map[int]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	numbers := map[string]int{"train": 0, "val": 1, "valid": 1, "test": 2}
	found := map[int]string{}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || !isFolder(dir, e) {
			continue
		}
		i, ok := numbers[strings.ToLower(e.Name())]
		if _, twice := found[i]; !ok || twice {
			return nil, nil
		}
		found[i] = e.Name()
	}
	if len(found) == 0 {
		return nil, nil
	}
	return found, nil
}

// isFolder also follows links.
func isFolder(dir string, e fs.DirEntry) bool {
	info, err := os.Stat(filepath.Join(dir, e.Name()))
	return err == nil && info.IsDir()
}

// within has the names of a reader's rows begin with a folder.
type within struct {
	data.Reader
	folder string
}

func (w *within) Len() int { return data.Len(w.Reader) }

func (w *within) Next(n int) (data.Chunk, error) {
	c, err := w.Reader.Next(n)
	if err != nil || w.folder == "" || c.Names == nil {
		return c, err
	}
	c.Names = slices.Clone(c.Names)
	for i, name := range c.Names {
		c.Names[i] = w.folder + "/" + name
	}
	return c, nil
}

// Notes are those of the reader.
func (w *within) Notes() []string {
	if r, ok := w.Reader.(Noted); ok {
		return r.Notes()
	}
	return nil
}
