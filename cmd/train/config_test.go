package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRepeats trains, and again by the configuration that the run left, from
// another directory and on other threads: the model and the state are the same
// to the byte.
func TestRepeats(t *testing.T) {
	digits, rows, pictures := folder(t), lines(t), images(t)
	initial := filepath.Join(t.TempDir(), "initial")
	must(t, "--model", "conv", "--data", digits, "--latent", "5", "--epochs", "1", "--quiet", "--out", initial)
	for name, args := range map[string]string{
		"fc12": "--data D --val 20% --test-limit 5 --limit 32 --seed 18446744073709551615 --lr 0.002 --hidden 9,7 --latent 3 --activation gelu",
		"fc64": "--model fc64 --data D --activation sigmoid --sparse kl:0.05:1e-3 --loss bce --code-l2 1e-4 --l1 1e-5 --l2 1e-4 --hidden none",
		"sgd":  "--model fc3 --data D --optimizer sgd --momentum 0.5 --schedule cosine --batch-norm --dropout 0.25 --corrupt mask:0.3 --loss huber",
		"conv": "--model conv --data D --latent 5 --init I --val 4",
		"vae":  "--model vae --data D --likelihood gaussian:learned --beta 0.5 --kl-warmup 1.5 --free-bits 0.125 --schedule cosine",
		"cvae": "--model cvae --data D --binarize dynamic --scale minmax",
		"aae":  "--model aae --data D --prior mixture:3 --latent 2 --discriminator 9,8 --beta1 0.6 --normal-class 1",

		"a table":      "--data T --header yes --delimiter ; --label kind --drop c --impute median --test-split 10% --val 8 --scale minmax --latent 2",
		"named":        "--data T --columns a,colour --label kind --normal-class x --model fc3 --latent 2",
		"windows":      "--data T --columns a,b --impute mean --window 8:2 --decimal . --test-split 20% --latent 2",
		"conditional":  "--model cvae --data T --columns a,b --impute mean --label kind --likelihood gaussian:1 --binarize none --latent 2",
		"pictures":     "--data P --size 6x8 --fit pad --gray --strict --latent 2",
		"own pictures": "--data P --latent 2 --model conv --output tanh",
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			t.Chdir(root)
			words := strings.Fields(args)
			for i, word := range words {
				for letter, path := range map[string]string{"D": digits, "T": rows, "P": pictures, "I": initial} {
					if word == letter {
						near, err := filepath.Rel(root, path)
						if err != nil {
							t.Fatal(err)
						}
						words[i] = near
					}
				}
			}
			first, again := filepath.Join(root, "first"), filepath.Join(root, "again")
			must(t, append(words, "--quiet", "--epochs", "2", "--batch", "8", "--threads", "1", "--device", "cpu", "--out", first)...)
			t.Chdir(t.TempDir())
			must(t, "--config", filepath.Join(first, "config.toml"), "--threads", "2", "--device", "auto", "--quiet", "--out", again)
			for _, name := range []string{"model.safetensors", "last.safetensors"} {
				if !bytes.Equal(content(t, filepath.Join(first, name)), content(t, filepath.Join(again, name))) {
					t.Errorf("%s differs", name)
				}
			}
		})
	}
}

func must(t *testing.T, args ...string) {
	t.Helper()
	if code, _, stderr := train(context.Background(), args...); code != 0 {
		t.Fatalf("%q: exit %d: %s", args, code, stderr)
	}
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// lines writes a table with numbers, some of which are missing, categories and
// classes.
func lines(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("a;b;c;colour;kind\n")
	for i := range 80 {
		missing := fmt.Sprintf("%.3f", 100*math.Cos(float64(3*i)))
		if i%9 == 4 {
			missing = ""
		}
		fmt.Fprintf(&b, "%.4f;%s;%d;%s;%s\n", math.Sin(float64(i)), missing, i, []string{"red", "green", "blue"}[i%3], []string{"x", "y"}[i/5%2])
	}
	path := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// images writes a folder of coloured images.
func images(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for i := range 16 {
		m := image.NewRGBA(image.Rect(0, 0, 12, 8))
		for j := range 12 * 8 {
			m.Set(j%12, j/12, color.RGBA{uint8(i * 16), uint8(j * 2), uint8(i * j), 255})
		}
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.png", i)), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestOwnFile trains by a file of a few lines.
func TestOwnFile(t *testing.T) {
	dir := folder(t)
	t.Chdir(t.TempDir())
	text := "model = \"fc64\"\nlatent = 16\nepochs = 1\nlr = 0.002\nout = \"runs/own\"\nquiet = true\n"
	if err := os.WriteFile("run.toml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := train(context.Background(), "--config", "run.toml", "--data", dir)
	if code != 0 || stdout+stderr != "" {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	written := string(content(t, filepath.Join("runs", "own", "config.toml")))
	for _, want := range []string{"model = \"fc64\"", "latent = 16", "epochs = 1", "lr = 0.002", "hidden = [128]"} {
		if !strings.Contains(written, want+"\n") {
			t.Errorf("want %s in\n%s", want, written)
		}
	}
	if strings.Contains(written, "\nout =") {
		t.Errorf("config.toml has where the run went:\n%s", written)
	}
	code, _, stderr = train(context.Background(), "--config", "run.toml", "--data", dir)
	if code == 0 || !strings.Contains(stderr, "runs/own") {
		t.Errorf("a second time: exit %d: %s", code, stderr)
	}
	must(t, "--config", "run.toml", "--data", dir, "--model", "conv", "--out", "runs/conv")
	if written := string(content(t, filepath.Join("runs", "conv", "config.toml"))); !strings.Contains(written, "family = \"conv\"\n") || !strings.Contains(written, "latent = 16\n") {
		t.Errorf("as conv:\n%s", written)
	}
}

// TestConfig repeats a run from the configuration that it left.
func TestConfig(t *testing.T) {
	dir, root := folder(t), t.TempDir()
	first, again := filepath.Join(root, "first"), filepath.Join(root, "again")
	args := []string{"--model", "conv", "--data", dir, "--epochs", "1", "--seed", "18446744073709551615", "--val", "20%", "--latent", "5", "--quiet", "--out", first}
	if code, _, stderr := train(context.Background(), args...); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	config := filepath.Join(first, "config.toml")
	if code, _, stderr := train(context.Background(), "--config", config, "--quiet", "--out", again); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var models [2][]byte
	for i, out := range []string{first, again} {
		var err error
		if models[i], err = os.ReadFile(filepath.Join(out, "model.safetensors")); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(models[0], models[1]) {
		t.Error("the second model differs")
	}
	for want, args := range map[string][]string{
		"says all of a network, conv": {"--config", config, "--model", "fc12"},
		"no such file":                {"--config", filepath.Join(root, "none")},
		"learning rate -0.5":          {"--config", config, "--lr", "-0.5"},
	} {
		if code, _, stderr := train(context.Background(), args...); code != 2 || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exit %d, %q", args, code, stderr)
		}
	}
}
