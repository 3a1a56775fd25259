#!/usr/bin/env python3
"""Holds `aegis export torch` to PyTorch: of a run of each family model.py loads the parameters
strictly, its codes, rows and scores are those of the command, and what it saves comes back through
`aegis import` to the bit. It needs Go, NumPy and PyTorch, and takes a minute.

    python3 scripts/test_export.py
"""

from __future__ import annotations

import csv
import importlib.util
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = 1e-5  # of values near 1; of scores it is relative

IMAGES, VECTORS, TABLE = "images.npz", "vectors.npy", "lines.csv"

# Each run: its name, data, and the flags of its network, which import reads too.
NETWORKS = (
    ("fc12", IMAGES, ["--model", "fc12", "--hidden", "20,16", "--latent", "5"]),
    ("fc64-bce", IMAGES, ["--model", "fc64", "--loss", "bce"]),
    ("huber", IMAGES, ["--model", "fc128", "--loss", "huber", "--activation", "gelu", "--latent", "9"]),
    ("sparse", IMAGES, ["--model", "fc64", "--sparse", "topk:7", "--dropout", "0.1"]),
    ("fc3", IMAGES, ["--model", "fc3", "--activation", "exp:0.1", "--loss", "mae"]),
    ("deep30", IMAGES, ["--model", "deep30", "--hidden", "30,20", "--activation", "elu:0.7", "--batch-norm"]),
    ("conv", IMAGES, ["--model", "conv", "--hidden", "4,6", "--latent", "7"]),
    ("conv-sparse", IMAGES, ["--model", "conv", "--hidden", "5", "--sparse", "topk:3", "--batch-norm"]),
    ("denoise", IMAGES, ["--model", "conv", "--corrupt", "gaussian:0.5", "--output", "tanh"]),
    ("vae", IMAGES, ["--model", "vae", "--hidden", "30", "--latent", "4"]),
    ("vae-gaussian", IMAGES, ["--model", "vae", "--likelihood", "gaussian:0.2", "--batch-norm"]),
    ("conv-vae", IMAGES, ["--model", "conv-vae", "--hidden", "4,8,16", "--latent", "3"]),
    ("cvae", IMAGES, ["--model", "cvae", "--hidden", "30", "--latent", "4"]),
    ("conv-cvae", IMAGES, ["--model", "conv-vae", "--hidden", "4,8,16", "--condition", "labels"]),
    ("aae", IMAGES, ["--model", "aae", "--hidden", "24,20", "--latent", "2", "--prior", "mixture:5"]),
    ("vectors", VECTORS, ["--model", "table", "--hidden", "12", "--latent", "3"]),
    ("learned", VECTORS, ["--model", "vae", "--hidden", "12", "--likelihood", "gaussian:learned", "--output", "identity"]),
    ("table", TABLE, ["--model", "table", "--hidden", "12", "--latent", "3"]),
    ("windows", TABLE, ["--model", "table", "--hidden", "12", "--latent", "3"]),
)


