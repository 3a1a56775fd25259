package verb

import (
	"bytes"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aegis/internal/cli"
)

// pngSize returns that of a picture.
func pngSize(t *testing.T, path string) (width, height int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return img.Bounds().Dx(), img.Bounds().Dy()
}

// lines returns how many a file has.
func lines(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(text, []byte("\n"))
}

func TestGenerate(t *testing.T) {
	plain, two, vae, cvae := trained(t), trained(t, "--latent", "2"), trained(t, "--model", "vae", "--latent", "2"), trained(t, "--model", "cvae")
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		name, says string
		args       []string
	}{
		{"the prior", "drawn from the prior N(0, 1), seed 1", []string{vae, "--out", "a.csv", "-n", "30"}},
		{"a mixture", "a mixture of 10 normal distributions fitted on the codes of 2000 rows, seed 3", []string{plain, "--out", "a.csv", "-n", "30", "--seed", "3"}},
		{"a mixture of a class", "a mixture of 2 normal distributions fitted on the codes of 191 rows of class 0", []string{plain, "--out", "a.csv", "-n", "30", "--class", "0", "--components", "2"}},
		{"a class", "N(0, 1), for class 3", []string{cvae, "--out", "a.csv", "-n", "30", "--class", "3"}},
		{"all classes", "for all classes by turns", []string{cvae, "--out", "a.csv", "-n", "30"}},
		{"ways", "codes lie on straight lines", []string{plain, "--out", "a.csv", "--interpolate", "0,1", "--interpolate", "7,3", "--steps", "15"}},
		{"ways of a normal prior", "codes lie on spherical ways", []string{vae, "--out", "a.csv", "--interpolate", "0,1", "--steps", "30"}},
		{"ways of classes", "codes lie on spherical ways", []string{cvae, "--out", "a.csv", "--interpolate", "0,1", "--steps", "30"}},
		{"a grid", "over the range of the codes of 2000 rows", []string{two, "--out", "a.csv", "--grid=5"}},
		{"a grid of a prior", "over the quantiles of the prior N(0, 1)", []string{vae, "--out", "a.csv", "--grid=5"}},
	} {
		_, stderr := must(t, append([]string{"generate", "--codes", "codes.csv"}, c.args...)...)
		if !strings.Contains(stderr, c.says) {
			t.Errorf("%s: %q; want %q", c.name, stderr, c.says)
		}
		rows, codes := lines(t, "a.csv"), lines(t, "codes.csv")
		if want := 31; rows != codes || rows != want && !(strings.Contains(c.name, "grid") && rows == 26) {
			t.Errorf("%s: %d lines of rows, %d of codes", c.name, rows, codes)
		}
	}
}

func TestGeneratePictures(t *testing.T) {
	vae := trained(t, "--model", "vae", "--latent", "2")
	t.Chdir(t.TempDir())
	must(t, "generate", vae, "--out", "samples", "-n", "7")
	if got := files(t, "samples"); len(got) != 7 || got[0] != "00000.png" {
		t.Errorf("%q", got)
	}
	sizes := func(args ...string) (width, height int) {
		must(t, append([]string{"generate", vae, "--out", "a.png"}, args...)...)
		return pngSize(t, "a.png")
	}
	wide, low := sizes("--interpolate", "0,1", "--steps", "12")
	_, two := sizes("--interpolate", "0,1", "--interpolate", "2,3", "--steps", "12")
	if wide < 12*28 || two < low+28 {
		t.Errorf("a way of 12 is %d×%d, two of them are %d high", wide, low, two)
	}
	stdout, _ := must(t, "generate", vae, "--grid", "--out", "grid.png", "--json")
	var done struct {
		Rows, Lines int
		Of          string
	}
	if err := json.Unmarshal([]byte(stdout), &done); err != nil || done.Rows != 400 || done.Lines != 20 || !strings.Contains(done.Of, "quantiles") {
		t.Errorf("%q: %v", stdout, err)
	}
	// The ends of a way are what is rebuilt of the rows.
	must(t, "generate", vae, "--interpolate", "2,5", "--steps", "4", "--out", "way.csv")
	must(t, "reconstruct", vae, "--limit", "6", "--out", "rebuilt.csv")
	way, rebuilt := tableLines(t, "way.csv"), tableLines(t, "rebuilt.csv")
	if way[1] != rebuilt[3] || way[4] != rebuilt[6] {
		t.Error("the ends of a way are not what is rebuilt")
	}
	// A file of one image is an end too.
	must(t, "generate", vae, "--interpolate", "2,samples/00003.png", "--out", "a.png")
}

// tableLines returns the lines of a file.
func tableLines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// TestGenerateMoreThanASheet: what is said counts what is shown.
func TestGenerateMoreThanASheet(t *testing.T) {
	vae := trained(t, "--model", "vae", "--latent", "2")
	t.Chdir(t.TempDir())
	_, stderr := must(t, "generate", vae, "--out", "a.png", "-n", "103")
	for _, want := range []string{"shows 100 of 103 rows", "a.png: 100 rows\n"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q; want %q", stderr, want)
		}
	}
}

