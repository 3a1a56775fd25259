package asm

import (
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// assembler is binutils' assembler for arm64; AEGIS_AARCH64_AS names another one.
func assembler(t *testing.T) string {
	if named := os.Getenv("AEGIS_AARCH64_AS"); named != "" {
		return named
	}
	for _, name := range []string{"aarch64-linux-gnu-as", "as"} {
		path, err := exec.LookPath(name)
		if err == nil && exec.Command(path, "-march=armv8-a", "-o", os.DevNull, os.DevNull).Run() == nil {
			return path
		}
	}
	t.Skip("no assembler for arm64: install binutils-aarch64-linux-gnu, or set AEGIS_AARCH64_AS")
	return ""
}

// TestWords has each mnemonic beside an instruction word assembled, and compares
// the code.
func TestWords(t *testing.T) {
	files, err := Files("../..")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]uint32)
	var mnemonics []string
	for _, m := range regexp.MustCompile(`WORD \$0x([0-9a-f]{8})(?: // (.*))?`).FindAllStringSubmatch(string(files[neon.file()]), -1) {
		code, err := strconv.ParseUint(m[1], 16, 32)
		if err != nil || m[2] == "" {
			t.Fatalf("%q: %v; want a code with its mnemonic", m[0], err)
		}
		if _, ok := seen[m[2]]; !ok {
			mnemonics = append(mnemonics, m[2])
			seen[m[2]] = uint32(code)
		} else if seen[m[2]] != uint32(code) {
			t.Errorf("%s: got both %#08x and %#08x", m[2], seen[m[2]], code)
		}
	}
	if len(mnemonics) < 20 {
		t.Fatalf("got %d different words in %s", len(mnemonics), neon.file())
	}
	for i, want := range assemble(t, mnemonics) {
		if got := seen[mnemonics[i]]; got != want {
			t.Errorf("%s: got %#08x, want %#08x", mnemonics[i], got, want)
		}
	}
}

// assemble returns the codes of instructions.
func assemble(t *testing.T, mnemonics []string) []uint32 {
	t.Helper()
	dir := t.TempDir()
	source, object := filepath.Join(dir, "words.s"), filepath.Join(dir, "words.o")
	if err := os.WriteFile(source, []byte(strings.Join(mnemonics, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(assembler(t), "-march=armv8-a", "-o", object, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file, err := elf.Open(object)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, err := file.Section(".text").Data()
	if err != nil || len(text) != 4*len(mnemonics) {
		t.Fatalf("got %d bytes of code, %v; want 4 for each of %d instructions", len(text), err, len(mnemonics))
	}
	codes := make([]uint32, len(mnemonics))
	for i := range codes {
		codes[i] = binary.LittleEndian.Uint32(text[4*i:])
	}
	return codes
}
