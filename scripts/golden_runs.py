"""Regularised networks in training, in PyTorch in float64: the specs that
internal/vm/vmtest/regular.go builds; golden.py writes their file.

Five steps over 13 rows in batches of 5, so that the third is short, then two more from the first
row on. Values of row r are the bytes (37*(r*P + p)) mod 256. Noise is drawn as data/philox does.

Tensors, each behind the network's name and a slash: losses (5, terms), the loss and the penalties
of each step, before its update; every parameter and running statistic after the last step; test,
the loss over all rows and where they are corrupted that of clean ones too.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

import golden_program
import presets

SEED = golden_program.SEED
ROWS, BATCH, EPOCHS = 13, 5, 2

_fc = {"family": "fc", "image": [1, 5, 7], "hidden": [17, 9], "latent": 3, "activation": "tanh", "output": "sigmoid"}
_conv = {"family": "conv", "image": [2, 6, 5], "hidden": [5, 18], "latent": 4, "activation": "leakyrelu", "output": "sigmoid"}

NETWORKS = {
    "dropout": {**_fc, "dropout": 0.25},
    "dropout relu": {**_fc, "dropout": 0.25, "activation": "relu"},
    "conv dropout": {**_conv, "dropout": 0.25},
    "dropout and batch norm": {**_conv, "dropout": 0.25, "batch_norm": True},
    "gaussian": {**_conv, "corrupt": "gaussian:0.5"},
    "mask": {**_fc, "corrupt": "mask:0.25"},
    "mask tanh": {**_conv, "corrupt": "mask:0.25", "output": "tanh"},
    "salt and pepper": {**_fc, "corrupt": "saltpepper:0.25"},
    "l1 code": {**_fc, "sparse": "l1:0.01"},
    "rate": {**_fc, "sparse": "kl:0.125:0.05", "activation": "sigmoid", "activate_code": True},
    "top": {**_conv, "sparse": "topk:2"},
    "small code": {**_conv, "code_l2": 0.05},
    "decay": {**_fc, "l1": 0.001, "l2": 0.002},
    "cosine": {**_fc, "optimizer": "adam", "lr": 0.01, "schedule": "cosine"},
}


def bernoullis(purpose: str, step: int, shape: tuple, chance: float) -> torch.Tensor:
    words = golden_program.words(purpose, step, shape[0], math.prod(shape[1:]))[:, : math.prod(shape[1:])]
    return torch.from_numpy((words < round(chance * 2**24)).astype(np.float64)).reshape(shape)


def corrupted(config: dict, x: torch.Tensor, step: int, purpose: str = "corrupt", side: str = "corrupt/side") -> torch.Tensor:
    """What the network reads in place of x."""
    low, high = presets.pixel_range(config)
    kind, _, number = config.get("corrupt", "").partition(":")
    if kind == "gaussian":
        noise = golden_program.normals(purpose, step, len(x), x[0].numel()).reshape(x.shape)
        return (x + float(number) * (high - low) * noise).clamp(low, high)
    if kind == "mask" and low == 0:
        return x * bernoullis(purpose, step, x.shape, 1 - float(number))
    if kind == "mask":
        return torch.where(bernoullis(purpose, step, x.shape, float(number)) == 1, low, x)
    if kind == "saltpepper":
        value = low + (high - low) * bernoullis(side, step, x.shape, 0.5)
        return torch.where(bernoullis(purpose, step, x.shape, float(number)) == 1, value, x)
    return x


def half(net: nn.Sequential, name: str, x: torch.Tensor, dropout: float, step: int) -> torch.Tensor:
    """A half of the network; while training values of hidden layers are dropped."""
    starts = [i for i, module in enumerate(net) if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d))]
    for start, end in zip(starts, [*starts[1:], len(net)]):
        x = net[start:end](x)
        if dropout > 0 and end < len(net):
            x = x * bernoullis(f"dropout/{name}.{start}", step, x.shape, 1 - dropout) / (1 - dropout)
    return x


def through(net: nn.Module, config: dict, x: torch.Tensor, step: int, training: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """What is rebuilt of x, and the code."""
    dropout = config.get("dropout", 0) if training else 0
    code = half(net.encoder, "encoder", x, dropout, step)
    if config.get("sparse", "").startswith("topk"):
        kept = code.flatten(1).topk(int(config["sparse"].split(":")[1]), dim=1).indices
        code = code * torch.zeros_like(code).flatten(1).scatter(1, kept, 1.0).reshape(code.shape)
    return half(net.decoder, "decoder", code, dropout, step), code.flatten(1)


def penalties(config: dict, code: torch.Tensor) -> list[torch.Tensor]:
    kind, *numbers = config.get("sparse", "").split(":")
    terms = []
    if kind == "l1":
        terms.append(float(numbers[0]) * code.abs().sum(1).mean())
    if kind == "kl":
        rate, mean = float(numbers[0]), code.mean(0)
        divergence = rate * (rate / mean).log() + (1 - rate) * ((1 - rate) / (1 - mean)).log()
        terms.append(float(numbers[1]) * divergence.sum())
    if "code_l2" in config:
        terms.append(config["code_l2"] / 2 * code.square().sum(1).mean())
    return terms


def decay(net: nn.Module, config: dict) -> None:
    """Adds the gradient of the penalty on weights."""
    for module in net.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            w = module.weight
            w.grad += config.get("l1", 0) * w.detach().sign() + 2 * config.get("l2", 0) * w.detach()


def train(name: str) -> dict[str, np.ndarray]:
    config = {"activate_code": False, **NETWORKS[name]}
    net = presets.build(config).double()
    presets.start(net, "torch", SEED)
    width = math.prod(config["image"])
    low, high = map(np.float32, presets.pixel_range(config))
    pixels = (37 * np.arange(ROWS * width) % 256).astype(np.float32) * ((high - low) / np.float32(255)) + low
    shape = (ROWS, width) if config["family"] == "fc" else (ROWS, *config["image"])
    rows = torch.from_numpy(pixels.astype(np.float64)).reshape(shape)
    if config.get("optimizer") == "adam":
        optimizer: torch.optim.Optimizer = torch.optim.Adam(net.parameters(), lr=config["lr"])
    else:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.5)
    schedule = presets.SCHEDULES[config.get("schedule", "constant")](optimizer, EPOCHS * math.ceil(ROWS / BATCH))
    losses = []
    for step, x in enumerate([*rows.split(BATCH), *rows[: 2 * BATCH].split(BATCH)]):
        optimizer.zero_grad()
        y, code = through(net, config, corrupted(config, x, step), step, True)
        terms = [nn.functional.mse_loss(y, x), *penalties(config, code)]
        sum(terms).backward()
        decay(net, config)
        losses.append([term.item() for term in terms])
        optimizer.step()
        schedule.step()
    net.eval()
    with torch.no_grad():
        test = [through(net, config, corrupted(config, rows, 0, "corrupt/test", "corrupt/side/test"), 0, False)[0]]
        if "corrupt" in config:
            test.append(through(net, config, rows, 0, False)[0])
        errors = torch.stack([nn.functional.mse_loss(y, rows) for y in test])
    tensors = {name: value for name, value in net.state_dict().items() if not name.endswith("num_batches_tracked")}
    tensors |= {"losses": torch.tensor(losses), "test": errors}
    return {f"{name}/{key}": value.detach().numpy().astype(np.float32) for key, value in tensors.items()}


def all_networks() -> dict[str, np.ndarray]:
    tensors: dict[str, np.ndarray] = {}
    for name in NETWORKS:
        tensors |= train(name)
    return tensors
