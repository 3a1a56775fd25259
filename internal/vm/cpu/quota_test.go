package cpu

import (
	"testing"
	"testing/fstest"
)

func TestQuota(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  float64
	}{
		{name: "no control groups", want: unlimited},
		{name: "v2", files: map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, want: 0.5},
		{name: "v2 without a limit", files: map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "max 100000\n"}, want: unlimited},
		{name: "v2, a group above has less", files: map[string]string{
			"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "400000 100000\n", "sys/fs/cgroup/a/cpu.max": "100000 100000\n",
		}, want: 1},
		{name: "v1", files: map[string]string{
			"proc/self/cgroup": "5:memory:/x\n4:cpu,cpuacct:/docker/1\n",
			"sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us":  "150000\n",
			"sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us": "100000\n",
		}, want: 1.5},
		{name: "v1 in a container, whose group is the mount", files: map[string]string{
			"proc/self/cgroup":                    "4:cpu:/docker/1\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us":  "50000\n",
			"sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
		}, want: 0.5},
		{name: "v1 without a limit", files: map[string]string{
			"proc/self/cgroup":                    "4:cpu:/\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us":  "-1\n",
			"sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
		}, want: unlimited},
		{name: "not numbers", files: map[string]string{"proc/self/cgroup": "0::/\nodd\n", "sys/fs/cgroup/cpu.max": "lots\n"}, want: unlimited},
	} {
		root := fstest.MapFS{}
		for name, text := range tt.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := quota(root); got != tt.want {
			t.Errorf("%s: want %v, got %v", tt.name, tt.want, got)
		}
	}
}
