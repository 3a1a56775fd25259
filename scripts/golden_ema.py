"""Averages of parameters over fifty steps of networks with batch norm, in PyTorch in float64: the
specs that internal/vm/vmtest/ema.go builds; golden.py writes their files.

SGD with momentum over 13 rows in batches of 5, again and again, so that every third batch is short.
Values of row r are the bytes (37*(r*P + p)) mod 256. After step t, counted from 0, an AveragedModel
that began as a copy takes the parameters in with the decay min(0.8, (1+t)/(10+t)), which is 0.8 from
step 35 on, and the running statistics as they are.

Tensors: losses (50), each before its update; every parameter and running statistic after the last
step, and as ema.<name> the averages of the parameters; test, the loss of the averages over all rows
by running statistics, and rebuilt (13,P), what they make of these.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel

import presets

SEED = 1
ROWS, BATCH, STEPS, DECAY = 13, 5, 50, 0.8

CONFIGS = {
    "ema-fc": {"family": "fc", "image": [1, 5, 7], "hidden": [17, 9], "latent": 3, "activation": "tanh"},
    "ema-conv": {"family": "conv", "image": [2, 6, 5], "hidden": [5, 18], "latent": 4, "activation": "leakyrelu"},
}


def decayed(average: torch.Tensor, value: torch.Tensor, taken: torch.Tensor) -> torch.Tensor:
    """The average with one more value; taken counts the copy that it began as."""
    step = int(taken) - 1
    decay = min(DECAY, (1 + step) / (10 + step))
    return average * decay + value * (1 - decay)


def train(name: str) -> dict[str, np.ndarray]:
    config = {**CONFIGS[name], "activate_code": False, "output": "sigmoid", "batch_norm": True}
    net = presets.build(config).double()
    presets.start(net, "torch", SEED)
    averaged = AveragedModel(net, avg_fn=decayed)
    averaged.update_parameters(net)  # the first time it copies
    width = math.prod(config["image"])
    pixels = (37 * np.arange(ROWS * width) % 256).astype(np.float32) * (np.float32(1) / np.float32(255))
    shape = (ROWS, width) if config["family"] == "fc" else (ROWS, *config["image"])
    rows = torch.from_numpy(pixels.astype(np.float64)).reshape(shape)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.5)
    losses = []
    for x in itertools.islice(itertools.cycle(rows.split(BATCH)), STEPS):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x), x)
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
        averaged.update_parameters(net)
    for running, value in zip(averaged.module.buffers(), net.buffers()):
        running.copy_(value)  # as PyTorch 2 does with each update
    averaged.eval()
    with torch.no_grad():
        rebuilt = averaged(rows)
        test = torch.nn.functional.mse_loss(rebuilt, rows)
    tensors = {name: value for name, value in net.state_dict().items() if not name.endswith("num_batches_tracked")}
    tensors |= {f"ema.{name}": value for name, value in averaged.module.named_parameters()}
    tensors |= {"losses": torch.tensor(losses), "test": test.reshape(1), "rebuilt": rebuilt.reshape(ROWS, width)}
    return {name: value.detach().numpy().astype(np.float32) for name, value in tensors.items()}