func TestGenerateErrors(t *testing.T) {
	plain, vae, cvae, dir := trained(t), trained(t, "--model", "vae", "--latent", "2"), trained(t, "--model", "cvae"), t.TempDir()
	model, err := os.ReadFile(filepath.Join(plain, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	alone := filepath.Join(dir, "alone.safetensors")
	if err := os.WriteFile(alone, model, 0o666); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for want, c := range map[string]struct {
		status int
		args   []string
	}{
		"name them by --data":                {cli.ExitUsage, []string{alone, "--out", "a.png"}},
		"codes of 2 dimensions; those of fc": {cli.ExitUsage, []string{plain, "--out", "a.png", "--grid"}},
		"vae has a prior to draw from":       {cli.ExitUsage, []string{vae, "--out", "a.png", "--components", "3"}},
		"the way is between the rows":        {cli.ExitUsage, []string{plain, "--out", "a.png", "--class", "3", "--interpolate", "0,1"}},
		"vae reads no labels":                {cli.ExitUsage, []string{vae, "--out", "a.png", "--class", "3"}},
		"more than a sheet shows":            {cli.ExitUsage, []string{vae, "--out", "a.png", "--grid=40"}},
		"--count wants":                      {cli.ExitUsage, []string{vae, "--out", "a.png", "-n", "0"}},
		"--steps wants":                      {cli.ExitUsage, []string{vae, "--out", "a.png", "--interpolate", "0,1", "--steps", "1"}},
		"is --steps for each way":            {cli.ExitUsage, []string{vae, "--out", "a.png", "--interpolate", "0,1", "-n", "100"}},
		"as --grid says a side":              {cli.ExitUsage, []string{vae, "--out", "a.png", "--grid", "--count", "9"}},
		"want --interpolate too":             {cli.ExitUsage, []string{vae, "--out", "a.png", "--steps", "5"}},
		"no mixture is fitted":               {cli.ExitUsage, []string{plain, "--out", "a.png", "--interpolate", "0,1", "--components", "3"}},
		"--class 3, but vae reads no labels": {cli.ExitUsage, []string{vae, "--out", "a.png", "--class", "3", "--grid=5"}},
		"want two rows A,B":                  {cli.ExitUsage, []string{vae, "--out", "a.png", "--interpolate", "0"}},
		"want one of them":                   {cli.ExitUsage, []string{vae, "--out", "a.png", "--interpolate", "0,1", "--grid"}},
		"--out names where images go":        {cli.ExitUsage, []string{vae}},
		"--json and the rows":                {cli.ExitUsage, []string{vae, "--json", "--out", "-"}},
		"row 10000 of 10000":                 {cli.ExitFailed, []string{vae, "--out", "a.png", "--interpolate", "0,10000"}},
		"nothing.png":                        {cli.ExitFailed, []string{vae, "--out", "a.png", "--interpolate", "0,nothing.png"}},
		"from 2 to 1024":                     {cli.ExitUsage, []string{vae, "--out", "a.npy", "--grid=5000"}},
		`class "x"`:                          {cli.ExitUsage, []string{cvae, "--out", "a.png", "--class", "x"}},
		"--class 12: the model knows 0 to 9": {cli.ExitUsage, []string{cvae, "--out", "a.png", "--class", "12"}},
		"--class 10: the model knows 0 to 9": {cli.ExitUsage, []string{cvae, "--out", "a.png", "--class", "10", "--interpolate", "0,1"}},
		"no rows of class 200":               {cli.ExitFailed, []string{plain, "--out", "a.png", "--class", "200"}},
	} {
		status, stdout, stderr := call(append([]string{"generate", "--quiet"}, c.args...)...)
		if status != c.status || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%q: status %d, %q, %q; want %d, %q", c.args, status, stdout, stderr, c.status, want)
		}
	}
	if left := files(t, "."); left != nil {
		t.Errorf("%q are left", left)
	}
}

func TestInspect(t *testing.T) {
	run := trained(t)
	t.Chdir(t.TempDir())
	for what, want := range map[string]string{
		run: "finished after 1 epochs", filepath.Join(run, "last.safetensors"): "optimizer slots: train.m, train.v",
		filepath.Join(run, "config.toml"): "limit = 2000", "mnist": "train: 60000 rows",
	} {
		if stdout, _ := must(t, "inspect", what); !strings.Contains(stdout, want) {
			t.Errorf("%s: %q; want %q", what, stdout, want)
		}
		var found struct{ Kind string }
		if stdout, _ := must(t, "inspect", what, "--json"); json.Unmarshal([]byte(stdout), &found) != nil || found.Kind == "" {
			t.Errorf("%s: %q", what, stdout)
		}
	}
	if err := os.WriteFile("gaps.csv", []byte("a,b\n1,2\n,4\n5,6\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if stdout, _ := must(t, "inspect", "gaps.csv"); !strings.Contains(stdout, "1 missing value") {
		t.Errorf("%q", stdout)
	}
	if status, stdout, stderr := call("inspect", "nothing"); status != cli.ExitFailed || stdout != "" || strings.Count(stderr, "\n") != 1 {
		t.Errorf("status %d, %q, %q", status, stdout, stderr)
	}
}
