package verb

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"aegis/internal/cli"
)

// tableRows are lines of four numbers and a category, without a header.
func tableRows(n int) (lines [][]string) {
	for i := range n {
		v := float64(i%17)/4 - 2
		lines = append(lines, []string{fmt.Sprint(v + 0.25), fmt.Sprint(2 * v), fmt.Sprint(-v), fmt.Sprint(float64(i%5) + 0.5), []string{"red", "green"}[i%2]})
	}
	return lines
}

// tableOf writes a file of chosen columns, by number, with a delimiter.
func tableOf(t *testing.T, name, header, delimiter string, lines [][]string, columns ...int) {
	t.Helper()
	var text strings.Builder
	if header != "" {
		text.WriteString(strings.ReplaceAll(header, " ", delimiter) + "\n")
	}
	for _, line := range lines {
		for i, c := range columns {
			if i > 0 {
				text.WriteString(delimiter)
			}
			text.WriteString(line[c])
		}
		text.WriteString("\n")
	}
	if err := os.WriteFile(name, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestTableOtherFile encodes the same rows out of files that are written
// otherwise than the one that the model was trained on.
func TestTableOtherFile(t *testing.T) {
	t.Chdir(t.TempDir())
	rows := tableRows(200)
	tableOf(t, "train.csv", "a b c d kind", ",", rows, 0, 1, 2, 3, 4)
	must(t, "train", "--quiet", "--epochs", "1", "--data", "train.csv", "--out", "run", "--device", "cpu")
	some := rows[:7]
	tableOf(t, "same.csv", "a b c d kind", ",", some, 0, 1, 2, 3, 4)
	want, _ := must(t, "encode", "run", "--data", "same.csv")
	if strings.Count(want, "\n") != len(some)+1 {
		t.Fatalf("codes %q", want)
	}
	comma := make([][]string, len(some))
	for i, line := range some {
		for _, v := range line {
			comma[i] = append(comma[i], strings.ReplaceAll(v, ".", ","))
		}
	}
	tableOf(t, "order", "kind d c b a", ",", some, 4, 3, 2, 1, 0)
	tableOf(t, "extra", "x a b y c d kind", ",", some, 3, 0, 1, 4, 2, 3, 4)
	tableOf(t, "tabs", "a b c d kind", "\t", some, 0, 1, 2, 3, 4)
	tableOf(t, "semicolons", "a b c d kind", ";", comma, 0, 1, 2, 3, 4)
	for _, name := range []string{"order", "extra", "tabs", "semicolons"} {
		if got, _ := must(t, "encode", "run", "--data", name); got != want {
			t.Errorf("%s: codes\n%swant\n%s", name, got, want)
		}
	}
}

// TestTableBadInput: a table that cannot be read is one line, status 1, and
// nothing is written, by training and by use.
func TestTableBadInput(t *testing.T) {
	t.Chdir(t.TempDir())
	rows := tableRows(300)
	tableOf(t, "good", "a b c d kind", ",", rows, 0, 1, 2, 3, 4)
	must(t, "train", "--quiet", "--epochs", "1", "--data", "good", "--out", "run", "--device", "cpu")
	with := func(name string, line ...string) {
		tableOf(t, name, "a b c d kind", ",", append(rows[:2:2], line, rows[2]), 0, 1, 2, 3, 4)
	}
	with("nan", "1", "NaN", "2", "3", "red")
	with("gap", "1", "2", "", "3", "red")
	with("text", "1", "2", "3.5", "hello", "red")
	with("infinite", "1", "2", "inf", "3", "red")
	with("quote", "1", `"2`, "3", "4", "red")
	with("ragged", "1", "2", "3", "4", "red,5")
	with("blue", "1", "2", "3", "4", "blue")
	tableOf(t, "missing", "a b kind", ",", rows, 0, 1, 4)
	tableOf(t, "nameless", "", ",", rows, 0, 1, 2, 3, 4)
	tableOf(t, "one", "a", ",", rows, 0)
	tableOf(t, "header", "a b c d kind", ",", nil)
	tableOf(t, "empty", "", ",", nil)
	ids := make([][]string, len(rows))
	for i, line := range rows {
		ids[i] = []string{line[0], fmt.Sprintf("id%d", i)}
	}
	tableOf(t, "ids", "a id", ",", ids, 0, 1)
	before := files(t, ".")
	for name, want := range map[string][2]string{ // of train, where it is none of its business empty, and of encode
		"nan":      {`row 2 (line 4), column "b": want a value, got "NaN"`, `be taken in training (--impute mean)`},
		"gap":      {`row 2 (line 4), column "c": want a value, got none; fill it in, leave the row or the column out, or let the column's mean or median be taken (--impute mean)`, `row 2 (line 4), column "c": want a value, got none`},
		"text":     {`row 2 (line 4), column "d": want a number, as in other rows, got "hello"`, `row 2 (line 4), column "d": want a number, got "hello"`},
		"infinite": {`row 2 (line 4), column "c": want a finite number`, `row 2 (line 4), column "c": want a finite number`},
		"quote":    {"close the quotes that begin in line 4", "close the quotes that begin in line 4"},
		"ragged":   {"line 4: want 5 columns, as in the first line, got 6", "line 4: want 5 columns, as in the first line, got 6"},
		"blue":     {"", `row 2 (line 4), column "kind": want one of the categories "green", "red", got "blue"`},
		"missing":  {"", `no column "c", "d"; want names among "a", "b", "kind"`},
		"nameless": {"", `no column "a", "b", "c", "d", "kind"; the file has no header`},
		"one":      {"rows of one value; want at least two", `no column "b"`},
		"header":   {"no row: want at least one", "no row: want at least one"},
		"empty":    {"empty is an empty file", "empty is an empty file"},
		"ids":      {`it looks like an id or free text: drop the column (--drop)`, `no column "b"`},
	} {
		for i, args := range [][]string{{"train", "--quiet", "--epochs", "1", "--out", "new", "--device", "cpu", "--data", name}, {"encode", "run", "--out", "codes.csv", "--data", name}} {
			if want[i] == "" {
				continue
			}
			status, stdout, stderr := call(args...)
			if status != cli.ExitFailed || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want[i]) {
				t.Errorf("aegis %q: status %d, %q, %q; want %q", args, status, stdout, stderr, want[i])
			}
			if left := files(t, "."); len(left) != len(before) {
				t.Fatalf("aegis %q: of files %q there were %q", args, left, before)
			}
		}
	}
}

// TestLabelColumn: a column that is asked for has to be there, and what has no
// columns has no label; that of the model may be absent.
func TestLabelColumn(t *testing.T) {
	digits := trained(t)
	t.Chdir(t.TempDir())
	sensors(t, "t.csv", 300)
	rows := tableRows(20)
	tableOf(t, "plain.csv", "a b c d e f", ",", rows, 0, 1, 2, 3, 0, 1)
	must(t, "train", "--quiet", "--epochs", "1", "--data", "t.csv", "--label", "state", "--latent", "2", "--out", "run", "--device", "cpu")
	must(t, "train", "--quiet", "--epochs", "1", "--data", "t.csv", "--label", "state", "--latent", "6", "--window", "4", "--out", "lines", "--device", "cpu")
	must(t, "encode", digits, "--limit", "20", "--out", "codes.npy")
	must(t, "encode", "run", "--limit", "20", "--out", "codes.csv")
	const names = `no column "nosuch"; want names among "a", "b", "c", "d", "e", "f", "state"`
	for _, c := range []struct {
		want   string
		status int
		args   []string
	}{
		{names, cli.ExitFailed, []string{"eval", "run", "--data", "t.csv", "--label", "nosuch"}},
		{names, cli.ExitFailed, []string{"detect", "run", "--data", "t.csv", "--label", "nosuch"}},
		{names, cli.ExitFailed, []string{"detect", "lines", "--data", "t.csv", "--label", "nosuch"}},
		{names, cli.ExitFailed, []string{"detect", "run", "--calibrate", "t.csv", "--label", "nosuch"}},
		{`no column "nosuch"; want names among "z1", "z2"`, cli.ExitFailed, []string{"decode", "run", "--data", "codes.csv", "--label", "nosuch"}},
		{"mnist is a data set with a name, which does not go with a label column", cli.ExitFailed, []string{"encode", digits, "--data", "mnist", "--label", "foo"}},
		{"mnist is a data set with a name, which does not go with names of arrays", cli.ExitFailed, []string{"encode", digits, "--data", "mnist", "--keys", "train=a"}},
		{"which does not go with a label column", cli.ExitFailed, []string{"encode", "run", "--data", "codes.npy", "--label", "foo"}},
		{"which does not go with a label column", cli.ExitFailed, []string{"decode", digits, "--data", "codes.npy", "--label", "foo"}},
		{"--label says how other data are read", cli.ExitUsage, []string{"encode", digits, "--label", "foo"}},
		{"--keys says how other data are read", cli.ExitUsage, []string{"encode", digits, "--keys", "train=a"}},
		{"--label says how other data are read", cli.ExitUsage, []string{"detect", "lines", "--label", "state"}},
	} {
		status, stdout, stderr := call(c.args...)
		lines := strings.Count(stderr, "\n") - strings.Count(stderr, "detect: fitted")
		if status != c.status || stdout != "" || lines != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: status %d, %q, %q; want %q", c.args, status, stdout, stderr, c.want)
		}
	}
	must(t, "encode", "run", "--data", "plain.csv")
	must(t, "detect", "run", "--data", "plain.csv", "--out", "found.csv")
	must(t, "detect", "run", "--calibrate", "t.csv", "--label", "state", "--out", "found.csv")
	must(t, "encode", "run", "--data", "t.csv", "--label", "state")
}
