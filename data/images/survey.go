package images

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"aegis/data"
	"aegis/internal/advice"
)

// form settles shape, channels and fit: those of a model or of the options,
// else what the headers of all files say.
func (l *listing) form(ctx context.Context, opt Options) (data.ImageForm, error) {
	if opt.Form != nil {
		return *opt.Form, nil
	}
	form := data.ImageForm{Channels: 1, Height: opt.Height, Width: opt.Width, Fit: opt.Fit}
	if form.Fit == "" {
		form.Fit = data.FitCrop
	}
	if opt.Gray && form.Height > 0 {
		return form, nil
	}
	seen, err := l.headers(ctx, opt.workers(), form.Height > 0)
	if err != nil {
		return form, err
	}
	if seen.colour && !opt.Gray {
		form.Channels = 3
	}
	if form.Height > 0 {
		return form, nil
	}
	switch len(seen.sizes) {
	case 0:
		return form, fmt.Errorf("images: %s: all %d image files are broken, such as %s; give images that other programs show",
			l.place, len(l.files), seen.broken)
	case 1:
		for s := range seen.sizes {
			form.Height, form.Width = s.height, s.width
		}
		return form, nil
	}
	small, large := seen.extremes()
	return form, advice.With(fmt.Errorf("images: %s: images of %d sizes, from %v to %v; want one: choose a height and a width for all",
		l.place, len(seen.sizes), small, large), "size 64x64")
}

// survey is what the headers of files say together.
type survey struct {
	colour bool
	sizes  map[size]bool
	broken broken // the first one
}

// headers reads the headers of all files; only for colour, it stops at the
// first that has some.
func (l *listing) headers(ctx context.Context, workers int, forColour bool) (survey, error) {
	seen := survey{sizes: map[size]bool{}}
	first := len(l.files)
	var next atomic.Int64
	var lock sync.Mutex
	var wg sync.WaitGroup
	look := func(i int) (enough bool) {
		h, err := headerOf(l.path(l.files[i].name))
		lock.Lock()
		defer lock.Unlock()
		if err != nil {
			if i < first {
				first, seen.broken = i, broken{l.files[i].name, err.Error()}
			}
			return false
		}
		seen.sizes[h.upright()] = true
		seen.colour = seen.colour || h.colour
		return forColour && seen.colour
	}
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(l.files) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if look(i) {
					next.Store(int64(len(l.files)))
				}
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return seen, fmt.Errorf("images: %s: %w", l.place, err)
	}
	return seen, nil
}

// extremes are the sizes with the fewest and the most pixels.
func (s survey) extremes() (small, large size) {
	before := func(a, b size) bool {
		if n, m := a.height*a.width, b.height*b.width; n != m {
			return n < m
		}
		return a.height < b.height
	}
	for at := range s.sizes {
		if small.height == 0 || before(at, small) {
			small = at
		}
		if large.height == 0 || before(large, at) {
			large = at
		}
	}
	return small, large
}
