package session

import "aegis/model/program"

// modelOf returns the tensors of the model that a state of training is, by their
// names in a model's file: averages stand for what they follow.
func modelOf(params []program.Param, state map[string]program.Tensor) map[string]program.Tensor {
	tensors := make(map[string]program.Tensor, len(params))
	for _, p := range params {
		if p.Role != program.Shadow {
			tensors[p.Name] = state[p.Name]
		}
	}
	for _, p := range params {
		if p.Role == program.Shadow {
			tensors[p.Of] = state[p.Name]
		}
	}
	return tensors
}

// fromModel returns a program's tensors where it is a model: averages, and what
// they follow, are the same.
func fromModel(params []program.Param, tensors map[string]program.Tensor) map[string]program.Tensor {
	state := make(map[string]program.Tensor, len(params))
	for _, p := range params {
		name := p.Name
		if p.Role == program.Shadow {
			name = p.Of
		}
		if tensor, ok := tensors[name]; ok {
			state[p.Name] = tensor
		}
	}
	return state
}
