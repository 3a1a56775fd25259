package infer

import (
	"aegis/internal/run"
	"aegis/model"
	"aegis/model/program"
)

// ReadModel reads what a model is and its parameters out of a file of a run, or
// the one in its directory: no state of an optimizer, and no device.
func ReadModel(path string) (model.Spec, map[string]program.Tensor, error) {
	path = run.FindModel(path)
	spec, tensors, err := readModel(path)
	if err != nil {
		return model.Spec{}, nil, loadError(path, err)
	}
	return spec, tensors, nil
}

func readModel(path string) (spec model.Spec, tensors map[string]program.Tensor, err error) {
	file, err := run.OpenTensors(path)
	if err != nil {
		return spec, nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	if spec, err = FileSpec(file); err != nil {
		return spec, nil, err
	}
	p, err := spec.Forward()
	if err != nil {
		return spec, nil, err
	}
	tensors = make(map[string]program.Tensor, len(p.Params))
	for _, param := range p.Params {
		if tensors[param.Name], err = readParam(file, param.Name, param.Shape); err != nil {
			return spec, nil, err
		}
	}
	return spec, tensors, nil
}

// ReadSpec reads what a model is out of a file of a run, or the one in its
// directory.
func ReadSpec(path string) (model.Spec, error) {
	path = run.FindModel(path)
	file, err := run.OpenTensors(path)
	if err != nil {
		return model.Spec{}, loadError(path, err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	spec, err := FileSpec(file)
	if err != nil {
		return model.Spec{}, loadError(path, err)
	}
	return spec, nil
}
