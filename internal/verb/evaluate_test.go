package verb

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"aegis"
)

// TestEval prints one table, or the same as JSON.
func TestEval(t *testing.T) {
	run := trained(t)
	table, _ := must(t, "eval", run, "--limit", "300")
	for _, want := range []string{"rows", "PSNR, dB", "class 9", "PCA, 12 components", "of the variance explained", "that of 12 principal components", "classes found by codes", "by a logistic probe"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
	said, _ := must(t, "eval", run, "--limit", "300", "--alone", "--json")
	var e aegis.Evaluation
	if err := json.Unmarshal([]byte(said), &e); err != nil || e.Rows != 300 || len(e.Classes) != 10 || e.PCA != nil || e.Codes != nil {
		t.Errorf("%+v, error %v", e, err)
	}
}

// TestClusterWrites a row for each row, and a picture of the centres.
func TestClusterWrites(t *testing.T) {
	run := trained(t)
	t.Chdir(t.TempDir())
	table, _ := must(t, "cluster", run, "--limit", "200", "-k", "4", "--out", "c.csv", "--centres", "c.png")
	if !strings.Contains(table, "silhouette") || !strings.Contains(table, "clusters of codes and classes") {
		t.Errorf("printed %s", table)
	}
	text, err := os.ReadFile("c.csv")
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil || len(lines) != 201 || !slices.Equal(lines[0], []string{"cluster", "distance"}) {
		t.Errorf("%d lines under %q, error %v", len(lines), lines[0], err)
	}
	if _, err := os.Stat("c.png"); err != nil {
		t.Error(err)
	}
	said, _ := must(t, "cluster", run, "--limit", "200", "--json")
	var c aegis.Clusters
	if err := json.Unmarshal([]byte(said), &c); err != nil || c.K != 10 || len(c.Sizes) != 10 || c.Codes == nil {
		t.Errorf("%+v, error %v", c, err)
	}
}

// TestEvalOfHeldOut: rows that were not trained on go first, and where there are
// none it is said; a table narrower than its code has no components beside it.
func TestEvalOfHeldOut(t *testing.T) {
	t.Chdir(t.TempDir())
	sensors(t, "t.csv", 300)
	must(t, "train", "--quiet", "--data", "t.csv", "--drop", "state", "--epochs", "1", "--val", "60", "--out", "a")
	must(t, "train", "--quiet", "--data", "t.csv", "--drop", "state", "--epochs", "1", "--out", "b")
	for _, c := range []struct {
		run  string
		rows int
		note bool
	}{{"a", 60, false}, {"b", 300, true}} {
		said, stderr := must(t, "eval", c.run, "--json")
		var e aegis.Evaluation
		if err := json.Unmarshal([]byte(said), &e); err != nil || e.Rows != c.rows || e.PCA != nil || strings.Contains(stderr, "these are all that it has") != c.note {
			t.Errorf("%s: %+v, %q, error %v", c.run, e, stderr, err)
		}
	}
}

func TestBeside(t *testing.T) {
	for ratio, want := range map[float64]string{
		0.5: "50.0 % below that of 3", 1.25: "25.0 % above that of 3", 4.5: "4.5 times that of 3",
	} {
		if got := beside(ratio, 3); !strings.Contains(got, want) {
			t.Errorf("%v: %q, want %q", ratio, got, want)
		}
	}
	if got := beside(math.Inf(1), 3) + beside(1e9, 3); got != "" {
		t.Errorf("%q of components that rebuild all", got)
	}
}
