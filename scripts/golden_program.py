"""A program with everything that a graph can read and a step can write, in PyTorch in float64: the
network that internal/vm/vmtest/inputs.go builds of rows; golden.py writes its file.

Two phases train in each step: "all" trains every parameter by Adam, "again" the encoder once more
by an Adam of its own. Each phase runs the network anew, with the same noise. Noise is drawn as
data/philox does, by seed, purpose, step and place in the batch. After the phases of a step every
shadow goes a quarter of the way to its parameter; each phase moves the running mean a quarter of
the way to the mean of what a layer makes of the labels.

Tensors: losses (steps, 6), the three terms of each phase; every parameter, shadow and the running
mean after the last step, by the names that the Go program gives them.
"""

from __future__ import annotations

import numpy as np
import torch

import presets

SEED = 1
ROWS, BATCH, WIDTH, HIDDEN, CLASSES = 13, 5, 6, 4, 3
BOUND = 0.7  # parameters start uniform in [-BOUND, BOUND)

LAYERS = {
    "encoder": (HIDDEN, WIDTH),
    "class": (HIDDEN, CLASSES),
    "deviation": (HIDDEN, HIDDEN),
    "decoder": (WIDTH, HIDDEN),
}


def words(purpose: str, step: int, rows: int, width: int) -> np.ndarray:
    """Integers below 2^24 of purpose "noise/<purpose>" for the places of a step's batch."""
    return np.stack([presets.random_words(SEED, "noise/" + purpose, width + width % 2, step, row) for row in range(rows)]) >> np.uint32(8)


def uniforms(purpose: str, step: int, rows: int, width: int) -> torch.Tensor:
    return torch.from_numpy(words(purpose, step, rows, width)[:, :width] * 2.0**-24)


def normals(purpose: str, step: int, rows: int, width: int) -> torch.Tensor:
    """Box and Muller, from the words of indices 2k and 2k+1."""
    drawn = words(purpose, step, rows, width)
    radius = np.sqrt(-2 * np.log((drawn[:, 0::2] + 1.0) * 2.0**-24))
    angle = 2 * np.pi * drawn[:, 1::2] * 2.0**-24
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    return torch.from_numpy(pairs.reshape(rows, -1)[:, :width])


def start() -> dict[str, torch.Tensor]:
    params = {}
    for name, (outputs, inputs) in LAYERS.items():
        for part, shape in (("weight", (outputs, inputs)), ("bias", (outputs,))):
            values = presets.uniform(SEED, f"init/{name}.{part}", int(np.prod(shape)), BOUND)
            params[f"{name}.{part}"] = torch.from_numpy(values.astype(np.float64)).reshape(shape).requires_grad_()
    return params


def linear(x: torch.Tensor, params: dict, name: str) -> torch.Tensor:
    return x @ params[name + ".weight"].T + params[name + ".bias"]


def terms(params: dict, x: torch.Tensor, labels: torch.Tensor, step: int) -> tuple[torch.Tensor, ...]:
    """The loss and its two terms, and what the labels become."""
    rows = len(x)
    mask = (uniforms("mask", step, rows, WIDTH) < 0.75).double()
    noisy = x * mask + 0.25 * uniforms("corrupt", step, rows, WIDTH)
    classes = linear(labels, params, "class")
    hidden = torch.tanh(linear(noisy, params, "encoder")) + classes
    deviation = torch.tanh(linear(hidden, params, "deviation"))
    code = hidden + deviation * normals("sample", step, rows, HIDDEN)
    y = linear(code, params, "decoder")
    square = (y - noisy).square().sum(1).mean()
    size = torch.nn.functional.huber_loss(code, torch.zeros_like(code), delta=0.5)
    beta = 0.5 * step
    return 0.125 * square + beta * size, square, size, classes


def train() -> dict[str, np.ndarray]:
    params = start()
    shadows = {name: value.detach().clone() for name, value in params.items()}
    running = torch.full((HIDDEN,), 0.5, dtype=torch.float64)
    everything = torch.optim.Adam(params.values(), lr=1e-3)
    encoder = [params["encoder.weight"], params["encoder.bias"]]
    again = torch.optim.Adam(encoder, lr=1e-2, betas=(0.5, 0.999))
    pixels = (37 * np.arange(ROWS * WIDTH) % 256).astype(np.float32)
    rows = torch.from_numpy((pixels * np.float32(2 / 255) - np.float32(1)).astype(np.float64)).reshape(ROWS, WIDTH)
    one_hot = torch.zeros(ROWS, CLASSES, dtype=torch.float64)
    for i in range(ROWS):
        if i % (CLASSES + 1) > 0:
            one_hot[i, i % (CLASSES + 1) - 1] = 1
    losses = []
    for step, at in enumerate(range(0, ROWS, BATCH)):
        line = []
        for optimizer in (everything, again):
            loss, square, size, classes = terms(params, rows[at : at + BATCH], one_hot[at : at + BATCH], step)
            everything.zero_grad()
            loss.backward()
            optimizer.step()
            running = torch.lerp(running, classes.detach().mean(0), 0.25)
            line += [loss.item(), square.item(), size.item()]
        losses.append(line)
        for name, value in params.items():
            shadows[name] = value.detach() + 0.75 * (shadows[name] - value.detach())
    tensors = {"losses": torch.tensor(losses), "running.mean": running}
    tensors |= {name: value.detach() for name, value in params.items()}
    tensors |= {name.replace(".", ".shadow.", 1): value for name, value in shadows.items()}
    return {name: value.numpy().astype(np.float32) for name, value in tensors.items()}
