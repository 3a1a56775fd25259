// Package images reads folders of image files as rows to train on: PNG, JPEG,
// GIF (the first frame), BMP, WebP and TIFF files, which their first bytes
// tell, whatever they are called.
//
// Sub-folders are classes, named after them in sorted order; images that lie in
// the folder itself have no labels. Sub-folders that are all called train, val,
// valid or test are the sets of a source, and may have classes in turn.
//
// An image is turned as its EXIF orientation says, laid over white where it is
// transparent, as reports show it, and fitted to a shape: an axis that shrinks
// is averaged over the area of each pixel, so that nothing aliases, and one
// that grows is interpolated linearly. Values are averaged as they are stored,
// not as linear light. Rows are bytes, (N,C,H,W), and depend neither on the
// number of workers nor on the system.
package images

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"aegis/data"
	"aegis/data/memory"
)

// Options says how image files become rows.
type Options struct {
	// Height and Width are those of rows. 0, 0: those of the images, which must
	// all be alike then.
	Height, Width int
	Fit           data.Fit // how an image of another shape fits, "": crop
	// Gray makes all images grey. Else rows have three channels where the header
	// of any image says that it has colour, and one where none does.
	Gray   bool
	Strict bool // a broken file is an error; else it is left out, and Notes says so
	// Cache is a folder that sets larger than memory are decoded into, "": they
	// are an error. Smaller ones whose decoding takes seconds are kept there too,
	// for the next time.
	Cache string
	// Form is that of a model: its shape, channels and fit are taken, and Height,
	// Width, Fit and Gray are unset.
	Form *data.ImageForm
	// Classes are the names of a model's labels: sub-folders must be among them.
	// nil: those of the sub-folders.
	Classes  []string
	Workers  int                // that decode at once, 0: a core each
	Progress func(done, of int) // how many files are decoded; may be nil

	budget uint64        // memory for rows, 0: half of what is left
	slow   time.Duration // in place of the constant, 0: that
}

// mostPixels is how many an image, or a row, may have.
const mostPixels = 1 << 28

// check says what is wrong with options.
func (o Options) check() error {
	switch {
	case o.Form != nil && (o.Height != 0 || o.Width != 0 || o.Fit != "" || o.Gray):
		return errors.New("images: options: a model's form, and a shape, a fit or grey beside it; want one of them")
	case o.Form != nil:
		form := data.Form{Images: o.Form}
		return form.Validate(o.Form.Shape())
	case (o.Height == 0) != (o.Width == 0), o.Height < 0, o.Width < 0, o.Height > 0 && o.Width > mostPixels/o.Height:
		return fmt.Errorf("images: options: %d×%d; want a height and a width of at least 1 and at most %d pixels, or neither for those of the images", o.Height, o.Width, mostPixels)
	case o.Fit != "" && !slices.Contains(data.Fits(), o.Fit):
		return fmt.Errorf("images: options: fit %q; want one of %q", o.Fit, data.Fits())
	case o.Workers < 0:
		return fmt.Errorf("images: options: %d workers; want at least 1, or 0 for one a core", o.Workers)
	}
	return nil
}

