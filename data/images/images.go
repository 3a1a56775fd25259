// Package images reads folders of image files.
package images

import (
	"context"
	"errors"

	"aegis/data"
)

// Options say how image files become rows.
type Options struct {
	Height, Width int
	Fit           data.Fit
	Gray          bool
	Strict        bool
	Cache         string
	Form          *data.ImageForm
	Classes       []string
	Workers       int
	Progress      func(done, of int)
}

var errStub = errors.New("images: not here yet")

// Holds says whether a folder has an image file.
func Holds(_ string) bool { return false }

// Open reads a folder.
func Open(_ context.Context, _ string, _ Options) (*data.Source, error) { return nil, errStub }

// NewReader reads a folder or a file, some images at a time.
func NewReader(_ context.Context, _ string, _ Options) (data.Reader, error) { return nil, errStub }
