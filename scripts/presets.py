#!/usr/bin/env python3
"""The presets of `train` in PyTorch, with their data and their first parameters.

The other scripts import this module. A network is described by a config: the
JSON object under the key "config" in the metadata of a model file. So a preset
and a model that somebody bent with flags are built in the same way.

Parameters start from the same counter-based random numbers as the Go trainer's,
so that under one seed both sides begin with the same bits.

Shapes: B batch, C,H,W an image, P = C*H*W its pixels, Z a code.

Run as a program it prints every preset with its number of parameters.
"""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

DEFAULT_DATA = Path(__file__).resolve().parent.parent / "data" / "mnist"

# ---------------------------------------------------------------- presets


def _preset(model: str, **changes) -> dict:
    """A config with its hyper-parameters; what is not changed is the common start."""
    config = {
        "model": model,
        "family": "fc",
        "image": [1, 28, 28],
        "activation": "relu",
        "activate_code": False,
        "output": "sigmoid",
        "loss": "mse",
        "init": "torch",
        "optimizer": "adam",
        "lr": 1e-3,
        "schedule": "constant",
        "batch": 64,
        "epochs": 5,
    }
    return {**config, **changes}


PRESETS = {
    config["model"]: config
    for config in (
        _preset("fc12", hidden=[128, 64], latent=12, output="tanh"),
        _preset("fc64", hidden=[128], latent=64, activate_code=True),
        _preset("fc128", hidden=[], latent=128, activate_code=True, init="glorot", batch=256, epochs=50),
        _preset("fc3", hidden=[128, 64, 12], latent=3, activation="tanh", lr=5e-3, epochs=10),
        _preset("deep30", hidden=[1000, 500, 250], latent=30, activation="elu", schedule="cosine", batch=128, epochs=20),
        _preset("conv", family="conv", hidden=[16, 32], latent=64),
        _preset("table", hidden=[256, 128], latent=10, activation="gelu", lr=4e-3, schedule="cosine", batch=256, epochs=15),
    )
}

# Of three updates a step: golden_aae.py has them.
AAE = _preset(
    "aae", hidden=[512, 512], latent=10, activation="leakyrelu:0.2", batch_norm=True, prior="normal",
    discriminator=[512, 256], lr=2e-4, beta1=0.5, batch=128, epochs=20,
)

# ---------------------------------------------------------------- networks

# None stands for the identity: no module, so that it takes no index.
ACTIVATIONS: dict[str, Callable[[], nn.Module] | None] = {
    "identity": None,
    "relu": nn.ReLU,
    "leakyrelu": lambda: nn.LeakyReLU(0.01),
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "elu": nn.ELU,
    "gelu": nn.GELU,  # exact, with erf
}

# Means over every pixel of every image. In training the Go side computes bce
# from logits; on probabilities it is the same number.
LOSSES: dict[str, Callable] = {
    "mse": F.mse_loss,
    "mae": F.l1_loss,
    "huber": F.huber_loss,  # delta 1
    "bce": F.binary_cross_entropy,
}


# The learning rate of each step of all, as factors of the first.
SCHEDULES: dict[str, Callable] = {
    "constant": lambda optimizer, steps: torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0),
    "cosine": torch.optim.lr_scheduler.CosineAnnealingLR,  # to zero
}


def choose(table: dict, key: str, what: str):
    """table[key], or an error that lists what there is."""
    if key not in table:
        raise ValueError(f"presets: unknown {what} {key!r}; want one of {', '.join(sorted(table))}")
    return table[key]


def activation(name: str) -> Callable[[], nn.Module] | None:
    """A module by its name, which may have leakyrelu's slope behind a colon."""
    kind, _, slope = name.partition(":")
    if slope and kind == "leakyrelu":
        return lambda: nn.LeakyReLU(float(slope))
    return choose(ACTIVATIONS, name, "activation")


class Autoencoder(nn.Module):
    """Images (B,P), or (B,C,H,W) for convolutions, to images of the same shape. An adversarial one
    has a discriminator of codes beside it."""

    def __init__(self, encoder: nn.Sequential, decoder: nn.Sequential, discriminator: nn.Sequential | None = None):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        if discriminator is not None:
            self.discriminator = discriminator

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.encoder(x))


