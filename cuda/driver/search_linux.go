//go:build linux && (amd64 || arm64) && !cpu && !cu

package driver

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
)

// libraryName is the driver's library; the kernel driver's package brings it.
const libraryName = "libcuda.so.1"

// errNotThere says that a place has no library.
var errNotThere = errors.New("not there")

// places lists where the library may be, in the order in which Open looks:
// wherever the system's loader does, which knows LD_LIBRARY_PATH and
// ld.so.cache, and then the folders that a loader may not have been told of.
func places() []string {
	triplet := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[runtime.GOARCH]
	list := []string{libraryName}
	for _, dir := range []string{
		"/usr/lib/wsl/lib",                        // Windows' Linux
		"/usr/lib/" + triplet,                     // Debian, Ubuntu
		"/usr/lib/" + triplet + "/nvidia/current", // Debian's alternatives
		"/usr/lib64",                              // Fedora, RHEL, SUSE
		"/usr/lib",                                // Arch
		"/usr/local/nvidia/lib64",                 // Kubernetes
		"/run/opengl-driver/lib",                  // NixOS
	} {
		list = append(list, filepath.Join(dir, libraryName))
	}
	return list
}

// Open loads the driver from the first place that has one and initializes it.
func Open() (Driver, error) {
	l, _, err := search(places())
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Search returns the places where Open looks, up to the first that has the
// driver, and what came of each.
func Search() []Place {
	_, tried, _ := search(places())
	return tried
}

// search tries one path after the other. A library that cannot be loaded, is
// too old or is the toolkit's stub does not end the search; a driver that
// answered does, whatever it said. The error is the first library's, where
// any was found.
func search(paths []string) (*library, []Place, error) {
	var tried []Place
	var err error
	for _, path := range paths {
		l, refused := load(path)
		place := Place{Path: path, Err: refused}
		if l != nil {
			place.CUDA, _ = l.Version() // 0 where the driver does not say
		}
		tried = append(tried, place)
		if refused == nil {
			return l, tried, nil
		}
		if err == nil && !errors.Is(refused, errNotThere) {
			err = refused
		}
		if result := Result(0); errors.As(refused, &result) && result != StubLibrary {
			break
		}
	}
	if err == nil {
		err = fmt.Errorf("cuda: %w: %s not found", ErrUnavailable, filepath.Base(paths[0]))
	}
	return nil, tried, err
}
