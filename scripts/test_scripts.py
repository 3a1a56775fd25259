#!/usr/bin/env python3
"""Tests of the scripts in this folder; they need neither MNIST nor a GPU, and take seconds.

    python3 scripts/test_scripts.py
"""

from __future__ import annotations

import gzip
import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch
from torch import nn

import golden
import golden_ops
import presets
import torch_ae
import torch_load


class RandomNumbers(unittest.TestCase):
    def test_philox_known_answers(self):
        """kat_vectors of the authors' Random123 library, philox4x32 10."""
        ones = 0xFFFFFFFF
        for key, counter, want in (
            ((0, 0), [0] * 4, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
            ((ones, ones), [ones] * 4, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
            (
                (0xA4093822, 0x299F31D0),
                [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
                [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
            ),
        ):
            got = presets.philox(key, np.array([counter, counter], np.uint32))
            self.assertEqual(got.tolist(), [want, want])

    def test_purpose_is_fnv1a(self):
        for name, want in (("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)):
            self.assertEqual(presets.purpose(name), want, name)

    def test_counter_and_key(self):
        words = presets.random_words(5 << 32 | 7, "x", 6, step=3, row=2)
        block = presets.philox((7, 5), np.array([1, 2, 3, presets.purpose("x")], np.uint32))
        self.assertEqual(words[4:].tolist(), block[:2].tolist())

    def test_uniform(self):
        values = presets.uniform(1, "test", 10_001, 0.25)
        self.assertEqual(values.dtype, np.float32)
        self.assertTrue(-0.25 <= values.min() < -0.249 and 0.249 < values.max() < 0.25)
        self.assertLess(abs(values.mean()), 0.005)
        zeros = presets.uniform(1, "test", 5, 0)
        self.assertFalse(zeros.any() or np.signbit(zeros).any())


class Networks(unittest.TestCase):
    def test_layers_and_parameters(self):
        for config, encoder, decoder, params in (
            ("fc12", ["Linear", "ReLU"] * 2 + ["Linear"], ["Linear", "ReLU"] * 2 + ["Linear", "Tanh"], 219804),
            ("fc64", ["Linear", "ReLU"] * 2, ["Linear", "ReLU", "Linear", "Sigmoid"], 218192),
            ("fc128", ["Linear", "ReLU"], ["Linear", "Sigmoid"], 201616),
            ("fc3", ["Linear", "Tanh"] * 3 + ["Linear"], ["Linear", "Tanh"] * 3 + ["Linear", "Sigmoid"], 219891),
            (
                "conv",
                ["Conv2d", "ReLU"] * 2 + ["Conv2d"],
                ["ConvTranspose2d", "ReLU"] * 2 + ["ConvTranspose2d", "Sigmoid"],
                210369,
            ),
        ):
            with self.subTest(config):
                net = presets.build(presets.PRESETS[config])
                self.assertEqual([type(m).__name__ for m in net.encoder], encoder)
                self.assertEqual([type(m).__name__ for m in net.decoder], decoder)
                self.assertEqual(sum(p.numel() for p in net.parameters()), params)

    def test_adversarial(self):
        """The networks of the source, 512 wide, and a model file's names."""
        net = presets.build(presets.AAE)
        half = ["Linear", "LeakyReLU", "Linear", "BatchNorm1d", "LeakyReLU", "Linear"]
        self.assertEqual([type(m).__name__ for m in net.encoder], half)
        self.assertEqual([type(m).__name__ for m in net.decoder], [*half, "Sigmoid"])
        self.assertEqual([type(m).__name__ for m in net.discriminator], ["Linear", "LeakyReLU"] * 2 + ["Linear"])
        self.assertEqual(net.encoder[1].negative_slope, 0.2)
        self.assertEqual(sum(p.numel() for p in net.parameters()) + 4 * 512, 1481499)  # with running statistics

    def test_images_of_any_size_come_back(self):
        for image in ([1, 28, 28], [3, 9, 14], [1, 5, 1]):
            for hidden in ([], [4], [4, 3, 2]):
                with self.subTest(image=image, hidden=hidden):
                    bent = {"image": image, "hidden": hidden, "latent": 6, "output": "identity"}
                    net = presets.build({**presets.PRESETS["conv"], **bent})
                    x = torch.rand(2, *image)
                    self.assertEqual(net.encoder(x).shape, (2, 6, 1, 1))
                    self.assertEqual(net(x).shape, x.shape)
                    self.assertNotIsInstance(net.decoder[-1], nn.Sigmoid)

    def test_unknown_names(self):
        for key in ("family", "activation", "output"):
            with self.assertRaisesRegex(ValueError, "want one of"):
                presets.build({**presets.PRESETS["fc12"], key: "nonsense"})

    def test_start_has_the_bounds_of_pytorch(self):
        """PyTorch's own draws reach nearly as far as ours, and no further."""
        torch.manual_seed(1)
        for layer in (nn.Linear(64, 30), nn.Conv2d(8, 5, (3, 4)), nn.ConvTranspose2d(8, 5, (3, 4))):
            weight, bias = presets.bounds(layer, "torch")
            for parameter, bound in ((layer.weight, weight), (layer.bias, bias)):
                largest = max(self.redraw(layer, parameter) for _ in range(20))
                self.assertLessEqual(largest, bound * (1 + 1e-6))
                self.assertGreater(largest, bound * 0.9)
            weight, bias = presets.bounds(layer, "glorot")
            largest = nn.init.xavier_uniform_(layer.weight.detach()).abs().max().item()
            self.assertTrue(weight * 0.98 < largest <= weight * (1 + 1e-6), (largest, weight))
            self.assertEqual(bias, 0)

    @staticmethod
    def redraw(layer: nn.Module, parameter: nn.Parameter) -> float:
        layer.reset_parameters()
        return parameter.detach().abs().max().item()

    def test_start_is_by_name_and_seed(self):
        net = presets.build(presets.PRESETS["conv"])
        presets.start(net, "torch", 3)
        want = presets.uniform(3, "init/decoder.0.weight", 64 * 32 * 49, 1 / (32 * 49) ** 0.5)
        self.assertTrue(np.array_equal(net.decoder[0].weight.detach().numpy().reshape(-1), want))


class Data(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4) * 11
        self.idx = bytes([0, 0, 8, 3]) + np.array([2, 3, 4], ">u4").tobytes() + self.pixels.tobytes()

    def test_plain_and_gzip(self):
        for name, content in (("a", self.idx), ("b.gz", gzip.compress(self.idx))):
            path = self.folder / name
            path.write_bytes(content)
            self.assertEqual(presets.find(self.folder, name.split(".")[0]), path)
            self.assertTrue(np.array_equal(presets.read_idx(path), self.pixels))

    def test_broken(self):
        for content in (b"", b"\0\0\x0b\3" + self.idx[4:], self.idx[:-1], self.idx + b"x", self.idx[:9]):
            path = self.folder / "broken"
            path.write_bytes(content)
            with self.assertRaises(ValueError):
                presets.read_idx(path)
        with self.assertRaises(FileNotFoundError):
            presets.find(self.folder, "none")

    def test_ranges_and_shapes(self):
        (self.folder / "train-images-idx3-ubyte").write_bytes(self.idx)
        for model, low, shape in (("fc12", -1, (2, 12)), ("fc64", 0, (2, 12)), ("conv", 0, (2, 1, 3, 4))):
            images = presets.load_images(self.folder, "train", {**presets.PRESETS[model], "image": [1, 3, 4]})
            self.assertEqual((tuple(images.shape), images.dtype), (shape, torch.float32))
            want = self.pixels.reshape(-1) / 255 * (1 - low) + low
            self.assertLess(np.abs(images.numpy().reshape(-1) - want).max(), 1e-6)
        with self.assertRaisesRegex(ValueError, "1x3x4"):
            presets.load_images(self.folder, "train", presets.PRESETS["fc12"])


class ModelFiles(unittest.TestCase):
    def test_round_trip(self):
        config = {**presets.PRESETS["fc64"], "hidden": [9, 5], "latent": 3, "activation": "leakyrelu"}
        net = presets.build(config)
        presets.start(net, "torch", 2)
        tensors = {name: value.numpy() for name, value in net.state_dict().items()}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            path.write_bytes(golden.encode_safetensors(tensors, {"config": json.dumps(config)}))
            self.assertEqual(torch_load.read_header(path)[1] % 8, 0)
            for name, value in torch_load.read_tensors(path).items():
                self.assertTrue(np.array_equal(value.numpy(), tensors[name]), name)
            loaded, got = torch_load.load(path)
        self.assertEqual(got, config)
        x = torch.rand(4, 784)
        self.assertTrue(torch.equal(net(x), loaded.net(x)))

    def test_a_lacking_tensor_is_an_error(self):
        config = presets.PRESETS["fc128"]
        tensors = {name: value.numpy() for name, value in presets.build(config).state_dict().items()}
        del tensors["encoder.0.bias"]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            path.write_bytes(golden.encode_safetensors(tensors, {"config": json.dumps(config)}))
            with self.assertRaisesRegex(RuntimeError, "encoder.0.bias"):
                torch_load.load(path)


class GoldenOps(unittest.TestCase):
    def test_cases(self):
        """Names differ, and no activation of a layer is so near its knee that float32 could fall on
        the other side."""
        cases = golden_ops.cases()
        names = [(case["op"], case["name"]) for case in cases]
        self.assertEqual(len(names), len(set(names)))
        for case in cases:
            if case["op"] in ("linear", "conv2d", "convtranspose2d"):
                inputs = {k: torch.tensor(v["data"]).double().reshape(v["shape"]) for k, v in case["inputs"].items()}
                attrs = {**case["attrs"], "activation": "identity"}
                z = golden_ops.OPS[case["op"]](**inputs, **attrs)
                self.assertGreater(z.abs().min().item(), 1e-5, case["name"])

    def test_padded_rows_have_no_part(self):
        for case in golden_ops.cases():
            if "pred" in case["grads"]:
                rows = case["inputs"]["weights"]["data"]
                grads = np.reshape(case["grads"]["pred"]["data"], (len(rows), -1))
                self.assertFalse(grads[np.array(rows) == 0].any(), case["name"])


class Training(unittest.TestCase):
    def test_the_loss_falls(self):
        for name in ("fc12", "conv", "vae", "conv-vae", "aae", "denoise"):
            config = torch_ae.CONFIGS[name]
            x = torch.rand(150, 784).reshape(150, *([1, 28, 28] if config["family"] == "conv" else [784]))
            trainer = torch_ae.Trainer(config, x, 64, "eager", 1)
            first, *_, last = (trainer.epoch() for _ in range(4))
            self.assertLess(last, first)


if __name__ == "__main__":
    unittest.main()
