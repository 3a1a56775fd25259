package cpu

import (
	"io/fs"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
)

// chooseThreads returns how many workers there are at most: one for each
// processor that the process may use. The Go runtime knows the affinity mask
// and the quota of a container, but counts two where a quota is less; there
// the second worker only uses up what the first one needs.
func chooseThreads() int {
	if quota(os.DirFS("/")) <= 1 {
		return 1
	}
	return runtime.GOMAXPROCS(0)
}

// unlimited is the quota where there is none, in processors.
const unlimited = 1 << 20

// quota returns how many processors' time the control groups of this process
// leave it, version 1 or 2: the least along the path of its group.
func quota(root fs.FS) float64 {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return unlimited
	}
	least := float64(unlimited)
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		mount, limit := "", v2Limit
		switch {
		case fields[1] == "":
			mount = "sys/fs/cgroup"
		case hasController(fields[1], "cpu"):
			mount, limit = "sys/fs/cgroup/cpu", v1Limit
		default:
			continue
		}
		for group := path.Clean("/" + fields[2]); ; group = path.Dir(group) {
			least = min(least, limit(root, path.Join(mount, group)))
			if group == "/" {
				break
			}
		}
	}
	return least
}

func hasController(list, name string) bool {
	for c := range strings.SplitSeq(list, ",") {
		if c == name {
			return true
		}
	}
	return false
}

// v2Limit reads cpu.max: a quota or max, and the period that it is of.
func v2Limit(root fs.FS, dir string) float64 {
	text, err := fs.ReadFile(root, path.Join(dir, "cpu.max"))
	if err != nil {
		return unlimited
	}
	limit, period, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	return ratio(limit, period)
}

// v1Limit reads the quota, negative for none, and the period.
func v1Limit(root fs.FS, dir string) float64 {
	limit, err := fs.ReadFile(root, path.Join(dir, "cpu.cfs_quota_us"))
	if err != nil {
		return unlimited
	}
	period, err := fs.ReadFile(root, path.Join(dir, "cpu.cfs_period_us"))
	if err != nil {
		return unlimited
	}
	return ratio(string(limit), string(period))
}

// ratio divides two numbers of microseconds; what is no quota is unlimited.
func ratio(limit, period string) float64 {
	q, err := strconv.ParseFloat(strings.TrimSpace(limit), 64)
	p, periodErr := strconv.ParseFloat(strings.TrimSpace(period), 64)
	if err != nil || periodErr != nil || q <= 0 || p <= 0 {
		return unlimited
	}
	return q / p
}
