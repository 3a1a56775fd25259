package images

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// The sets of a source.
const (
	trainSet = iota
	valSet
	testSet
	sets
)

// setNames are the folders that are sets, not classes.
var setNames = map[string]int{"train": trainSet, "val": valSet, "valid": valSet, "test": testSet}

// file is an image file of a listing.
type file struct {
	name  string // below the folder, with slashes
	set   int
	class string // the sub-folder, "" without one
	label byte
}

// listing is the image files of a folder in the order of their rows.
type listing struct {
	dir     string
	place   string // what errors call dir
	files   []file
	classes []string
	others  int // files that are no images
	links   int // to folders
	broken  []broken
	decided []string // what else notes say
}

// note keeps what a user should know.
func (l *listing) note(format string, args ...any) {
	l.decided = append(l.decided, fmt.Sprintf(format, args...))
}

// path is where a file lies.
func (l *listing) path(name string) string { return filepath.Join(l.dir, filepath.FromSlash(name)) }

// list lists the images at a path: those in and below a folder, or one file.
func list(ctx context.Context, at string) (*listing, error) {
	info, err := os.Stat(at)
	if err != nil {
		return nil, fmt.Errorf("images: open: %w; give a folder of images, or an image", err)
	}
	l := &listing{dir: at, place: filepath.ToSlash(at)}
	if !info.IsDir() {
		k, err := kindOfFile(at)
		if err == nil && k == "" {
			err = errNoImage
		}
		if err != nil {
			return nil, fmt.Errorf("images: %s: %w; give a folder of images, or an image", l.place, err)
		}
		l.dir, l.files = filepath.Dir(at), []file{{name: filepath.Base(at)}}
		return l, nil
	}
	if err := l.walk(ctx, "."); err != nil {
		return nil, err
	}
	if len(l.files) == 0 {
		return nil, fmt.Errorf("images: %s: no image among %d files; want PNG, JPEG, GIF, BMP, WebP or TIFF files there, or in folders below", l.place, l.others)
	}
	l.layout()
	return l, nil
}

// walk lists a folder and what is below. Links to files are followed, those to
// folders are not, so that no loop of them is endless.
func (l *listing) walk(ctx context.Context, dir string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("images: %s: list: %w", l.place, err)
	}
	entries, err := os.ReadDir(l.path(dir))
	if err != nil {
		return fmt.Errorf("images: %s: list: %w; make the folder readable or take it away", l.place, err)
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case hidden(e.Name()):
			l.others++
		case e.IsDir() && isRun(l.path(name)): // its pictures are no data
			l.others++
		case e.IsDir():
			if err := l.walk(ctx, name); err != nil {
				return err
			}
		default:
			l.add(name, e)
		}
	}
	return nil
}

// isRun says that a folder is a run's: it has the mark that a run leaves there.
func isRun(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, ".aegis"))
	return err == nil
}

// add lists a file that is an image by its content, or should be by its name.
func (l *listing) add(name string, e fs.DirEntry) {
	if isLink(e) {
		if info, err := os.Stat(l.path(name)); err == nil && info.IsDir() {
			l.links++
			return
		}
	}
	if k, err := kindOfFile(l.path(name)); (err != nil || k == "") && !namedImage(name) {
		l.others++
		return
	}
	l.files = append(l.files, file{name: name})
}

// layout finds out which set and class each file is of, by the folders above.
func (l *listing) layout() {
	folders := make([][]string, len(l.files))
	inSets := true
	for i, f := range l.files {
		folders[i] = strings.Split(path.Dir(f.name), "/")
		if _, ok := setNames[strings.ToLower(folders[i][0])]; !ok {
			inSets = false
		}
	}
	for i, above := range folders {
		if inSets {
			l.files[i].set, above = setNames[strings.ToLower(above[0])], above[1:]
		}
		if len(above) > 0 && above[0] != "." {
			l.files[i].class = above[0]
		}
	}
	slices.SortStableFunc(l.files, func(a, b file) int {
		if a.set != b.set {
			return a.set - b.set
		}
		return strings.Compare(a.name, b.name)
	})
}

// sets are the files of each set.
func (l *listing) sets() [sets][]file {
	var s [sets][]file
	for _, f := range l.files {
		s[f.set] = append(s[f.set], f)
	}
	return s
}

// Classes are the names of the labels of all images of a folder, those of its
// sets together; nil without classes.
func Classes(ctx context.Context, dir string) ([]string, error) {
	l, err := list(ctx, dir)
	if err == nil {
		err = l.classify(nil)
	}
	if err != nil {
		return nil, err
	}
	return l.classes, nil
}

// classify labels the files: by the names of known classes, else by those of
// their own folders.
func (l *listing) classify(known []string) error {
	loose, names := []string(nil), map[string]bool{}
	for _, f := range l.files {
		if f.class == "" {
			loose = append(loose, f.name)
		} else {
			names[f.class] = true
		}
	}
	if len(names) == 0 {
		return nil
	}
	found := make([]string, 0, len(names))
	for name := range names {
		found = append(found, name)
	}
	slices.Sort(found)
	const most = 256
	switch {
	case len(loose) > 0:
		return fmt.Errorf("images: %s: %d images, such as %s, beside %d folders of images, such as %s; want all images in folders, one a class, or none",
			l.place, len(loose), loose[0], len(found), found[0])
	case known == nil && len(found) > most:
		return fmt.Errorf("images: %s: %d folders of images; want at most %d, one a class: move the images together to have no classes", l.place, len(found), most)
	}
	l.classes = found
	if known != nil {
		l.classes = known
	}
	if i := slices.IndexFunc(found, func(name string) bool { return !utf8.ValidString(name) }); i >= 0 {
		return fmt.Errorf("images: %s: folder %q; want a name in UTF-8, which a model's file can keep as that of a class: rename the folder", l.place, found[i])
	}
	for i, f := range l.files {
		label := slices.Index(l.classes, f.class)
		if label < 0 || label >= most {
			return fmt.Errorf("images: %s: folder %q; want those of the model's classes, %q: rename it, or take it away", l.place, f.class, known)
		}
		l.files[i].label = byte(label)
	}
	return nil
}

// broken is a file that is no whole image.
type broken struct {
	File string
	Why  string
}

func (b broken) String() string { return b.File + " (" + b.Why + ")" }

// notes say what was left out.
func (l *listing) notes() []string {
	notes := slices.Clone(l.decided)
	if n := len(l.broken); n > 0 {
		const most = 3
		var names []string
		for _, b := range l.broken[:min(n, most)] {
			names = append(names, b.String())
		}
		text := strings.Join(names, ", ")
		if n > most {
			text += fmt.Sprintf(" and %d more", n-most)
		}
		notes = append(notes, fmt.Sprintf("broken files are left out, %d of %d: %s", n, len(l.files), text))
	}
	if l.others > 0 {
		notes = append(notes, fmt.Sprintf("files that are no images are left out, %d of them", l.others))
	}
	if l.links > 0 {
		notes = append(notes, fmt.Sprintf("links to folders are not followed, %d of them", l.links))
	}
	return notes
}

// errNoImage is what is wrong with text called .png.
var errNoImage = errors.New("this is no PNG, JPEG, GIF, BMP, WebP or TIFF image")