def build(config: dict) -> Autoencoder:
    """The network of a config. Its parameters start as PyTorch likes; see `start`."""
    layers = choose({"fc": fully_connected, "conv": convolutional}, config["family"], "family")
    encoder, decoder = layers(config["image"], config["hidden"] or [], config["latent"])  # null: none
    hidden, output = activation(config["activation"]), activation(config["output"])
    code = hidden if config["activate_code"] else None
    norm, adversarial = config.get("batch_norm", False), "prior" in config
    halves = [sequential(encoder, hidden, code, norm, adversarial), sequential(decoder, hidden, output, norm, adversarial)]
    if adversarial:
        widths = [config["latent"], *(config.get("discriminator") or [512, 256]), 1]
        halves.append(sequential([nn.Linear(*pair) for pair in zip(widths, widths[1:])], hidden, None))
    return Autoencoder(*halves)


def batch_norm(layer: nn.Module) -> nn.Module:
    """Batch norm of what a layer gives."""
    if isinstance(layer, nn.Linear):
        return nn.BatchNorm1d(layer.out_features)
    return nn.BatchNorm2d(layer.out_channels)


def sequential(layers: list[nn.Module], hidden, last, norm: bool = False, adversarial: bool = False) -> nn.Sequential:
    """Each layer with its activation behind it, where it has one, and batch norm before that of a hidden
    one, in an adversarial network but for the first."""
    modules = []
    for i, layer in enumerate(layers):
        modules.append(layer)
        if norm and i < len(layers) - 1 and not (adversarial and i == 0):
            modules.append(batch_norm(layer))
        activation = last if i == len(layers) - 1 else hidden
        if activation is not None:
            modules.append(activation())
    return nn.Sequential(*modules)


def fully_connected(image, hidden, latent):
    """P -> hidden... -> Z, and the way back."""
    widths = [math.prod(image), *hidden, latent]
    pairs = list(zip(widths, widths[1:]))
    return [nn.Linear(a, b) for a, b in pairs], [nn.Linear(b, a) for a, b in reversed(pairs)]


def convolutional(image, hidden, latent):
    """A halving 3x3 convolution for each hidden channel count, one kernel over what is left
    to a code (Z,1,1), and the way back, where an output padding restores even sizes."""
    shapes = [tuple(image)]
    for channels in hidden:
        _, height, width = shapes[-1]
        shapes.append((channels, (height + 1) // 2, (width + 1) // 2))
    channels, *rest = shapes[-1]
    encoder = [nn.Conv2d(a[0], b[0], 3, stride=2, padding=1) for a, b in zip(shapes, shapes[1:])]
    decoder = [
        nn.ConvTranspose2d(b[0], a[0], 3, stride=2, padding=1, output_padding=(1 - a[1] % 2, 1 - a[2] % 2))
        for a, b in reversed(list(zip(shapes, shapes[1:])))
    ]
    return (
        [*encoder, nn.Conv2d(channels, latent, tuple(rest))],
        [nn.ConvTranspose2d(latent, channels, tuple(rest)), *decoder],
    )


def mean_loss(net: nn.Module, loss: Callable, images: torch.Tensor, batch: int = 1000) -> float:
    """loss(x) over all images, in batches so that it needs little memory."""
    net.eval()
    with torch.no_grad():
        total = sum(loss(x).double() * len(x) for x in images.split(batch))
    return total.item() / len(images)


# ---------------------------------------------------------------- random numbers


def philox(key: tuple[int, int], counter: np.ndarray) -> np.ndarray:
    """Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3"
    (SC 2011): counters (..., 4) to words (..., 4), both uint32."""
    low, high = np.uint64(0xFFFFFFFF), np.uint64(32)
    c0, c1, c2, c3 = (counter[..., i].astype(np.uint64) for i in range(4))
    k0, k1 = key
    for _ in range(10):
        p0, p1 = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)  # 32 x 32 = 64 bits
        c0, c1 = (p1 >> high) ^ c1 ^ np.uint64(k0), p1 & low
        c2, c3 = (p0 >> high) ^ c3 ^ np.uint64(k1), p0 & low
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)


def purpose(name: str) -> int:
    """FNV-1a, 32 bits: what random numbers are for, such as "init/encoder.0.weight"."""
    h = 2166136261
    for byte in name.encode():
        h = (h ^ byte) * 16777619 & 0xFFFFFFFF
    return h


