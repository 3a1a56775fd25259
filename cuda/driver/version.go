package driver

import (
	"os"
	"regexp"
)

// versionFiles are where NVIDIA's kernel module says its version.
var versionFiles = []string{"/sys/module/nvidia/version", "/proc/driver/nvidia/version"}

var versionText = regexp.MustCompile(`\b\d{3,}\.\d+(\.\d+)?\b`)

// KernelVersion is the version of NVIDIA's kernel module, such as 550.54.14;
// empty where none is loaded or the system does not say.
func KernelVersion() string { return kernelVersion(versionFiles) }

func kernelVersion(files []string) string {
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil {
			if v := versionText.FindString(string(text)); v != "" {
				return v
			}
		}
	}
	return ""
}
