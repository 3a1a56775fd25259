package run

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
)

// headerDecoder reads the JSON of a safetensors file token by token:
// json.Unmarshal would take a key twice, null for a number, and "SHAPE" for "shape".
type headerDecoder struct{ *json.Decoder }

func (d headerDecoder) decode() (headers map[string]header, metadata map[string]string, err error) {
	headers = make(map[string]header)
	err = d.object("the header", func(key string) (err error) {
		if key == metadataKey {
			metadata, err = d.metadata()
			return err
		}
		headers[key], err = d.header(key)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, broken("the header goes on after its end")
	}
	return headers, metadata, nil
}

func (d headerDecoder) metadata() (map[string]string, error) {
	metadata := make(map[string]string)
	err := d.object(metadataKey, func(key string) (err error) {
		metadata[key], err = d.text(metadataKey + " " + strconv.Quote(key))
		return err
	})
	return metadata, err
}

func (d headerDecoder) header(name string) (header, error) {
	var h header
	where := "tensor " + strconv.Quote(name)
	var fields int
	err := d.object(where, func(key string) (err error) {
		fields++
		switch key {
		case "dtype":
			h.Dtype, err = d.text(where + ": dtype")
		case "shape":
			h.Shape, err = d.shape(where + ": shape")
		case "data_offsets":
			h.Offsets, err = d.offsets(where + ": data_offsets")
		default:
			err = broken("%s has a field %q; want dtype, shape and data_offsets", where, key)
		}
		return err
	})
	if err == nil && fields != 3 {
		err = broken("%s has %d fields; want dtype, shape and data_offsets", where, fields)
	}
	return h, err
}

func (d headerDecoder) shape(where string) ([]int, error) {
	numbers, err := d.numbers(where, maxRank, math.MaxInt)
	shape := make([]int, len(numbers))
	for i, v := range numbers {
		shape[i] = int(v)
	}
	return shape, err
}

func (d headerDecoder) offsets(where string) (offsets [2]int64, err error) {
	numbers, err := d.numbers(where, len(offsets), math.MaxInt64)
	if err == nil && len(numbers) != len(offsets) {
		err = broken("%s has %d numbers; want %d", where, len(numbers), len(offsets))
	}
	for i, v := range numbers {
		offsets[i] = int64(v)
	}
	return offsets, err
}

// object reads an object and calls value for each key, none of them twice,
// where the key's value follows.
func (d headerDecoder) object(where string, value func(key string) error) error {
	if err := d.delim(where, '{'); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for d.More() {
		key, err := d.text(where + ": key")
		if err != nil {
			return err
		}
		if seen[key] {
			return broken("%s has %q twice", where, key)
		}
		seen[key] = true
		if err := value(key); err != nil {
			return err
		}
	}
	return d.delim(where, '}')
}

// numbers reads an array of at most count integers in [0, limit].
func (d headerDecoder) numbers(where string, count int, limit uint64) ([]uint64, error) {
	if err := d.delim(where, '['); err != nil {
		return nil, err
	}
	var numbers []uint64
	for d.More() {
		t, err := d.token(where)
		if err != nil {
			return nil, err
		}
		n, _ := t.(json.Number) // "" for anything else, which is no integer
		v, err := strconv.ParseUint(n.String(), 10, 64)
		if err != nil || v > limit {
			return nil, broken("%s: %v; want an integer in [0, %d]", where, t, limit)
		}
		if len(numbers) == count {
			return nil, broken("%s has more than %d numbers", where, count)
		}
		numbers = append(numbers, v)
	}
	return numbers, d.delim(where, ']')
}

func (d headerDecoder) text(where string) (string, error) {
	t, err := d.token(where)
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", broken("%s: %v; want a string", where, t)
	}
	return s, nil
}

func (d headerDecoder) delim(where string, want json.Delim) error {
	t, err := d.token(where)
	if err == nil && t != want {
		err = broken("%s: %v; want %v", where, t, want)
	}
	return err
}

func (d headerDecoder) token(where string) (json.Token, error) {
	t, err := d.Token()
	if errors.Is(err, io.EOF) {
		return nil, broken("%s: the header ends too early", where)
	}
	if err != nil {
		return nil, broken("%s: %v", where, err)
	}
	return t, nil
}
