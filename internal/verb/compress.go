package verb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/data"
	"aegis/internal/cli"
)

func compressVerb(p *cli.Process) *cobra.Command {
	u, out := &use{process: p}, ""
	c := &cobra.Command{
		Use:   "compress RUN --out FILE",
		Short: "Keep rows as their codes, in 8 bits a value",
		Long: "Writes the rows' codes in 8 bits a value, entropy-coded, and says how many bytes a row\n" +
			"takes, with the model's file counted and without, and how much is lost. Who has the run\n" +
			"gets the rows back by the verb decompress, as the model rebuilds them.",
		Example: "  go run ./cmd/aegis train --epochs 1 --limit 10000 --out runs/digits\n" +
			"  go run ./cmd/aegis compress runs/digits --out digits.codes\n" +
			"  go run ./cmd/aegis decompress runs/digits digits.codes --out digits.npy",
		Args: oneRun,
		RunE: func(c *cobra.Command, args []string) error {
			if out == "" {
				return cli.Usage(errors.New("--out names the file to write, or - for standard output"))
			}
			return u.with(c.Context(), args[0], func(o opened) error { return u.compress(c.Context(), o, out) })
		},
	}
	u.add(c)
	c.Flags().StringVar(&out, "out", "", "the file to write, or - for standard output")
	return c
}

// compressed is what --json prints.
type compressed struct {
	*aegis.Compression
	Model int64 `json:"model_bytes"`
}

func (u *use) compress(ctx context.Context, o opened, out string) error {
	if err := u.apart(out); err != nil {
		return err
	}
	_, rows, err := peek(o.rows, 1)
	if err != nil {
		return err
	}
	stages := newStages(u)
	defer stages.close()
	var found *aegis.Compression
	write := func(w io.Writer) (err error) {
		found, err = o.model.Compress(ctx, w, rows, func(done, of int) { stages.show("compress", done, of) })
		return err
	}
	if isStandard(out) {
		return write(u.process.Stdout)
	}
	if err := u.process.WriteFile(out, write); err != nil {
		return err
	}
	stages.close()
	info, err := os.Stat(o.run.File)
	if err != nil {
		return err
	}
	n := float64(found.Rows)
	text := fmt.Sprintf("%d rows in %d bytes: %.2f bytes a row of %d, %.2f with the model's %d; MSE %.5g, %.5g before quantisation",
		found.Rows, found.Bytes, float64(found.Bytes)/n, found.Raw/int64(found.Rows), float64(found.Bytes+info.Size())/n, info.Size(), found.MSE, found.Codes)
	if found.PSNR != nil {
		text += fmt.Sprintf("; PSNR %.2f dB", *found.PSNR)
	}
	return u.finish(compressed{found, info.Size()}, "%s: %s", out, text)
}

// decompressing is the verb decompress.
type decompressing struct {
	use
	out rowsFlags
}

func decompressVerb(p *cli.Process) *cobra.Command {
	d := &decompressing{use: use{process: p}}
	c := &cobra.Command{
		Use:   "decompress RUN FILE",
		Short: "Write the rows of a file that compress wrote",
		Long:  "Writes what the model makes of rows that the verb compress kept, in their order.",
		Example: "  go run ./cmd/aegis train --epochs 1 --limit 10000 --out runs/digits\n" +
			"  go run ./cmd/aegis compress runs/digits --limit 100 --out digits.codes\n" +
			"  go run ./cmd/aegis decompress runs/digits digits.codes --out digits.png",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 || args[0] == "" || args[1] == "" {
				return cli.Usage(errors.New("want a RUN and a FILE that compress wrote, or - for standard input"))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return d.run(c.Context(), args[0], args[1]) },
	}
	d.deviceFlags.add(c)
	c.Flags().BoolVar(&d.quiet, "quiet", false, "print errors only")
	c.Flags().BoolVar(&d.json, "json", false, "print what was done as JSON on standard output")
	d.out.add(c)
	return c
}

func (d *decompressing) run(ctx context.Context, path, file string) error {
	_, m, err := d.load(path)
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }() // nothing was written to it
	d.process.Keep("what is read", file)
	from := io.Reader(os.Stdin)
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("aegis: decompress: %w", err)
		}
		defer func() { _ = f.Close() }() // it was read only
		from = f
	}
	rows, err := m.Decompress(ctx, from)
	if err != nil {
		return err
	}
	return d.rebuild(ctx, opened{model: m, rows: rows}, &d.out, "decompress", func(c data.Chunk) ([]float32, error) {
		return c.Floats, nil
	}, d.wrote)
}
