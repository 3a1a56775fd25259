// Package fashion loads Fashion-MNIST, 60,000 training and 10,000 test pictures
// of clothes of 28x28 bytes with their labels (H. Xiao, K. Rasul and R. Vollgraf,
// "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
// Algorithms", 2017). It is downloaded from its publisher once, 31 MB, and kept.
package fashion

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"aegis/data"
)

// Options say where Fashion-MNIST comes from and is kept; the zero value will
// do.
type Options struct {
	// Dir is where the files are kept, and are looked for before anything is
	// downloaded; empty: fashion-mnist in the user's folder for caches.
	Dir string
	// Progress is told how many bytes of how many were downloaded; may be nil.
	Progress func(done, of int)
	// Client downloads; nil: one with time limits, which goes through the proxy
	// that the environment names.
	Client *http.Client
	// Addresses are those of folders with the files, which are tried in this
	// order; nil: the publisher's.
	Addresses []string
}

// published are the publisher's addresses: its bucket, whose web page the
// project names by an address without TLS, and its repository.
var published = []string{
	"https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
	"https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
}

// file is one of the four.
type file struct {
	name string
	size int64
	// sum is the SHA-256 of the file as it was published, and content that of
	// what is in its gzip: others pack the same in another way, Debian in its
	// dataset-fashion-mnist.
	sum, content string
}

// The publisher lists MD5 sums; the files that have them have these SHA-256.
var files = []file{
	{
		"train-images-idx3-ubyte.gz", 26421880,
		"3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
		"c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
	},
	{
		"train-labels-idx1-ubyte.gz", 29515,
		"a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
		"bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
	},
	{
		"t10k-images-idx3-ubyte.gz", 4422102,
		"346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
		"5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
	},
	{
		"t10k-labels-idx1-ubyte.gz", 5148,
		"67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
		"0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
	},
}

// Classes returns the names of the labels 0 to 9.
func Classes() []string {
	return []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"}
}

// Load reads the files that lie in the folder, and downloads those that do not
// or are others. Each is checked by its SHA-256 before it is kept. Several
// programs may load into one folder at once.
func Load(ctx context.Context, opt Options) (*data.Source, error) { return load(ctx, opt, files) }

func load(ctx context.Context, opt Options, files []file) (*data.Source, error) {
	if opt.Dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("fashion: a folder for caches: %w; name a folder for the files", err)
		}
		opt.Dir = filepath.Join(cache, "aegis", "fashion-mnist")
	}
	packed := make([][]byte, len(files))
	var missing []int
	for i, f := range files {
		var err error
		if packed[i], err = f.read(opt.Dir); errors.Is(err, errWrong) {
			missing = append(missing, i)
		} else if err != nil {
			return nil, fmt.Errorf("fashion: %w", err)
		}
	}
	if err := download(ctx, opt, files, missing, packed); ctx.Err() != nil {
		return nil, fmt.Errorf("fashion: %w", cmp.Or(err, context.Cause(ctx)))
	} else if err != nil {
		return nil, fmt.Errorf("fashion: %w; try again with a connection, or put the files %s into %s by hand", err, strings.Join(names(files), ", "), opt.Dir)
	}
	return decode(packed, files)
}

func names(files []file) (all []string) {
	for _, f := range files {
		all = append(all, f.name)
	}
	return all
}

// errWrong is that of a file that is not there or has other bytes.
var errWrong = errors.New("a missing or another file")

// read returns the file in a folder if it is the right one.
func (f file) read(dir string) ([]byte, error) {
	const most = 64 << 20 // however it is packed
	path := filepath.Join(dir, f.name)
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() > most {
		return nil, errWrong
	}
	if err != nil {
		return nil, err
	}
	packed, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if sum(packed) == f.sum || contentSum(packed) == f.content {
		return packed, nil
	}
	return nil, errWrong
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// contentSum is the sum of what is in a gzip, empty of anything else.
func contentSum(packed []byte) string {
	const most = 64 << 20
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return ""
	}
	hash := sha256.New()
	if n, err := io.Copy(hash, io.LimitReader(z, most)); err != nil || n == most {
		return ""
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// decode makes a source of the four files.
func decode(packed [][]byte, files []file) (*data.Source, error) {
	s := &data.Source{Name: "fashion-mnist", Form: data.Form{Classes: Classes()}}
	var errs [4]error
	var wg sync.WaitGroup
	in := func(i int) io.Reader { return bytes.NewReader(packed[i]) }
	wg.Go(func() { s.Train.Rows, errs[0] = data.ReadImages(in(0), files[0].name) })
	wg.Go(func() { s.Train.Labels, errs[1] = data.ReadLabels(in(1), files[1].name) })
	wg.Go(func() { s.Test.Rows, errs[2] = data.ReadImages(in(2), files[2].name) })
	wg.Go(func() { s.Test.Labels, errs[3] = data.ReadLabels(in(3), files[3].name) })
	wg.Wait()
	if err := cmp.Or(errs[:]...); err != nil {
		return nil, fmt.Errorf("fashion: %w", err)
	}
	return s, s.Validate()
}
