package run

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// as does something with the rights of another user to files.
func as(t *testing.T, user int, do func()) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can take another user's rights")
	}
	runtime.LockOSThread() // they are this thread's alone
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(user); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setfsuid(0); err != nil {
			t.Error(err)
		}
	}()
	do()
}

// open makes a directory that all may enter, and write to where mode says so.
func open(t *testing.T, mode os.FileMode) string {
	t.Helper()
	dir := t.TempDir()
	for _, path := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, mode); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestModeOfTheLock follows the umask.
func TestModeOfTheLock(t *testing.T) {
	for _, mask := range []int{0, 0o027, 0o077} {
		dir := t.TempDir()
		old := syscall.Umask(mask)
		d, err := Create(dir, false)
		syscall.Umask(old)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, lockFile))
		if want := os.FileMode(0o666 &^ mask); err != nil || info.Mode().Perm() != want {
			t.Errorf("umask %o: mode %v (%v), want %v", mask, info.Mode(), err, want)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestAnotherUser reads why a directory is not theirs, whether they may open
// its lock or not.
func TestAnotherUser(t *testing.T) {
	for _, c := range []struct {
		dir, lock os.FileMode
		live      bool
		want      string
	}{
		{dir: 0o777, lock: 0o644, live: true, want: "another run is writing"},
		{dir: 0o755, lock: 0o644, live: true, want: "another run is writing"},
		{dir: 0o755, lock: 0o644, want: "takes no files"},
		{dir: 0o755, want: "is another user's, or a run of theirs is writing"},
		{dir: 0o777, live: true, want: "is another user's, or a run of theirs is writing"},
	} {
		dir := open(t, c.dir)
		d, err := Create(dir, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, lockFile), c.lock); err != nil {
			t.Fatal(err)
		}
		if !c.live {
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
		}
		as(t, 65534, func() { _, err = Create(dir, true) })
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) { wantError(t, err, c.want) })
		if c.live {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestDisks says what the matter is with a disk that takes no files, be
// there a run on it, nothing, or no room for another file.
func TestDisks(t *testing.T) {
	disk := t.TempDir()
	mount := func(flags uintptr, options string) {
		t.Helper()
		if err := syscall.Mount("tmpfs", disk, "tmpfs", flags, options); err != nil {
			t.Skipf("no file system can be mounted here: %v", err)
		}
	}
	mount(0, "size=8m")
	defer func() { _ = syscall.Unmount(disk, 0) }()
	runInto(t, disk+"/a", true)
	mount(syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=8m")
	for _, dir := range []string{"a", "b", "b/c"} {
		_, err := Create(filepath.Join(disk, dir), true)
		wantError(t, err, filepath.Join(disk, dir)+" is on a read-only file system")
	}
	_, err := CreateNew(filepath.Join(disk, "d"))
	wantError(t, err, "is on a read-only file system")
	mount(syscall.MS_REMOUNT, "size=8m,nr_inodes=20")
	wantError(t, CheckSpace(filepath.Join(disk, "b"), 1, 1), "has room for ")
	mount(syscall.MS_REMOUNT, "size=8m,nr_inodes=100")
	if err := CheckSpace(filepath.Join(disk, "b"), 1, 1); err != nil {
		t.Error(err)
	}
}
