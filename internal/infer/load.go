package infer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"sync"

	"aegis/internal/exact"
	"aegis/internal/run"
	"aegis/internal/vm"
	"aegis/model"
	"aegis/model/program"
)

// Load opens the model in a file of a run, or the one in its directory.
func Load(path string, open Open) (*Model, error) {
	path = run.FindModel(path)
	file, err := run.OpenTensors(path)
	if err != nil {
		return nil, loadError(path, err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	return load(path, file, open)
}

// LoadBytes opens the model in the bytes of such a file.
func LoadBytes(text []byte, open Open) (*Model, error) {
	name := fmt.Sprintf("%d bytes", len(text))
	file, err := run.NewTensorFile(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		return nil, loadError(name, err)
	}
	return load(name, file, open)
}

// LoadFS opens the model in a file of a file system, such as one that is
// embedded.
func LoadFS(fsys fs.FS, name string, open Open) (*Model, error) {
	if fsys == nil {
		return nil, loadError(name, errors.New("no file system; want one, such as os.DirFS"))
	}
	file, err := fsys.Open(name)
	if err != nil {
		return nil, loadError(name, err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	info, err := file.Stat()
	if err != nil {
		return nil, loadError(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, loadError(name, errors.New("it is not a file"))
	}
	at, size := io.ReaderAt(nil), info.Size()
	if at, _ = file.(io.ReaderAt); at == nil { // such as one that is compressed
		text, err := io.ReadAll(file)
		if err != nil {
			return nil, loadError(name, err)
		}
		at, size = bytes.NewReader(text), int64(len(text))
	}
	tensors, err := run.NewTensorFile(at, size)
	if err != nil {
		return nil, loadError(name, err)
	}
	return load(name, tensors, open)
}

// ReadState reads the state in a file of a run: the parameters, and in
// last.safetensors the optimizer's state too.
func ReadState(path string) (*program.State, error) {
	tensors, metadata, err := run.ReadTensors(run.FindModel(path))
	if err != nil {
		return nil, loadError(path, err)
	}
	s := &program.State{Tensors: tensors}
	if text, ok := metadata["step"]; ok {
		if s.Step, err = strconv.ParseInt(text, 10, 64); err != nil || s.Step < 0 {
			return nil, loadError(path, fmt.Errorf("step %q; want a whole number of at least 0", text))
		}
	}
	return s, nil
}

func loadError(name string, err error) error { return fmt.Errorf("aegis: load %s: %w", name, err) }

// load opens the network that a file describes. Its parameters are read one
// after the other, each into the device.
func load(name string, file *run.TensorFile, open Open) (*Model, error) {
	spec, err := FileSpec(file)
	if err != nil {
		return nil, loadError(name, err)
	}
	p, err := spec.Forward()
	if err != nil {
		return nil, loadError(name, err)
	}
	params := &hashing{from: fileParams(file), sums: map[string][]byte{}}
	if vectors := spec.Image[0] == 0 && spec.Image[1] == 0; vectors {
		params.kept = map[string]program.Tensor{}
	}
	n, err := newNetwork(p, params.read, open)
	if err != nil {
		return nil, loadError(name, err)
	}
	fingerprint, err := params.fingerprint(p)
	if err != nil {
		return nil, errors.Join(loadError(name, err), n.Close())
	}
	logSigma := 0.0
	if spec.Likelihood == model.GaussianLearned {
		s, err := readParam(file, model.LogSigma, []int{1})
		if err != nil {
			return nil, errors.Join(loadError(name, err), n.Close())
		}
		logSigma = float64(s.Data[0])
	}
	m := &Model{spec: spec, network: n, loss: RowLoss(spec, logSigma), fingerprint: fingerprint}
	m.exact = sync.OnceValues(func() (*exact.Part, error) { return exact.Read(p, program.Reconstruct, params.keptParam) })
	return m, nil
}

// fileParams reads parameters out of a file.
func fileParams(file *run.TensorFile) vm.Params {
	return func(name string, shape []int) (program.Tensor, error) { return readParam(file, name, shape) }
}

// readParam reads a parameter of the model in a file: in a state of training with
// averages, which has the parameter itself too, its average.
func readParam(file *run.TensorFile, name string, shape []int) (program.Tensor, error) {
	if average := model.AverageName(name); file.Has(average) {
		name = average
	}
	return file.Read(name, shape)
}

// FileSpec returns the network that a file's parameters belong to. They may be
// hostile: a network larger than the file is refused before it is built.
func FileSpec(file *run.TensorFile) (model.Spec, error) {
	var spec model.Spec
	text, ok := file.Metadata[run.ConfigKey]
	if _, own := file.Metadata[run.ProgramKey]; own {
		return spec, errors.New("it holds the state of a program: read it with ReadState and open it with the program")
	}
	if !ok {
		return spec, errors.New("want a config in its metadata, got none; was it written by aegis?")
	}
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		return spec, fmt.Errorf("config: %w", err)
	}
	if err := spec.Validate(); err != nil {
		return spec, fmt.Errorf("config: %w", err)
	}
	cost, err := spec.Cost()
	if err != nil {
		return spec, fmt.Errorf("config: %w", err)
	}
	const float = 4 // bytes
	if have := file.Size() / float; int64(cost.Params) > have {
		return spec, fmt.Errorf("config: a network of %d parameters, in a file of %d values", cost.Params, have)
	}
	return spec, nil
}
