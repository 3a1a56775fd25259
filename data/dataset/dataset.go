// Package dataset opens what a user names: MNIST or Fashion-MNIST by name, a
// folder of IDX files or of images, a table of text or Parquet, NumPy arrays and
// archives of them, and the standard input. What a file is its content says,
// never its name.
//
// With the form and the shape of a model, rows are made as those were that it
// was trained on: images get its size, tables its columns. Arrays and IDX files
// must have its shape; where one side is vectors and the other grey images with
// as many values, they are the same rows, in the order of lines. Whether values
// are bytes or float32 stays as it is in the file: a model says itself, by
// data.Scaling.Check, that it wants the bytes of pictures.
package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"aegis/data"
	"aegis/data/fashion"
	"aegis/data/images"
	"aegis/data/mnist"
	"aegis/data/table"
)

// Options say how rows are made. Those that do not go with what is read are an
// error that says so.
type Options struct {
	// Of images, as in package images.
	Height, Width int
	Fit           data.Fit
	Gray, Strict  bool
	Cache         string // as in package images
	Workers       int

	// Of tables, as in package table.
	Columns, Drop                             []string
	Label, Header, Delimiter, Decimal, Impute string
	Window, Step                              int

	// OtherClasses takes labels that the model's form does not name as further
	// classes: see [data.Named].
	OtherClasses bool

	// Keys name the arrays of an archive.
	Keys data.Keys

	// Form and Shape are those of a model that reads the rows; nil and the zero
	// shape: they are for no model. Size, columns, window and so on are the
	// model's then.
	Form  *data.Form
	Shape data.Shape

	Fashion fashion.Options // where Fashion-MNIST is kept and comes from
	Stdin   io.Reader       // what "-" reads; nil: os.Stdin
	// Progress is told what is going on (downloading, decoding, reading) and how
	// much of how much is done; may be nil.
	Progress func(what string, done, of int)
}

// Open reads data to train on: mnist, which the empty name means too, or
// fashion-mnist; a folder of IDX files, else of images; a .npy or .npz file, a
// table as text or Parquet, also in gzip; or "-", the standard input, to its end.
// A path that is there is taken before a name. An array that is larger than
// memory stays in its file.
func Open(ctx context.Context, what string, opt Options) (*data.Source, error) {
	p, err := find(what)
	if err != nil {
		return nil, err
	}
	s, err := p.source(ctx, opt)
	if err != nil {
		return nil, err
	}
	if err := fitSource(s, opt); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.Notes = append(p.notes, s.Notes...)
	return s, nil
}

