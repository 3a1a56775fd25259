package data

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"aegis/data/memory"
)

// OpenFile reads a file whose first bytes say what it is: a .npy array, which
// is the training set, or a .npz archive, with the arrays that keys name. An
// array that takes more than half of the memory that is left is mapped.
func OpenFile(path string, keys Keys) (*Source, error) {
	budget := memory.Left().Bytes / 2
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	s, err := readFile(f, filepath.ToSlash(path), keys, budget)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, f.Close()
}

// readFile reads or maps an open file; a budget of 0 is unknown.
func readFile(f *os.File, name string, keys Keys, budget uint64) (*Source, error) {
	start := make([]byte, lookAt)
	n, err := io.ReadFull(f, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("data: %s: read: %w", name, err)
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", name, err)
	}
	switch kind := Look(start[:n]); {
	case kind == npzKind:
		return ReadNPZ(f, info.Size(), name, keys)
	case strings.HasSuffix(kind, npyKind) && len(keys) > 0:
		return nil, fmt.Errorf("data: %s is a single array; want an archive where arrays are named, or no names", name)
	case kind == npyKind && budget > 0 && uint64(info.Size()) > budget:
		return mapNPY(f, info.Size(), budget, name)
	case strings.HasSuffix(kind, npyKind): // in gzip too
		return ReadArray(f, name)
	default:
		if kind != "" {
			kind = " (" + kind + ")"
		}
		return nil, fmt.Errorf("data: %s is a file%s; give a .npy or .npz file, or the directory of IDX files", name, kind)
	}
}

// ReadArray reads a NumPy array, as [ReadNPY] does, as the training set of a
// source.
func ReadArray(r io.Reader, name string) (*Source, error) {
	rows, notes, err := readNPY(r, name)
	if err != nil {
		return nil, err
	}
	s := &Source{Name: name, Train: Set{Rows: rows}}
	for _, note := range notes {
		s.Notes = append(s.Notes, filepath.Base(name)+": "+note)
	}
	return s, nil
}

// mapNPY makes a source of an array whose values stay in its file. Values that
// become float32 cannot, but as float32 they may fit into memory.
func mapNPY(f *os.File, size int64, budget uint64, name string) (*Source, error) {
	a, err := arrayOf(f, size, name)
	if err != nil {
		return nil, err
	}
	if !a.asIs() && uint64(floatBytes*a.rows.N*a.rows.Size()) <= budget {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("data: %s: %w", name, err)
		}
		return ReadArray(f, name)
	}
	if why, advice := a.staysInMemory(a.head); why != "" {
		return nil, fmt.Errorf("data: %s: %.1f GB are more than fit into memory, and %s; %s", name, float64(size)/1e9, why, advice)
	}
	s := &Source{Name: name}
	if s.Train.Rows, err = s.mapArray(a); err != nil {
		return nil, err
	}
	block := max(1, blockBytes/s.Train.RowBytes())
	s.Notes = append(s.Notes, fmt.Sprintf(
		"%s: %.1f GB are more than fit into memory and stay in their file: an epoch takes blocks of %d rows in a random order, and shuffles the rows within windows of %d, both by seed",
		filepath.Base(name), float64(size)/1e9, block, windowBytes/blockBytes*block))
	return s, nil
}

// MapNPY maps a .npy array of bytes or float32, whose values stay in the file
// at path until [Source.Close]. The rows are for one of the source's sets.
func (s *Source) MapNPY(path string) (rows Rows, err error) {
	name := filepath.ToSlash(path)
	f, err := os.Open(path)
	if err != nil {
		return Rows{}, fmt.Errorf("data: %w", err)
	}
	defer closing(f, name, &err)
	info, err := f.Stat()
	if err != nil {
		return Rows{}, fmt.Errorf("data: %s: %w", name, err)
	}
	a, err := arrayOf(f, info.Size(), name)
	if err != nil {
		return Rows{}, err
	}
	if why, advice := a.staysInMemory(a.head); why != "" {
		return Rows{}, fmt.Errorf("data: %s: map: %s; %s", name, why, advice)
	}
	return s.mapArray(a)
}

// array is a .npy file that may be mapped.
type array struct {
	npyHeader
	file *os.File
	name string
	size int  // of the file
	head int  // where the values start
	rows Rows // without values
}

// arrayOf reads the header of a file of a size, and checks the size.
func arrayOf(f *os.File, size int64, name string) (array, error) {
	in, err := newStream(f, name)
	if err != nil {
		return array{}, err
	}
	h, err := in.npyHead()
	if err != nil {
		return array{}, err
	}
	rows, err := h.rows(name)
	if err != nil {
		return array{}, err
	}
	a := array{npyHeader: h, file: f, name: name, size: int(size), head: in.got, rows: rows}
	return a, in.endsAt(a.head+rows.N*rows.Size()*h.valueBytes(), int(size))
}

// mapArray maps an array that can be; the source lets go of it.
func (s *Source) mapArray(a array) (Rows, error) {
	m, err := mapFile(a.file, a.size)
	if err != nil {
		return Rows{}, fmt.Errorf("data: %s: map: %w; take fewer rows or more memory", a.name, err)
	}
	s.mappings = append(s.mappings, m)
	if values := m.bytes[a.head:]; a.descr == "|u1" {
		a.rows.Bytes = values
	} else {
		a.rows.Floats = floatsOf(values)
	}
	return a.rows, nil
}

// staysInMemory says why an array whose values start at a place in its file
// cannot be mapped, and what to do; nothing where it can.
func (h npyHeader) staysInMemory(head int) (why, advice string) {
	switch {
	case !canMap || !littleEndian():
		return "files are not mapped on this system", "take fewer rows or more memory"
	case !h.asIs():
		return h.element().name + " cannot stay in its file", asFloat32
	case h.channelsLast():
		return "images with channels last cannot stay in their file", "save it with the channels first, (rows, channels, height, width)"
	case head%h.valueBytes() != 0:
		return "its values do not lie at a multiple of 4 bytes", saveAgain
	}
	return "", ""
}

// endsAt says what is wrong with a file of a size that should have another one.
func (s *stream) endsAt(want, size int) error {
	s.got, s.want, s.sized = size, want, true
	switch {
	case size < want:
		return s.failure(io.ErrUnexpectedEOF)
	case size > want:
		return s.trailing()
	}
	return nil
}
