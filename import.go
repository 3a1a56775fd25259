package aegis

import "aegis/internal/session"

// ImportOptions says where an imported model goes, and what a state dict does not
// say: the shape of its rows, what it was given of them, and which tensor is
// which where that cannot be found.
type ImportOptions = session.ImportOptions

// Import makes a run of a state dict that PyTorch saved as safetensors
// (safetensors.torch.save_file(net.state_dict(), path)), of the network that cfg
// describes: [NewConfig] of a preset, bent. The run holds a model and a
// configuration, as [Train] leaves them, and no data.
//
// Parameters may be float16, bfloat16, float32 or float64, and are found by their
// names: encoder.0.weight, mu.bias and so on, as [Load]'s files have them. Where
// the file has other names, its modules are taken in the order of the network's
// layers, each for one with parameters of the same shapes: encoder before
// decoder, by numbers within. Every parameter has to be found once, and what is
// left over is an error. Activations are in no state dict: those of cfg have to be
// those of the network.
func Import(path string, cfg Config, o ImportOptions) (*Run, error) {
	out, err := session.Import(path, cfg, o)
	if err != nil {
		return nil, err
	}
	return OpenRun(out)
}
