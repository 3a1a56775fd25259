package verb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/internal/cli"
)

// rowsFlags say where rows that a model rebuilt go.
type rowsFlags struct {
	outFlags
	force bool
}

func (o *rowsFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&o.out, "out", "", "where rows go: a name that ends in .npy, .csv, .tsv or .jsonl, - for standard output; of images also .png (the first hundred on one sheet) or a folder for a PNG of each")
	c.Flags().StringVar(&o.format, "format", "", "csv, tsv, jsonl or npy (default: as the name ends, csv on standard output)")
	c.Flags().BoolVar(&o.force, "force", false, "write into a folder that is there already")
}

// rebuilt is rows as a model returns them.
type rebuilt struct {
	n      int
	values []float32
	names  []string // nil: none
}

// sink takes rows in order.
type sink func(rebuilt) error

// write hands fill a sink of rows, and puts what it got where it belongs.
func (o rowsFlags) write(ctx context.Context, u *use, m *aegis.Model, rows int, fill func(sink) error) error {
	if err := o.check(m); err != nil {
		return err
	}
	images := m.Spec().Image[0] > 0
	ending := strings.ToLower(filepath.Ext(o.out))
	switch {
	case images && o.format == "" && ending == ".png":
		return o.sheet(u.process, m, fill)
	case images && o.format == "" && !isStandard(o.out) && ending == "":
		return o.folder(ctx, u.process, m, rows, fill)
	case images && ending == ".npy" && o.format == "":
		return o.array(u.process, m, rows, fill)
	}
	columns := m.Spec().Form.Columns
	if columns == nil {
		columns = numbered("x", m.Size())
	}
	bytes := images && m.Spec().Scaling == nil
	return o.outFlags.write(u.process, numbers(columns...), rows, func(t *table) error {
		return fill(func(r rebuilt) error {
			size := len(columns)
			if bytes { // as the images were
				pixels, err := m.Bytes(r.values)
				if err != nil {
					return err
				}
				for i, v := range pixels {
					r.values[i] = float32(v)
				}
			}
			for i := range r.n {
				for _, v := range r.values[i*size:][:size] {
					t.float(v)
				}
				if err := t.endRow(); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// check says why rows cannot go there, before there are any.
func (o rowsFlags) check(m *aegis.Model) error {
	if m.Spec().Image[0] > 0 && o.format == "" {
		switch ending := strings.ToLower(filepath.Ext(o.out)); {
		case o.out == "":
			return cli.Usage(errors.New("--out names where images go: a folder, a sheet that ends in .png, or a table that ends in .npy or .csv"))
		case ending == ".png", ending == "" && o.out != "-":
			return nil
		}
	}
	_, err := formatOf(o.out, o.format)
	return err
}

// mostOnSheet is how many images a sheet shows.
const mostOnSheet = 100

// isSheet says that images go on a sheet.
func (o rowsFlags) isSheet(m *aegis.Model) bool {
	return m.Spec().Image[0] > 0 && o.format == "" && strings.EqualFold(filepath.Ext(o.out), ".png")
}

// sheet draws the first images on one picture; all are made.
func (o rowsFlags) sheet(p *cli.Process, m *aegis.Model, fill func(sink) error) error {
	var pixels []byte
	err := fill(func(r rebuilt) error {
		more, err := m.Bytes(r.values)
		if err != nil {
			return err
		}
		most := mostOnSheet * m.Size()
		pixels = append(pixels, more[:min(len(more), most-len(pixels))]...)
		return nil
	})
	if err != nil {
		return err
	}
	return p.WriteFile(o.out, func(w io.Writer) error { return writeSheet(w, m, pixels) })
}

// writeSheet draws images ten in a line; the last line is filled up with black.
func writeSheet(w io.Writer, m *aegis.Model, pixels []byte) error {
	const columns = 10
	size := m.Size()
	n := len(pixels) / size
	across := min(n, columns)
	if rest := n % across; rest != 0 {
		pixels = append(pixels, make([]byte, (across-rest)*size)...)
	}
	return m.WriteSheet(w, pixels, aegis.Sheet{Columns: across})
}

// array writes images as a .npy in the form of those that were trained on:
// bytes (N,H,W) or (N,C,H,W), or float32.
func (o rowsFlags) array(p *cli.Process, m *aegis.Model, rows int, fill func(sink) error) error {
	image := m.Spec().Image
	shape := image[:]
	if image[0] == 1 {
		shape = image[1:]
	}
	bytes := m.Spec().Scaling == nil
	kind := "<f4"
	if bytes {
		kind = "|u1"
	}
	return p.WriteFile(o.out, func(w io.Writer) error {
		a := &array{out: w, kind: kind, shape: shape}
		defer a.drop()
		if err := a.begin(rows); err != nil {
			return err
		}
		err := fill(func(r rebuilt) error {
			if !bytes {
				return a.floats(r.n, r.values)
			}
			pixels, err := m.Bytes(r.values)
			if err != nil {
				return err
			}
			return a.bytes(r.n, pixels)
		})
		if err != nil {
			return err
		}
		return a.end()
	})
}

// folder writes a PNG for each image. The folder appears when all are there.
func (o rowsFlags) folder(ctx context.Context, p *cli.Process, m *aegis.Model, rows int, fill func(sink) error) (err error) {
	out := filepath.Clean(o.out)
	if err := p.Claim(out); err != nil {
		return err
	}
	if entries, err := os.ReadDir(out); err == nil && len(entries) > 0 && !o.force {
		return fmt.Errorf("aegis: %s holds files already; choose another folder, or write into it by --force", out)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("aegis: %s takes no images: %w", out, err)
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o777); err != nil {
		return fmt.Errorf("aegis: %w", err)
	}
	aside := filepath.Join(filepath.Dir(out), fmt.Sprintf(".%s.%08x.tmp", filepath.Base(out), rand.Uint32()))
	if err := os.Mkdir(aside, 0o777); err != nil {
		return fmt.Errorf("aegis: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(aside)) }()
	f := &folder{model: m, dir: aside, rows: rows, used: make(map[string]bool)}
	if err := fill(func(r rebuilt) error { return f.add(ctx, r) }); err != nil {
		return err
	}
	return f.into(out)
}
