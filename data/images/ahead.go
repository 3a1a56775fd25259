package images

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
)

// job is a file that becomes a row.
type job struct {
	file file
	row  []byte
	err  error // why there is no row
	done chan struct{}
}

// ahead decodes files on several workers, and gives their rows in order. It
// holds a few of them for each worker.
type ahead struct {
	ctx     context.Context
	cancel  context.CancelFunc
	ordered chan *job
	spent   chan *job
	workers sync.WaitGroup
	place   string
}

// newAhead starts to decode the files of a set.
func newAhead(ctx context.Context, d decoding) *ahead {
	const each = 8 // rows held for a worker
	workers := min(d.opt.workers(), len(d.files))
	a := &ahead{ordered: make(chan *job, each*workers), spent: make(chan *job, each*workers), place: d.place}
	a.ctx, a.cancel = context.WithCancel(ctx)
	todo := make(chan *job)
	for range each * workers {
		a.spent <- &job{}
	}
	a.workers.Go(func() { a.deal(d.files, todo) })
	for range workers {
		a.workers.Go(func() {
			w := worker{fitter: fitter{form: d.form}}
			for j := range todo {
				j.err = safely(func() error { return w.decode(j, d.path(j.file.name)) })
				close(j.done)
			}
		})
	}
	return a
}

// deal hands files out in order, no more at once than there are jobs.
func (a *ahead) deal(files []file, todo chan<- *job) {
	defer close(a.ordered)
	defer close(todo)
	for _, f := range files {
		var j *job
		select {
		case <-a.ctx.Done():
			return
		case j = <-a.spent:
		}
		j.file, j.done = f, make(chan struct{})
		select {
		case <-a.ctx.Done():
			return
		case todo <- j:
			a.ordered <- j // there is room for all jobs
		}
	}
}

// next returns the next file, nil after the last.
func (a *ahead) next() (*job, error) {
	j, ok := <-a.ordered
	if err := a.ctx.Err(); err != nil {
		return nil, fmt.Errorf("images: %s: decode: %w", a.place, err)
	}
	if !ok {
		return nil, nil
	}
	select {
	case <-j.done:
		return j, nil
	case <-a.ctx.Done():
		return nil, fmt.Errorf("images: %s: decode: %w", a.place, a.ctx.Err())
	}
}

// recycle gives a job back, whose row must not be used any more.
func (a *ahead) recycle(j *job) { a.spent <- j }

// close ends the workers.
func (a *ahead) close() {
	a.cancel()
	a.workers.Wait()
}

// worker decodes a file after the other.
type worker struct {
	fitter
	file []byte
}

// decode makes a row of a file.
func (w *worker) decode(j *job, path string) error {
	if err := w.load(path); err != nil {
		return err
	}
	h, err := readHeader(bytes.NewReader(w.file))
	if err != nil {
		return err
	}
	if h.width*h.height > largePixels {
		large.Lock()
		defer large.Unlock()
	}
	p, err := decodeImage(h, w.file, w.form)
	if err != nil {
		return err
	}
	j.row = room(&j.row, w.form.Shape().Size())
	w.fit(j.row, p)
	return nil
}

// load reads a whole file.
func (w *worker) load(path string) error {
	if err := regular(path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := fits(int(info.Size())); err != nil {
		return err
	}
	const most = 16 << 20 // kept for the next file
	if cap(w.file) > most {
		w.file = nil
	}
	w.file = room(&w.file, int(info.Size()))
	_, err = io.ReadFull(f, w.file)
	return err
}
