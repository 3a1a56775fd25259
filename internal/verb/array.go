package verb

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"

	"aegis/data"
)

// array writes a .npy whose number of rows may be known at the end only.
type array struct {
	out   io.Writer
	kind  string // |u1 or <f4
	shape []int  // of a row

	rows  int
	want  int // −1: unknown
	spool *os.File
	body  *bufio.Writer
	raw   []byte
}

var errChanged = errors.New("aegis: the number of rows changed while they were read")

func (a *array) begin(rows int) (err error) {
	if a.want = rows; rows >= 0 {
		a.body = bufio.NewWriterSize(a.out, 1<<16)
		_, err := a.body.Write(data.NPYHead(a.kind, append([]int{rows}, a.shape...)...))
		return err
	}
	if a.spool, err = os.CreateTemp("", "aegis-*.npy"); err != nil {
		return err
	}
	a.body = bufio.NewWriterSize(a.spool, 1<<16)
	return nil
}

func (a *array) bytes(n int, values []byte) error {
	a.rows += n
	_, err := a.body.Write(values)
	return err
}

func (a *array) floats(n int, values []float32) error {
	a.rows += n
	a.raw = a.raw[:0]
	for _, v := range values {
		a.raw = binary.LittleEndian.AppendUint32(a.raw, math.Float32bits(v))
	}
	_, err := a.body.Write(a.raw)
	return err
}

func (a *array) end() error {
	if err := a.body.Flush(); err != nil {
		return err
	}
	if a.spool == nil {
		if a.rows != a.want {
			return errChanged
		}
		return nil
	}
	if _, err := a.spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := a.out.Write(data.NPYHead(a.kind, append([]int{a.rows}, a.shape...)...)); err != nil {
		return err
	}
	_, err := io.Copy(a.out, a.spool)
	return err
}

// drop removes what was put aside.
func (a *array) drop() {
	if a.spool != nil {
		_ = errors.Join(a.spool.Close(), os.Remove(a.spool.Name())) // it was for this array alone
	}
}
