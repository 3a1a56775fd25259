package data

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"aegis/internal/memory"
)

// openFile reads a file whose first bytes say what it is: a .npy array, which
// is the training set, or a .npz archive. An array that takes more than half of
// the memory that is left is mapped.
func openFile(path, name string) (*Source, error) {
	budget := memory.Left().Bytes / 2
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	s, err := readFile(f, filepath.ToSlash(name), budget)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, f.Close()
}

// readFile reads or maps an open file; a budget of 0 is unknown.
func readFile(f *os.File, name string, budget uint64) (*Source, error) {
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
	switch kind := look(start[:n]); {
	case kind == npzKind:
		return ReadNPZ(f, info.Size(), name)
	case kind == npyKind && budget > 0 && uint64(info.Size()) > budget:
		return mapNPY(f, info.Size(), name)
	case strings.HasSuffix(kind, npyKind): // in gzip too
		return oneArray(f, name)
	default:
		if kind != "" {
			kind = " (" + kind + ")"
		}
		return nil, fmt.Errorf("data: %s is a file%s; give a .npy or .npz file, or the directory of IDX files", name, kind)
	}
}

func oneArray(f *os.File, name string) (*Source, error) {
	rows, dims, err := readNPY(f, name)
	if err != nil {
		return nil, err
	}
	s := &Source{Name: name, Train: Set{Rows: rows}}
	if len(dims) == mostRank {
		s.Notes = append(s.Notes, filepath.Base(name)+": "+arranged(dims))
	}
	return s, nil
}

// mapNPY makes a source of an array whose values stay in its file.
func mapNPY(f *os.File, size int64, name string) (*Source, error) {
	in, err := newStream(f, name)
	if err != nil {
		return nil, err
	}
	h, err := in.npyHead()
	if err != nil {
		return nil, err
	}
	rows, err := h.rows(name)
	if err != nil {
		return nil, err
	}
	gigabytes := float64(size) / 1e9
	tooLarge := func(why, advice string) error {
		return fmt.Errorf("data: %s: %.1f GB are more than fit into memory, and %s; %s", name, gigabytes, why, advice)
	}
	switch {
	case !canMap:
		return nil, tooLarge("files are not mapped on this system", "take fewer rows or more memory")
	case h.descr == "<f8":
		return nil, tooLarge("float64 cannot stay in its file", asFloat32)
	case len(h.shape) == mostRank && channelsLast(h.shape[1], h.shape[3]):
		return nil, tooLarge("images with channels last cannot stay in their file", "save it with the channels first, (rows, channels, height, width)")
	}
	bytes := rows.N * rows.Size()
	if h.descr == "<f4" {
		bytes *= floatBytes
	}
	head := in.got
	in.got, in.want, in.sized = int(size), head+bytes, true
	switch {
	case in.got < in.want:
		return nil, in.failure(io.ErrUnexpectedEOF)
	case in.got > in.want:
		return nil, in.trailing()
	}
	m, err := mapFile(f, int(size))
	if err != nil {
		return nil, fmt.Errorf("data: %s: map: %w; take fewer rows or more memory", name, err)
	}
	values := m.bytes[head:]
	if h.descr == "|u1" {
		rows.Bytes = values
	} else if canView(values) {
		rows.Floats = floatsOf(values)
	} else {
		return nil, errors.Join(tooLarge("its values do not lie at a multiple of 4 bytes", saveAgain), m.close())
	}
	return &Source{Name: name, Train: Set{Rows: rows}, mapping: m, Notes: []string{fmt.Sprintf(
		"%s: %.1f GB are more than fit into memory and stay in their file: an epoch takes blocks of %d rows in a random order, and shuffles the rows within windows of %d, both by seed",
		filepath.Base(name), gigabytes, max(1, blockBytes/rows.RowBytes()), windowBytes/blockBytes*max(1, blockBytes/rows.RowBytes()))}}, nil
}
