package inspect

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"aegis/internal/infer"
	"aegis/internal/run"
	"aegis/model"
)

// Tensors is what a safetensors file holds.
type Tensors struct {
	Tensors  []run.TensorInfo  `json:"tensors"`
	Values   int64             `json:"bytes"` // of all of them
	Metadata map[string]string `json:"metadata,omitempty"`

	Version string `json:"version,omitempty"` // that wrote it
	Epoch   int    `json:"epoch,omitempty"`   // finished
	Step    int64  `json:"step,omitempty"`
	// Slots are what optimizers keep of each parameter: train.m and train.v of Adam.
	Slots []string `json:"optimizer_slots,omitempty"`
}

// Network is what a model's file says of its network.
type Network struct {
	Spec   model.Spec `json:"spec"`
	Params int        `json:"parameters"`
	Layers []Layer    `json:"layers"`
}

// Layer is one of its layers.
type Layer struct {
	Name       string `json:"name"`
	Kind       string `json:"type"`
	In         []int  `json:"input"` // of one row
	Out        []int  `json:"output"`
	Activation string `json:"activation"`
	Params     int    `json:"parameters"`
}

// optimizerPrefix begins the names of tensors that an optimizer keeps:
// optimizer.<phase>.<slot>.<parameter>.
const optimizerPrefix = "optimizer."

// tensors reads a file of safetensors.
func (i *inspection) tensors() error {
	if err := i.readTensors(i.Path); err != nil {
		return err
	}
	sum, err := i.sum(i.Path)
	i.SHA256 = sum
	return err
}

func (i *inspection) readTensors(path string) error {
	file, err := run.OpenTensors(path)
	if err != nil {
		return fmt.Errorf("aegis: inspect: %w", err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	t := &Tensors{Tensors: file.List(), Values: file.Size(), Metadata: file.Metadata, Version: file.Metadata["aegis"]}
	i.Tensors = t
	// A file of others may have anything under these names.
	t.Epoch, _ = strconv.Atoi(file.Metadata["epoch"])
	t.Step, _ = strconv.ParseInt(file.Metadata["step"], 10, 64)
	t.Slots = slots(t.Tensors)
	_, own := file.Metadata[run.ConfigKey]
	_, program := file.Metadata[run.ProgramKey]
	switch {
	case program:
		i.Kind = KindProgram
		return nil
	case !own || t.Version == "":
		i.Kind = KindTensors
		return nil
	case t.Slots != nil:
		i.Kind = KindCheckpoint
	default:
		i.Kind = KindModel
	}
	spec, err := infer.FileSpec(file)
	if err != nil {
		return fmt.Errorf("aegis: inspect %s: %w", path, err)
	}
	i.Network, err = network(spec)
	if err != nil {
		return fmt.Errorf("aegis: inspect %s: %w", path, err)
	}
	return nil
}

// slots are those of the optimizers of all phases, each once.
func slots(tensors []run.TensorInfo) []string {
	var all []string
	for _, t := range tensors {
		rest, ok := strings.CutPrefix(t.Name, optimizerPrefix)
		parts := strings.SplitN(rest, ".", 3)
		if !ok || len(parts) < 3 {
			continue
		}
		if slot := parts[0] + "." + parts[1]; !slices.Contains(all, slot) {
			all = append(all, slot)
		}
	}
	return all
}

func network(spec model.Spec) (*Network, error) {
	cost, err := spec.Cost()
	if err != nil {
		return nil, err
	}
	layers, err := spec.Layers()
	if err != nil {
		return nil, err
	}
	n := &Network{Spec: spec, Params: cost.Params}
	for _, l := range layers {
		n.Layers = append(n.Layers, Layer{
			Name: l.Name, Kind: string(l.Kind), In: l.In, Out: l.Out, Activation: cmp.Or(l.Activation.String(), "none"), Params: l.Params(),
		})
	}
	return n, nil
}
