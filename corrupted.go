package aegis

import "aegis/data"

// Corrupt returns rows with noise of a kind, such as gaussian:0.5, mask:0.3 or
// saltpepper:0.1, drawn by a seed: the noise that a network learns to take away
// by [Config].Corrupt. First is the number of the first row, so that pieces of a
// set get other noise each. Bytes stay bytes.
func (m *Model) Corrupt(rows data.Rows, kind string, seed uint64, first int) (data.Rows, error) {
	if err := m.loaded().Check(rows); err != nil {
		return data.Rows{}, err
	}
	spec := m.Spec()
	spec.Corrupt = kind
	if err := spec.Validate(); err != nil {
		return data.Rows{}, &ConfigError{Err: err}
	}
	return m.loaded().Corrupt(rows, kind, seed, first)
}