// NewReader reads rows in their order, some at a time: of what [Open] reads, of
// a single image, and of archives without a training set. Arrays, tables and
// images are never in memory as a whole. The set is train, val, test, all of them
// one behind the other, or empty: the test set where there is one, else all.
// What has no sets is a training set. The reader is [data.Sized], and its
// Notes() say what was decided.
func NewReader(ctx context.Context, what, set string, opt Options) (data.Reader, error) {
	p, err := find(what)
	if err != nil {
		return nil, err
	}
	r, err := p.reader(ctx, set, opt)
	if err != nil {
		return nil, err
	}
	r.notes = append(p.notes, r.notes...)
	if r.shape, err = fit(p.name, r.Reader.Shape(), opt.Shape); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// sort is how something is opened.
type sort int

const (
	named  sort = iota // a data set by name
	folder             // of IDX files or images
	single             // a regular file
	stream             // a pipe, a device or the standard input
	prefix             // the start of the names of IDX files, as package data has it
)

// place is what a user named.
type place struct {
	sort  sort
	name  string // as the user gave it, for errors
	path  string // empty for the standard input
	notes []string
}

// find says what a name is.
func find(what string) (place, error) {
	p := place{name: what, path: what}
	switch what {
	case "":
		return place{sort: named, name: data.MNIST}, nil
	case data.StandardInput:
		return place{sort: stream, name: "standard input"}, nil
	}
	isName := what == data.MNIST || what == data.FashionMNIST
	info, err := os.Stat(what)
	switch {
	case errors.Is(err, fs.ErrNotExist) && isName:
		p.sort = named
		return p, nil
	case errors.Is(err, fs.ErrNotExist):
		p.sort = prefix
		return p, nil
	case err != nil:
		return p, fmt.Errorf("dataset: %w", err)
	case info.IsDir():
		p.sort = folder
	case info.Mode().IsRegular():
		p.sort = single
	default:
		p.sort = stream
	}
	if isName {
		p.notes = []string{fmt.Sprintf("%s is read from the path of this name, not the data set that is called so", what)}
	}
	return p, nil
}

// source opens what does not go into parts: whole sources.
func (p place) source(ctx context.Context, opt Options) (*data.Source, error) {
	switch p.sort {
	case named:
		return p.known(ctx, opt)
	case folder:
		return p.folder(ctx, opt)
	case prefix:
		return p.prefixed(opt)
	}
	in, err := p.open(ctx, opt)
	if err != nil {
		return nil, err
	}
	s, err := in.source(ctx, opt)
	return s, errors.Join(err, in.Close())
}

// known loads a data set by its name.
func (p place) known(ctx context.Context, opt Options) (*data.Source, error) {
	if err := opt.allow(p.name, "a data set with a name", none); err != nil {
		return nil, err
	}
	if p.name == data.MNIST {
		return mnist.Load()
	}
	from := opt.Fashion
	from.Progress = opt.progress("downloading " + data.FashionMNIST)
	return fashion.Load(ctx, from)
}

// prefixed reads IDX files whose names begin with the last part of a path.
func (p place) prefixed(opt Options) (*data.Source, error) {
	s, err := data.Open(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &missingError{p.name, err}
	}
	if err == nil {
		err = opt.allow(p.name, "IDX files", none)
	}
	return s, err
}

// missingError is that of a path that is not there.
type missingError struct {
	name string
	err  error
}

func (e *missingError) Error() string {
	return fmt.Sprintf("dataset: %s: no such file or folder; give one, %q or %q by name, or %q for the standard input", e.name, data.MNIST, data.FashionMNIST, data.StandardInput)
}

func (e *missingError) Unwrap() error { return e.err }

// folder reads IDX files, else images.
func (p place) folder(ctx context.Context, opt Options) (*data.Source, error) {
	s, err := data.Open(p.path)
	if err == nil {
		return s, opt.allow(p.name, "a folder of IDX files", none)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if !images.Holds(p.path) {
		return nil, fmt.Errorf("%w, or image files", err)
	}
	o, err := opt.images(p.name, "decoding images")
	if err != nil {
		return nil, err
	}
	return images.Open(ctx, p.path, o)
}

func (opt Options) progress(what string) func(done, of int) {
	if opt.Progress == nil {
		return nil
	}
	return func(done, of int) { opt.Progress(what, done, of) }
}

// images are the options of images, for a model with its size.
func (opt Options) images(name, what string) (images.Options, error) {
	o := images.Options{
		Height: opt.Height, Width: opt.Width, Fit: opt.Fit, Gray: opt.Gray, Strict: opt.Strict,
		Cache: opt.Cache, Workers: opt.Workers, Progress: opt.progress(what),
	}
	if err := opt.allow(name, "images", ofImages); err != nil || !opt.forModel() {
		return o, err
	}
	if opt.Form != nil {
		o.Form, o.Classes = opt.Form.Images, opt.Form.Classes
	}
	if o.Form == nil { // the model was trained on arrays
		s := opt.Shape
		if s == (data.Shape{}) {
			return o, fmt.Errorf("dataset: %s has images; give a table or an array", name)
		}
		if s.C != 1 && s.C != 3 {
			return o, fmt.Errorf("dataset: %s has images; the model reads %v: give it an array or a table", name, s)
		}
		fit := opt.Fit
		if fit == "" {
			fit = data.Fits()[0]
		}
		o.Form = &data.ImageForm{Channels: s.C, Height: s.H, Width: s.W, Fit: fit}
	}
	o.Fit = ""
	return o, nil
}

// table are the options of a table, for a model with its columns.
func (opt Options) table(name string) (table.Options, error) {
	o := table.Options{
		Label: opt.Label, Header: opt.Header, Delimiter: opt.Delimiter,
		Decimal: opt.Decimal, Impute: opt.Impute, Window: opt.Window, Step: opt.Step, Progress: opt.progress("reading a table"),
	}
	if len(opt.Columns) > 0 {
		o.Columns = opt.Columns
	}
	if len(opt.Drop) > 0 {
		o.Drop = opt.Drop
	}
	if opt.hasTable() {
		o.Form, o.Classes, o.OtherClasses = opt.Form.Table, opt.Form.Classes, opt.OtherClasses
	}
	return o, opt.allow(name, "a table", ofTables)
}
