package data

import "os"

// The names of data that are no paths.
const (
	MNIST         = "mnist"
	FashionMNIST  = "fashion-mnist"
	StandardInput = "-"
	NoData        = "none" // of a run that was not trained here
)

// Names returns the data sets that have a name, the default first.
func Names() []string { return []string{MNIST, FashionMNIST} }

// IsName says that what a user calls data is a name or standard input, not a
// path. A path that is there goes before a name.
func IsName(what string) bool {
	switch what {
	case "", StandardInput:
		return true
	case MNIST, FashionMNIST, NoData:
		_, err := os.Lstat(what)
		return err != nil
	}
	return false
}
