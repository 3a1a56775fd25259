package data

import (
	"archive/zip"
	"fmt"
	"io"
	"strings"
)

// Array is what the header of a NumPy array says.
type Array struct {
	Name    string `json:"name,omitempty"` // in an archive
	Type    string `json:"dtype"`          // as NumPy writes it, such as <f4
	Shape   []int  `json:"shape"`
	Fortran bool   `json:"fortran_order,omitempty"`
	Bytes   uint64 `json:"bytes"` // of the array with its header
}

// HeaderNPY reads the header of a .npy file of so many bytes, and no values.
func HeaderNPY(r io.Reader, size int64, name string) (Array, error) {
	s, err := newStream(r, name)
	if err != nil {
		return Array{}, err
	}
	h, err := s.npyHead()
	if err != nil {
		return Array{}, err
	}
	return Array{Type: h.descr, Shape: h.shape, Fortran: h.fortran, Bytes: uint64(size)}, nil
}

// HeadersNPZ reads the headers of the arrays in a .npz archive, in its order,
// whether or not rows can be made of them. Other files are named with a size
// alone.
func HeadersNPZ(r io.ReaderAt, size int64, name string) ([]Array, error) {
	if r == nil {
		return nil, noReader(name)
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, &FormatError{File: name, Problem: "broken archive", Want: "a zip of .npy files", Got: fmt.Sprintf("%q", err), Advice: again, Err: err}
	}
	opened := &archive{name: name}
	var all []Array
	for _, f := range z.File {
		a := Array{Name: f.Name, Bytes: f.UncompressedSize64}
		if strings.HasSuffix(f.Name, ".npy") {
			err := opened.open(f, func(in io.Reader, name string) (err error) {
				a, err = HeaderNPY(in, 0, name)
				return err
			})
			if err != nil {
				return nil, err
			}
			a.Name, a.Bytes = arrayName(f), f.UncompressedSize64
		}
		all = append(all, a)
	}
	return all, nil
}
