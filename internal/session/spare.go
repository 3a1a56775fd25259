package session

import (
	"maps"
	"unsafe"

	"aegis/model/program"
)

// unheld are the tensors of a state that no others have the memory of: what is
// copied next can lie there.
func unheld(state map[string]program.Tensor, others ...map[string]program.Tensor) map[string]program.Tensor {
	held := make(map[*float32]bool)
	for _, tensors := range others {
		for _, t := range tensors {
			held[unsafe.SliceData(t.Data)] = true
		}
	}
	spare := maps.Clone(state)
	maps.DeleteFunc(spare, func(_ string, t program.Tensor) bool { return held[unsafe.SliceData(t.Data)] })
	return spare
}
