// Package mnist has the MNIST database of handwritten digits inside it: 60,000
// training and 10,000 test images of 28x28 bytes with their labels (LeCun,
// Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document
// Recognition", 1998). The files have a licence of their own, in LICENSE.md.
//
// Importing it adds 11 MB to a program.
package mnist

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"aegis/data"
)

//go:embed train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz
//go:embed t10k-images-idx3-ubyte.gz t10k-labels-idx1-ubyte.gz
var files embed.FS

// SHA-256 of the files as their authors published them.
const (
	trainImagesSum = "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
	trainLabelsSum = "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
	testImagesSum  = "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
	testLabelsSum  = "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
)

// Load checks the embedded files and decodes them. An error means that the
// program was built from damaged files.
func Load() (*data.Source, error) { return load(files) }

func load(fsys fs.FS) (*data.Source, error) {
	var source *data.Source
	var unread error
	var reading sync.WaitGroup
	reading.Go(func() { source, unread = data.Read(fsys, "mnist") })
	damaged := verifyAll(fsys)
	reading.Wait()
	if damaged != nil { // which is why it could not be read, too
		return nil, damaged
	}
	return source, unread
}

func verifyAll(fsys fs.FS) error {
	for _, f := range []struct{ name, sum string }{
		{name: "train-images-idx3-ubyte.gz", sum: trainImagesSum},
		{name: "train-labels-idx1-ubyte.gz", sum: trainLabelsSum},
		{name: "t10k-images-idx3-ubyte.gz", sum: testImagesSum},
		{name: "t10k-labels-idx1-ubyte.gz", sum: testLabelsSum},
	} {
		if err := verify(fsys, f.name, f.sum); err != nil {
			return fmt.Errorf("mnist: %s: %w", f.name, err)
		}
	}
	return nil
}

func verify(fsys fs.FS, name, want string) (err error) {
	in, err := fsys.Open(name)
	if err != nil {
		return err
	}
	defer func() {
		if closed := in.Close(); err == nil {
			err = closed
		}
	}()
	hash := sha256.New()
	if _, err := io.Copy(hash, in); err != nil {
		return err
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != want {
		return fmt.Errorf("sha256: want %s, got %s; restore the file and build again", want, got)
	}
	return nil
}
