package fashion

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

const (
	tries = 3
	// firstWait is between the first tries, twice as long between the next; a
	// server may ask for more, up to mostWait.
	firstWait = time.Second
	mostWait  = time.Minute
	// stale is the age of a part of a file that a killed program left.
	stale = 24 * time.Hour
)

// stall is how long nothing may come. Tests have another.
var stall = 30 * time.Second

// wait waits, or ends with the context. Tests have another.
var wait = func(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// newClient goes through the environment's proxy.
func newClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: stall / 2}).DialContext
	t.ResponseHeaderTimeout = stall
	t.DisableCompression = true // the files are packed
	return &http.Client{Transport: t}
}

// downloader fetches files into a folder.
type downloader struct {
	client    *http.Client
	addresses []string
	dir       string
	progress  func(n int64) // bytes that came, below 0 where some came in vain
}

// download fetches the files that are missing into packed and the folder.
func download(ctx context.Context, opt Options, files []file, missing []int, packed [][]byte) error {
	if len(missing) == 0 {
		return nil
	}
	if err := os.MkdirAll(opt.Dir, 0o755); err != nil {
		return err
	}
	removeStale(opt.Dir)
	d := downloader{client: cmp.Or(opt.Client, newClient()), addresses: opt.Addresses, dir: opt.Dir}
	if d.addresses == nil {
		d.addresses = published
	}
	done, of := 0, 0
	for _, i := range missing {
		of += int(files[i].size)
	}
	d.progress = func(n int64) {
		if done += int(n); opt.Progress != nil && n > 0 {
			opt.Progress(done, of)
		}
	}
	for _, i := range missing {
		if err := d.fetch(ctx, files[i]); err != nil {
			return err
		}
		var err error
		if packed[i], err = files[i].read(opt.Dir); err != nil {
			return fmt.Errorf("%s: %w just after it was written", files[i].name, err)
		}
	}
	return nil
}

// removeStale removes what killed programs left. What cannot be removed is in
// nobody's way.
func removeStale(dir string) {
	parts, _ := filepath.Glob(filepath.Join(dir, ".*.part"))
	for _, part := range parts {
		if info, err := os.Stat(part); err == nil && time.Since(info.ModTime()) > stale {
			_ = os.Remove(part)
		}
	}
}

// fetch downloads a file beside its place, checks it, and moves it there, so
// that no one ever finds a part of it.
func (d *downloader) fetch(ctx context.Context, f file) (err error) {
	part, err := os.CreateTemp(d.dir, "."+f.name+".*.part")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreClosed(part.Close()), os.Remove(part.Name()))
		}
	}()
	if err := d.persist(ctx, f, part); err != nil {
		return err
	}
	if err := errors.Join(part.Chmod(0o644), part.Sync(), part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), filepath.Join(d.dir, f.name))
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// persist tries the addresses again and again.
func (d *downloader) persist(ctx context.Context, f file, part *os.File) error {
	var last error
	pause := firstWait
	for try := range tries {
		again := false
		for _, address := range d.addresses {
			last = d.attempt(ctx, address+f.name, f, part)
			if last == nil || ctx.Err() != nil {
				return last
			}
			var answer *answerError
			if !errors.As(last, &answer) || answer.again() {
				again = true
			}
			if answer != nil {
				pause = min(max(pause, answer.after), mostWait)
			}
		}
		if !again {
			return last
		}
		if try < tries-1 {
			if err := wait(ctx, pause); err != nil {
				return err
			}
		}
		pause *= 2
	}
	return last
}

// answerError is a server's refusal.
type answerError struct {
	address, status string
	code            int
	after           time.Duration // that it asks to wait
}

func (e *answerError) Error() string { return e.address + ": the server says " + e.status }

// again says that the same question may have another answer later, or the
// question for the whole file where a part of it was refused.
func (e *answerError) again() bool {
	part := e.code == http.StatusPartialContent || e.code == http.StatusRequestedRangeNotSatisfiable
	return part || e.code >= 500 || e.code == http.StatusTooManyRequests || e.code == http.StatusRequestTimeout
}

// attempt downloads what is missing of a file, and checks the whole.
func (d *downloader) attempt(ctx context.Context, address string, f file, part *os.File) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(stall, func() { cancel(fmt.Errorf("nothing came for %v", stall)) })
	defer watch.Stop()
	have, err := part.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	body, err := d.ask(ctx, address, f, have)
	var answer *answerError
	if errors.As(err, &answer) && answer.code < 500 {
		return cmp.Or(d.restart(part), err)
	}
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }() // what came is checked
	if body.whole {
		have = 0
		if err := d.restart(part); err != nil {
			return err
		}
	}
	in := &counted{r: body, read: func(n int) { watch.Reset(stall); d.progress(int64(n)) }}
	n, err := io.Copy(part, io.LimitReader(in, f.size-have+1))
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("%s: %w", address, context.Cause(ctx))
	case err != nil:
		return fmt.Errorf("%s: %w after %d of %d bytes", address, err, have+n, f.size)
	case have+n < f.size:
		return fmt.Errorf("%s: %d bytes; want %d", address, have+n, f.size)
	}
	return d.check(address, f, part)
}

// check empties a file that is not the right one.
func (d *downloader) check(address string, f file, part *os.File) error {
	whole := make([]byte, f.size+1)
	n, err := part.ReadAt(whole, 0)
	if err != io.EOF && err != nil {
		return err
	}
	got := sum(whole[:n])
	if int64(n) == f.size && got == f.sum {
		return nil
	}
	if err := d.restart(part); err != nil {
		return err
	}
	if int64(n) > f.size {
		return fmt.Errorf("%s: more than %d bytes; want another file of this size", address, f.size)
	}
	return fmt.Errorf("%s: sha256: want %s, got %s; the file was changed on its way or where it comes from, and is not kept", address, f.sum, got)
}

func (d *downloader) restart(part *os.File) error {
	n, err := part.Seek(0, io.SeekEnd)
	d.progress(-n)
	if err == nil {
		err = part.Truncate(0)
	}
	if err == nil {
		_, err = part.Seek(0, io.SeekStart)
	}
	return err
}

// answered is the body of an answer, of the whole file or of its rest.
type answered struct {
	io.ReadCloser
	whole bool
}

// ask asks for a file from a byte on.
func (d *downloader) ask(ctx context.Context, address string, f file, from int64) (*answered, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if from > 0 {
		q.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	a, err := d.client.Do(q)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = fmt.Errorf("%s: %w", address, cause)
		}
		return nil, err
	}
	switch {
	case a.StatusCode == http.StatusOK:
		return &answered{a.Body, true}, nil
	case a.StatusCode == http.StatusPartialContent && a.Header.Get("Content-Range") == fmt.Sprintf("bytes %d-%d/%d", from, f.size-1, f.size):
		return &answered{a.Body, false}, nil
	}
	return nil, errors.Join(&answerError{address, a.Status, a.StatusCode, retryAfter(a.Header.Get("Retry-After"), time.Now())}, a.Body.Close())
}

// retryAfter is how long a server asks to wait: a number of seconds or a date.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return min(max(0, time.Duration(seconds)), mostWait/time.Second) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return min(max(0, date.Sub(now)), mostWait)
	}
	return 0
}

// counted tells of what is read.
type counted struct {
	r    io.Reader
	read func(n int)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if n > 0 {
		c.read(n)
	}
	return n, err
}