func (o Options) workers() int {
	if o.Workers > 0 {
		return o.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// Open decodes the images of a folder. Sets that take more than half of the
// memory that is left are decoded once into files in opt.Cache, where later
// calls find them, and are mapped: [data.Source.Close] lets go of them.
func Open(ctx context.Context, dir string, opt Options) (*data.Source, error) {
	l, form, err := prepare(ctx, dir, opt)
	if err != nil {
		return nil, err
	}
	s := &data.Source{Name: filepath.ToSlash(dir), Form: data.Form{Classes: l.classes, Images: &form}}
	if len(l.sets()[trainSet]) == 0 {
		return nil, fmt.Errorf("images: %s: no training images, only those of other sets; put images into its folder train", l.place)
	}
	if err := l.read(ctx, s, form, opt); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.Notes = append(s.Notes, l.notes()...)
	if err := s.Validate(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// prepare lists the images of a folder, or takes one file, and settles the form
// of their rows.
func prepare(ctx context.Context, path string, opt Options) (*listing, data.ImageForm, error) {
	if err := opt.check(); err != nil {
		return nil, data.ImageForm{}, err
	}
	l, err := list(ctx, path)
	if err != nil {
		return nil, data.ImageForm{}, err
	}
	if err := l.classify(opt.Classes); err != nil {
		return nil, data.ImageForm{}, err
	}
	form, err := l.form(ctx, opt)
	return l, form, err
}

// read decodes the sets of a source into memory, or into the cache.
func (l *listing) read(ctx context.Context, s *data.Source, form data.ImageForm, opt Options) error {
	budget := opt.budget
	if budget == 0 {
		budget = memory.Left().Bytes / 2
	}
	need := uint64(len(l.files)) * uint64(form.Shape().Size())
	cached := budget > 0 && need > budget
	if cached && opt.Cache == "" {
		return fmt.Errorf("images: %s: %d images of %v are %.2f GB, more than the %.2f GB that fit into memory; give a folder for a cache, a smaller shape or more memory",
			l.place, len(l.files), form.Shape(), float64(need)/1e9, float64(budget)/1e9)
	}
	done := 0
	for which, files := range l.sets() {
		if len(files) == 0 {
			continue
		}
		d := decoding{listing: l, files: files, form: form, opt: opt, before: done}
		into := []*data.Set{&s.Train, &s.Val, &s.Test}[which]
		set, err := d.read(ctx, s, cached)
		if err != nil {
			return err
		}
		*into = set
		done += len(files)
	}
	return nil
}

// decoding is the files of a set that become rows.
type decoding struct {
	*listing
	files  []file
	form   data.ImageForm
	opt    Options
	before int // files of other sets that are decoded already
}

// read decodes a set, or finds it decoded.
func (d decoding) read(ctx context.Context, s *data.Source, large bool) (data.Set, error) {
	switch {
	case large:
		return d.cached(ctx, s)
	case d.opt.Cache != "":
		return d.kept(ctx)
	}
	set, _, err := d.memory(ctx)
	return set, err
}

// memory decodes a set into memory, and returns what files are broken.
func (d decoding) memory(ctx context.Context) (data.Set, []broken, error) {
	shape := d.form.Shape()
	size := len(d.files) * shape.Size()
	if err := memory.Fits(uint64(size)); err != nil {
		return data.Set{}, nil, fmt.Errorf("images: %s: %w; take a smaller shape or more memory", d.place, err)
	}
	set := data.Set{Rows: data.Rows{Shape: shape, Bytes: make([]byte, 0, size)}}
	broken, err := d.each(ctx, func(row []byte) error {
		set.Bytes = append(set.Bytes, row...)
		return nil
	})
	if err != nil {
		return data.Set{}, nil, err
	}
	set.N, set.Labels = len(d.files)-len(broken), d.labels(broken)
	return set, broken, d.lost(broken)
}

// labels are those of the files that are not broken, nil without classes.
func (d decoding) labels(broken []broken) []byte {
	if d.classes == nil {
		return nil
	}
	labels := make([]byte, 0, len(d.files))
	for _, f := range d.files {
		if len(broken) > 0 && broken[0].File == f.name {
			broken = broken[1:]
			continue
		}
		labels = append(labels, f.label)
	}
	return labels
}

// lost keeps what is broken for the notes. No row at all is an error.
func (d decoding) lost(broken []broken) error {
	d.broken = append(d.broken, broken...)
	if len(broken) < len(d.files) {
		return nil
	}
	return fmt.Errorf("images: %s: all %d image files of a set are broken, such as %s; give images that other programs show", d.place, len(broken), broken[0])
}

// each calls take with the rows of a set, in the order of its files, and
// returns what files are broken.
func (d decoding) each(ctx context.Context, take func(row []byte) error) ([]broken, error) {
	ahead := newAhead(ctx, d)
	defer ahead.close()
	var found []broken
	for done := 1; ; done++ {
		j, err := ahead.next()
		if err != nil {
			return nil, err
		}
		if j == nil {
			return found, nil
		}
		if j.err == nil {
			err = take(j.row)
		} else {
			found, err = append(found, broken{j.file.name, j.err.Error()}), d.refuse(j)
		}
		if err != nil {
			return nil, err
		}
		if ahead.recycle(j); d.opt.Progress != nil {
			d.opt.Progress(d.before+done, len(d.listing.files))
		}
	}
}

// refuse is the error of a file that is not just left out.
func (d decoding) refuse(j *job) error {
	var short *memory.Error
	if d.opt.Strict || errors.As(j.err, &short) {
		return fmt.Errorf("images: %s: %w; repair the file or take it away", d.path(j.file.name), j.err)
	}
	return nil
}
