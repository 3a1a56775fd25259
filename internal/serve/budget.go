package serve

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// budget bounds the memory of all requests together.
type budget struct {
	most int64
	mu   sync.Mutex
	used int64
}

// share is what one request has of it.
type share struct {
	budget *budget
	used   int64
}

// take asks for more bytes.
func (s *share) take(n int64) error {
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.used+n > b.most {
		return refuse(http.StatusRequestEntityTooLarge, "the request needs more memory than the server has for all; want fewer rows")
	}
	if b.used+n > b.most {
		return refuse(http.StatusServiceUnavailable, "other requests have the memory that this one needs")
	}
	b.used += n
	s.used += n
	return nil
}

// give gives all back.
func (s *share) give() {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	s.budget.used -= s.used
	s.used = 0
}

// readBody reads a body of at most so many bytes into memory that grows with it.
func readBody(body io.Reader, length, most int64, memory *share) ([]byte, error) {
	tooLarge := refuse(http.StatusRequestEntityTooLarge, "a body of more than %d bytes; want at most so many", most)
	if length > most {
		return nil, tooLarge
	}
	const first, known = 4 << 10, 64 << 10 // a client may claim any length
	size := int64(first)
	if length >= 0 {
		size = min(length+1, known)
	}
	if err := memory.take(size); err != nil {
		return nil, err
	}
	text := make([]byte, 0, size)
	for {
		n, err := body.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case int64(len(text)) > most:
			return nil, tooLarge
		case errors.Is(err, io.EOF):
			return text, nil
		case err != nil:
			return nil, err
		}
		if len(text) == cap(text) {
			grown := int64(2 * cap(text))
			if length >= 0 {
				grown = min(grown, length+1)
			}
			if err := memory.take(grown - int64(cap(text))); err != nil {
				return nil, err
			}
			text = append(make([]byte, 0, grown), text...)
		}
	}
}
