package verb

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/data"
	"aegis/internal/cli"
)

func decodeVerb(p *cli.Process) *cobra.Command {
	u, out := &use{process: p}, &rowsFlags{}
	class := ""
	c := &cobra.Command{
		Use:   "decode RUN --data CODES",
		Short: "Write the row of each code",
		Long: "Writes the row that each code stands for, in order and in the units of the data. Codes\n" +
			"are a .npy of as many values a row as a code has, or the columns z1, z2, … of a table.",
		Example: "  go run ./cmd/aegis train --epochs 1 --out runs/digits\n" +
			"  go run ./cmd/aegis encode runs/digits --limit 100 --out codes.csv\n" +
			"  go run ./cmd/aegis decode runs/digits --data codes.csv --out decoded.png",
		Args: oneRun,
		RunE: func(c *cobra.Command, args []string) (err error) {
			if u.data == "" {
				return cli.Usage(errors.New("--data names the codes"))
			}
			_, m, err := u.load(args[0])
			if err != nil {
				return err
			}
			defer func() { _ = m.Close() }() // nothing was written to it
			labels, err := decodedAs(m, class)
			if err != nil {
				return err
			}
			codes, err := m.OpenCodes(c.Context(), u.data, u.rowOptions())
			if err != nil {
				return err
			}
			defer func() { _ = codes.Close() }() // they were read only
			return u.rebuild(c.Context(), opened{model: m, rows: u.first(codes)}, out, "decode", func(chunk data.Chunk) ([]float32, error) {
				return m.Decode(c.Context(), chunk.Floats, labels(chunk.N)...)
			}, u.wrote)
		},
	}
	u.add(c)
	out.add(c)
	c.Flags().StringVar(&class, "class", "", "the class of all codes, for a model that reads labels")
	return c
}

// decodedAs returns the labels of n codes, all of one class.
func decodedAs(m *aegis.Model, class string) (func(n int) []byte, error) {
	conditional := m.Spec().Condition != ""
	switch {
	case conditional && class == "":
		return nil, cli.Usage(errors.New("the model reads labels: --class names the class of the codes"))
	case !conditional && class != "":
		return nil, cli.Usage(fmt.Errorf("--class %s, but the model reads no labels", class))
	case !conditional:
		return func(int) []byte { return nil }, nil
	}
	label, err := knownClass(m, class)
	if err != nil {
		return nil, err
	}
	return func(n int) []byte {
		labels := make([]byte, n)
		for i := range labels {
			labels[i] = label
		}
		return labels
	}, nil
}

// knownClass is the label of a class that was named, which the model has to
// know where it reads labels.
func knownClass(m *aegis.Model, name string) (byte, error) {
	spec := m.Spec()
	label, err := spec.Form.Class(name)
	switch {
	case err != nil:
		return 0, cli.Usage(fmt.Errorf("--class %s: %w", name, err))
	case spec.Condition != "" && int(label) >= spec.Classes:
		return 0, cli.Usage(fmt.Errorf("--class %s: the model knows 0 to %d", name, spec.Classes-1))
	}
	return label, nil
}