def random_words(seed: int, name: str, n: int, step: int = 0, row: int = 0) -> np.ndarray:
    """n words of 32 random bits: index i is word i%4 of counter (i//4, row, step, purpose)
    under the key (low word of the seed, high word)."""
    counter = np.empty(((n + 3) // 4, 4), np.uint32)
    counter[:, 0] = np.arange(len(counter), dtype=np.uint32)
    counter[:, 1:] = row, step, purpose(name)
    return philox((seed & 0xFFFFFFFF, seed >> 32), counter).reshape(-1)[:n]


def uniform(seed: int, name: str, n: int, bound: float) -> np.ndarray:
    """n float32 in [-bound, bound), or zeros. 2u-1 is exact, so there is one rounding."""
    if bound == 0:
        return np.zeros(n, np.float32)  # a product would have negative zeros
    u = (random_words(seed, name, n) >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)
    return (np.float32(2) * u - np.float32(1)) * np.float32(bound)


# ---------------------------------------------------------------- first parameters


def bounds(layer: nn.Module, init: str) -> tuple[float, float]:
    """Bounds of the uniform start of a layer's weights and biases.

    "torch" is PyTorch's own rule (kaiming_uniform_ with a = sqrt(5)), 1/sqrt(fan_in) for both,
    where fan_in is weight.size(1) * kH*kW:

        Linear           (out, in)      in
        Conv2d           (O, I, kH, kW) I*kH*kW
        ConvTranspose2d  (I, O, kH, kW) O*kH*kW, though O counts its outputs

    "glorot" is xavier_uniform_, sqrt(6/(fan_in + fan_out)) with fan_out = weight.size(0) * kH*kW;
    biases are zero, as in Keras (Glorot and Bengio 2010).
    """
    fan_in = layer.weight[0].numel()
    fan_out = layer.weight[:, 0].numel()
    if init == "torch":
        return 1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in)
    if init == "glorot":
        return math.sqrt(6 / (fan_in + fan_out)), 0.0
    raise ValueError(f"presets: unknown init {init!r}; want torch or glorot")


def start(net: Autoencoder, init: str, seed: int) -> None:
    """Gives every parameter the values with which the Go trainer starts under this seed:
    `uniform` of purpose "init/<parameter>"."""
    with torch.no_grad():
        for name, layer in net.named_modules():
            if not isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
                continue
            for part, bound in zip(("weight", "bias"), bounds(layer, init)):
                parameter = getattr(layer, part)
                values = uniform(seed, f"init/{name}.{part}", parameter.numel(), bound)
                parameter.copy_(torch.from_numpy(values).view_as(parameter))


# ---------------------------------------------------------------- data


def read_idx(path: Path) -> np.ndarray:
    """An IDX file of unsigned bytes, plain or in gzip (Y. LeCun, "The MNIST database"): two zero
    bytes, the element type, the number of dimensions, each as a big-endian uint32, the elements."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise ValueError(f"presets: {path}: not an IDX file of unsigned bytes; check that it is the right one")
    rank = content[3]
    head = 4 + 4 * rank
    dims = np.frombuffer(content[4:head], ">u4").astype(int).tolist()
    want = head + math.prod(dims)
    if len(dims) != rank or len(content) != want:
        raise ValueError(f"presets: {path}: {len(content)} bytes; want {want}; get the file again")
    return np.frombuffer(content, np.uint8, offset=head).reshape(dims)


def find(directory: Path, name: str) -> Path:
    """The file name, or name.gz, in a directory."""
    for path in (directory / name, directory / (name + ".gz")):
        if path.exists():
            return path
    raise FileNotFoundError(f"presets: neither {name} nor {name}.gz in {directory}; name MNIST's folder with --data")


def pixel_range(config: dict) -> tuple[float, float]:
    """What the bytes 0 and 255 become: [-1,1] for a tanh output, else [0,1]."""
    return (-1.0, 1.0) if config["output"] == "tanh" else (0.0, 1.0)


def load_images(directory: Path, part: str, config: dict, limit: int | None = None) -> torch.Tensor:
    """Images of a part of MNIST, "train" or "t10k", in the order of the file, as the config's
    network takes them: float32 (N,P), or (N,C,H,W) for convolutions."""
    path = find(Path(directory), f"{part}-images-idx3-ubyte")
    content = read_idx(path)
    channels, height, width = config["image"]
    if content.ndim != 3 or channels != 1 or content.shape[1:] != (height, width):
        got = "x".join(map(str, (1, *content.shape[1:])))
        raise ValueError(f"presets: {path}: images of {got}; the network wants {channels}x{height}x{width}")
    low, high = map(np.float32, pixel_range(config))
    pixels = content[:limit].astype(np.float32) * ((high - low) / np.float32(255)) + low
    shape = (1, height, width) if config["family"] == "conv" else (-1,)
    return torch.from_numpy(pixels).reshape(len(pixels), *shape)


def main() -> None:
    for config in PRESETS.values():
        params = sum(p.numel() for p in build(config).parameters())
        print(json.dumps({**config, "pixels": pixel_range(config), "params": params}))


if __name__ == "__main__":
    main()
