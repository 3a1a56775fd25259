package memory

import (
	"os"
	"os/exec"
	"testing"
)

func TestStatm(t *testing.T) {
	for text, want := range map[string][2]uint64{
		"530 125 77 1 0 40 0\n": {48 * 4096, 530 * 4096}, "": {}, "x y": {}, "530": {}, "530 125": {}, "530 125 126": {},
	} {
		if held, space := statm(text, 4096); [2]uint64{held, space} != want {
			t.Errorf("%q: %d held, %d of address space; want %v", text, held, space, want)
		}
	}
}

// TestAddressSpace runs this test again in a shell whose limit leaves little.
func TestAddressSpace(t *testing.T) {
	const marker = "AEGIS_TEST_ADDRESS_SPACE"
	if os.Getenv(marker) == "" {
		if testing.Short() {
			t.Skip("starts a process")
		}
		sh := exec.Command("sh", "-c", `ulimit -v 6000000; exec "$0" -test.run '^TestAddressSpace$'`, os.Args[0])
		sh.Env = append(os.Environ(), marker+"=1")
		if out, err := sh.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	const limit = uint64(6_000_000 << 10)
	rest := Left()
	if total := Total(); total.Bytes < limit && total.Bytes < rest.Bytes {
		t.Fatalf("%+v left of %+v", rest, total)
	}
	if rest.Bytes >= limit-threads {
		t.Errorf("%+v left of a limit of %d", rest, limit)
	}
	var p Pool
	if _, err := p.Floats(int(limit / 4)); err == nil {
		t.Error("a buffer of the whole limit was to be had")
	}
}
