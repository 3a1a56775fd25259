//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocumented runs every command of the help of each verb, of README.md and
// of docs/, as it would be pasted: block after block of a page in one folder,
// where a clone of the module seems to lie.
func TestDocumented(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	bin := built(t, root)
	for name, script := range documented(t, root, bin) {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("sh", "-euc", ends+script)
			cmd.Dir = t.TempDir()
			if err := os.Symlink(filepath.Join(root, "testdata"), filepath.Join(cmd.Dir, "testdata")); err != nil {
				t.Fatal(err)
			}
			cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "AEGIS_MODULE="+root)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s\nof\n%s", err, out, script)
			}
		})
	}
}

// ends stops what a page has left running in the background, where one of its
// commands failed.
const ends = "trap 'test -z \"${!-}\" || kill \"$!\" 2>/dev/null || :' EXIT\n"

// commands are those that documents run by go run.
var commands = []string{"./cmd/aegis", "./cmd/train", "./docs/example"}

// built makes a folder with the commands, and a go that runs them in place of
// compiling them anew, and gives them as its builds.
func built(t *testing.T, root string) string {
	t.Helper()
	bin := t.TempDir()
	shim := "#!/bin/sh\ncase \"$1 $2\" in\n"
	for _, path := range commands {
		name := "run-" + filepath.Base(path)
		build := exec.Command("go", "build", "-o", filepath.Join(bin, name), path)
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		shim += fmt.Sprintf("\"run %s\") shift 2; exec %s \"$@\" ;;\n", path, name)
	}
	shim += "\"build -o\") exec cp \"$(command -v run-${4##*/})\" \"$3\" ;;\n"
	shim += "esac\necho \"want go run of " + strings.Join(commands, ", ") + ": got go $*\" >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(shim), 0o777); err != nil {
		t.Fatal(err)
	}
	return bin
}

// documented returns the commands of each document as a script.
func documented(t *testing.T, root, bin string) map[string]string {
	t.Helper()
	scripts := make(map[string]string)
	helped(t, bin, scripts)
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if script := blocks(string(text)); script != "" {
			scripts[filepath.Base(page)] = script
		}
	}
	return scripts
}

// helped adds the examples of each verb, and of each of a verb's verbs.
func helped(t *testing.T, bin string, scripts map[string]string, above ...string) {
	t.Helper()
	for _, name := range verbs(t, bin, above...) {
		verb := append(slices.Clone(above), name)
		if name == "train" {
			continue // its help has flags alone
		}
		help := output(t, bin, append(verb, "--help")...)
		_, example, ok := strings.Cut(help, "\nExamples:\n")
		under := strings.Contains(help, listed)
		if under {
			helped(t, bin, scripts, verb...)
		}
		if !ok {
			if !under {
				t.Errorf("%s has no example", strings.Join(verb, " "))
			}
			continue
		}
		example, _, _ = strings.Cut(example, "\n\n")
		scripts["help of "+strings.Join(verb, " ")] = example
	}
}

// block is a fenced block of commands.
var block = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// blocks returns the commands of a page's sh blocks.
func blocks(page string) string {
	var script strings.Builder
	for _, m := range block.FindAllStringSubmatch(page, -1) {
		script.WriteString(m[1])
	}
	return script.String()
}

// listed stands before the verbs that a help names.
const listed = "Available Commands:\n"

// verbs lists the verbs that the help of those above names.
func verbs(t *testing.T, bin string, above ...string) []string {
	t.Helper()
	_, list, _ := strings.Cut(output(t, bin, append(slices.Clone(above), "--help")...), listed)
	list, _, _ = strings.Cut(list, "\n\n")
	var names []string
	for _, line := range strings.Split(list, "\n") {
		names = append(names, strings.Fields(line)[0])
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "help" })
}

func output(t *testing.T, bin string, args ...string) string {
	t.Helper()
	out, err := exec.Command(filepath.Join(bin, "run-aegis"), args...).Output()
	if err != nil {
		t.Fatalf("aegis %q: %v", args, err)
	}
	return string(out)
}