def module(folder: Path):
    """The model.py of a folder."""
    spec = importlib.util.spec_from_file_location(f"exported_{folder.name}_{id(folder)}", folder / "model.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.command = cls.folder / "aegis"
        subprocess.run(["go", "build", "-o", str(cls.command), "./cmd/aegis"], cwd=ROOT, check=True)
        draw = np.random.default_rng(1)
        cls.images = draw.integers(0, 256, (200, 13, 10), dtype=np.uint8)
        cls.labels = (np.arange(200) % 3).astype(np.uint8)
        np.savez(cls.folder / IMAGES, x_train=cls.images, y_train=cls.labels)
        cls.vectors = (draw.standard_normal((300, 3)) @ draw.standard_normal((3, 8)) * 5 + 2).astype(np.float32)
        cls.vectors[:, 5] = 7  # a column that is constant
        np.save(cls.folder / VECTORS, cls.vectors)
        with (cls.folder / TABLE).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["a", 'b"""', "<c>", "d\\", "e", "f", "g", "h"])
            writer.writerows(cls.vectors.tolist())

    def aegis(self, *args: str) -> str:
        run = subprocess.run([str(self.command), *args], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, f"{args}: {run.stderr}")
        return run.stdout

    def near(self, got: torch.Tensor, want: np.ndarray, relative: float = 0.0):
        got = got.detach().numpy().reshape(want.shape)
        self.assertLessEqual((np.abs(got - want) - relative * np.abs(want)).max(), TOLERANCE)

    def test_networks(self):
        for name, data, flags in NETWORKS:
            with self.subTest(name):
                more = ["--window", "5:2"] if name == "windows" else []
                self.aegis("train", "--data", data, "--epochs", "2", "--out", name, "--quiet", *flags, *more)
                self.check(name, data, flags)

    def check(self, name: str, data: str, flags: list[str]):
        rows = ["--data", data, "--quiet", *(["--set", "train"] if data == IMAGES else [])]
        self.aegis("detect", name, *rows, "--calibrate", data, "--out", f"{name}.csv")
        self.aegis("export", "torch", name)
        exported = module(self.folder / name / "torch")
        net = exported.load()
        given = torch.from_numpy(self.images if data == IMAGES else self.vectors)
        labels = (torch.from_numpy(self.labels),) if hasattr(exported, "CLASSES") else ()
        with (self.folder / f"{name}.csv").open() as file:
            scores = np.array([float(line["score"]) for line in csv.DictReader(file)])
        self.near(net.score(given, *labels), scores, 1e-5)
        if name == "windows":
            given = torch.stack([given[at : at + 5].flatten() for at in range(0, 296, 2)])
        with torch.no_grad():
            values = net.scaled(given)
            self.aegis("encode", name, *rows, "--out", f"{name}-codes.npy")
            codes = np.load(self.folder / f"{name}-codes.npy")
            self.near(net.encode(values, *labels), codes, 1e-5)
            self.aegis("reconstruct", name, *rows, "--out", f"{name}-rows.npy")
            rebuilt = np.load(self.folder / f"{name}-rows.npy")
            out = net(values, *labels)
            if rebuilt.dtype != np.uint8:
                out = net.unscaled(out) if data != IMAGES else out
                self.near(out, rebuilt.reshape(out.shape), 1e-5)
            else:
                self.assertLessEqual(np.abs(net.unscaled(out).numpy().reshape(rebuilt.shape).astype(int) - rebuilt).max(), 1)
        self.comes_back(name, data, flags, exported, net)

    def comes_back(self, name: str, data: str, flags: list[str], exported, net):
        saved = self.folder / f"{name}.safetensors"
        exported.save(net, saved)
        shape = "x".join(map(str, exported.ROW))
        classes = ["--classes", str(exported.CLASSES)] if hasattr(exported, "CLASSES") else []
        output = [] if "--output" in flags or data == IMAGES else ["--output", "identity"]
        self.aegis("import", str(saved), "--image", shape, "--out", f"{name}-again", *classes, *flags, *output)
        ours = exported.read(self.folder / name / "model.safetensors")
        again = exported.read(self.folder / f"{name}-again" / "model.safetensors")
        self.assertEqual(ours.keys(), again.keys())
        for key, tensor in ours.items():
            self.assertTrue(torch.equal(tensor.view(torch.int32), again[key].view(torch.int32)), key)
        written = exported.read(self.folder / name / "torch" / "model.safetensors")
        self.assertEqual(written.keys(), net.state_dict().keys())

    def test_one_wrong_parameter_is_seen(self):
        self.aegis("train", "--data", VECTORS, "--model", "table", "--epochs", "1", "--out", "wrong", "--quiet")
        self.aegis("export", "torch", "wrong", "-o", "wrong-torch")
        exported = module(self.folder / "wrong-torch")
        net = exported.load()
        tensors = exported.read(self.folder / "wrong-torch" / "model.safetensors")
        del tensors["encoder.0.bias"]
        with self.assertRaisesRegex(RuntimeError, "encoder.0.bias"):
            net.load_state_dict(tensors, strict=True)


if __name__ == "__main__":
    unittest.main()
