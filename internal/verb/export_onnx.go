package verb

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"aegis"
	"aegis/internal/cli"
)

func exportONNX(p *cli.Process) *cobra.Command {
	u, part, out := &use{process: p}, "", ""
	c := &cobra.Command{
		Use:   "onnx RUN",
		Short: "Write a model as ONNX, rows in and results out",
		Long: "Writes a part of the model as a file of ONNX, opset 17, for any number of rows at once. Rows\n" +
			"go in as their file has them: bytes of images, the numbers of a table's columns with NaN for\n" +
			"a missing one, the texts of its categories; scaling and fills are in the file. Out come codes\n" +
			"of an encoder, rows of a decoder, reconstructions of the whole, and of a scorer the score and\n" +
			"the label, 1 where it exceeds the threshold, by the detector that the verb detect left beside\n" +
			"the model.",
		Example: "  go run ./cmd/aegis train --epochs 1 --limit 10000 --out runs/digits\n" +
			"  go run ./cmd/aegis export onnx runs/digits --part encoder --out encoder.onnx\n" +
			"  go run ./cmd/aegis detect runs/digits --out scores.csv\n" +
			"  go run ./cmd/aegis export onnx runs/digits --part scorer --out scorer.onnx",
		Args: oneRun,
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(aegis.ONNXParts(), aegis.ONNXPart(part)) {
				return cli.Usage(fmt.Errorf("--part %q: want one of %q", part, aegis.ONNXParts()))
			}
			return u.exportONNX(args[0], aegis.ONNXPart(part), out)
		},
	}
	u.plain(c)
	c.Flags().StringVar(&part, "part", string(aegis.ONNXWhole), "encoder, decoder, whole or scorer")
	c.Flags().StringVarP(&out, "out", "o", "", "the file to write, or - for standard output (default: the run's name and the part's, here)")
	return c
}

// exported is what --json prints of a file of ONNX.
type exported struct {
	*aegis.ONNXFile
	Out string `json:"out"`
}

func (u *use) exportONNX(path string, part aegis.ONNXPart, out string) error {
	if err := u.apart(out); err != nil {
		return err
	}
	r, err := u.openRun(path)
	if err != nil {
		return err
	}
	if out == "" {
		out = nameOf(r) + "-" + string(part) + ".onnx"
	}
	f, err := r.ONNX(aegis.ONNXOptions{Part: part})
	if errors.Is(err, fs.ErrNotExist) && part == aegis.ONNXScorer {
		return fmt.Errorf("%w: aegis detect %s", err, path)
	}
	if err != nil {
		return err
	}
	if isStandard(out) {
		return f.Write(u.process.Stdout)
	}
	if err := u.process.WriteFile(out, f.Write); err != nil {
		return err
	}
	return u.finish(exported{f, out}, "%s: %s: %s → %s", out, part, tensors(f.Inputs), tensors(f.Outputs))
}

// nameOf is what a run is called: as its directory, or as the model's file.
func nameOf(r *aegis.Run) string {
	whole, err := filepath.Abs(r.File)
	if err != nil {
		whole = r.File
	}
	base := filepath.Base(whole)
	if base == "model.safetensors" {
		return filepath.Base(filepath.Dir(whole))
	}
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// tensors lists what a graph takes or gives.
func tensors(values []aegis.ONNXValue) string {
	var texts []string
	for _, v := range values {
		texts = append(texts, v.String())
	}
	return strings.Join(texts, ", ")
}
