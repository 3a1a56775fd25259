// Package pytorch finds a network's parameters in a state dict of PyTorch's,
// saved as safetensors: by their names, or module by module in the order of the
// layers.
//
// A module is tensors whose names differ in the last word alone, such as
// encoder.0.weight and encoder.0.bias.
package pytorch

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"aegis/internal/run"
	"aegis/model/program"
)

// counter is the last word of what a batch norm counts, which nothing reads.
const counter = "num_batches_tracked"

// wrappers begin the names of a network that is wrapped in another module.
var wrappers = []string{"module.", "model.", "_orig_mod.", "net.", "network.", "autoencoder."}

// Read finds a tensor for each parameter of a network in a file. Renamed says
// by a tensor's or a module's name in the file which of the network's it is; it
// may be nil. All other names are found: where the file has those of the network
// they are taken, else modules of the same shapes are taken in their order. Each
// tensor has to be found once, and none may be left over.
func Read(file *run.TensorFile, params []program.Param, renamed map[string]string) (map[string]program.Tensor, error) {
	theirs := make(map[string]shaped)
	var ours []shaped
	for _, p := range params {
		ours = append(ours, shaped{p.Name, p.Name, p.Shape})
	}
	for _, info := range file.List() {
		if _, last := split(info.Name); last != counter {
			theirs[info.Name] = shaped{info.Name, info.Name, info.Shape}
		}
	}
	if len(theirs) == 0 {
		return nil, errors.New("pytorch: no tensors; want the state dict of a network")
	}
	theirs = unwrapped(theirs, ours)
	found, err := match(ours, theirs, renamed)
	if err != nil {
		return nil, err
	}
	tensors := make(map[string]program.Tensor, len(found))
	for name, in := range found {
		tensor, err := file.Convert(in)
		if err != nil {
			return nil, fmt.Errorf("pytorch: %w", err)
		}
		if i := slices.IndexFunc(tensor.Data, func(v float32) bool { return v-v != 0 }); i >= 0 {
			return nil, fmt.Errorf("pytorch: value %d of %s is %v as float32; want finite numbers", i, in, tensor.Data[i])
		}
		tensors[name] = tensor
	}
	return tensors, nil
}

// shaped is a tensor's name, as it is in the file and without what wraps all,
// and its shape.
type shaped struct {
	name, inFile string
	shape        []int
}

// split cuts a name before its last word.
func split(name string) (module, last string) {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return "", name
}

// unwrapped takes a wrapper's name off, as long as all names begin with one that
// the network's own do not.
func unwrapped(theirs map[string]shaped, ours []shaped) map[string]shaped {
	for again := true; again; {
		again = false
		for _, w := range wrappers {
			begins := func(name string) bool { return strings.HasPrefix(name, w) }
			all := !slices.ContainsFunc(ours, func(o shaped) bool { return begins(o.name) })
			for name := range theirs {
				all = all && begins(name)
			}
			if !all {
				continue
			}
			shorter := make(map[string]shaped, len(theirs))
			for name, s := range theirs {
				s.name = strings.TrimPrefix(name, w)
				shorter[s.name] = s
			}
			theirs, again = shorter, true
		}
	}
	return theirs
}

// match returns the name in the file of each of our tensors.
func match(ours []shaped, theirs map[string]shaped, renamed map[string]string) (map[string]string, error) {
	found := make(map[string]string, len(ours))
	left := maps.Clone(theirs)
	if err := rename(ours, left, renamed, found); err != nil {
		return nil, err
	}
	missing := slices.DeleteFunc(slices.Clone(ours), func(o shaped) bool { return found[o.name] != "" })
	same := !slices.ContainsFunc(missing, func(o shaped) bool { _, there := left[o.name]; return !there })
	if !same {
		return found, inOrder(missing, left, found)
	}
	for _, o := range missing {
		s := left[o.name]
		if !slices.Equal(s.shape, o.shape) {
			return nil, fmt.Errorf("pytorch: %s has shape %v; the network wants %v", s.inFile, s.shape, o.shape)
		}
		found[o.name] = s.inFile
		delete(left, o.name)
	}
	return found, leftOver(left)
}

// leftOver is an error where the file has more than the network.
func leftOver(left map[string]shaped) error {
	if len(left) == 0 {
		return nil
	}
	var names []string
	for _, s := range left {
		names = append(names, fmt.Sprintf("%s %v", s.inFile, s.shape))
	}
	slices.Sort(names)
	return fmt.Errorf("pytorch: the network has no place for %s; want its own parameters alone", some(names))
}

// some lists names, not all where they are many.
func some(names []string) string {
	const most = 4
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// rename takes the tensors that were named, each with its module's others where
// it is one.
func rename(ours []shaped, left map[string]shaped, renamed, found map[string]string) error {
	for _, from := range slices.Sorted(maps.Keys(renamed)) {
		to := renamed[from]
		taken := 0
		for _, name := range slices.Sorted(maps.Keys(left)) {
			s := left[name]
			rest, is := after(name, from)
			if !is {
				if rest, is = after(s.inFile, from); !is {
					continue
				}
			}
			i := slices.IndexFunc(ours, func(o shaped) bool { return o.name == to+rest })
			switch {
			case i < 0:
				return fmt.Errorf("pytorch: %s is to be %s, which the network has not", s.inFile, to+rest)
			case found[to+rest] != "":
				return fmt.Errorf("pytorch: %s and %s are both to be %s", found[to+rest], s.inFile, to+rest)
			case !slices.Equal(ours[i].shape, s.shape):
				return fmt.Errorf("pytorch: %s has shape %v; %s wants %v", s.inFile, s.shape, to+rest, ours[i].shape)
			}
			found[to+rest] = s.inFile
			delete(left, name)
			taken++
		}
		if taken == 0 {
			return fmt.Errorf("pytorch: no tensor and no module %q in the file, which is to be %s", from, to)
		}
	}
	return nil
}

// after says that a name is another one or within that module, and returns what
// follows it.
func after(name, module string) (rest string, is bool) {
	rest, is = strings.CutPrefix(name, module)
	return rest, is && (rest == "" || rest[0] == '.')
}
