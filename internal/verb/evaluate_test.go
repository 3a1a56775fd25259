package verb

import (
	"encoding/csv"
	"encoding/json"
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
