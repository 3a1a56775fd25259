"""Networks with batch norm in training, in PyTorch in float64: the specs that
internal/vm/vmtest/batchnorm.go builds; golden.py writes their files.

Five steps of SGD with momentum over 13 rows in batches of 5, so that the third is short, then
two more from the first row on. Values of row r are the bytes (37*(r*P + p)) mod 256.

Tensors: losses (5), each before its update; every parameter and running statistic after the last
step; test, the loss over all rows by running statistics.
"""

from __future__ import annotations

import math

import numpy as np
import torch

import presets

SEED = 1
ROWS, BATCH = 13, 5

CONFIGS = {
    "batchnorm-fc": {"family": "fc", "image": [1, 5, 7], "hidden": [17, 9], "latent": 3, "activation": "tanh"},
    "batchnorm-conv": {"family": "conv", "image": [2, 6, 5], "hidden": [5, 18], "latent": 4, "activation": "leakyrelu"},
}


def train(name: str) -> dict[str, np.ndarray]:
    config = {**CONFIGS[name], "activate_code": False, "output": "sigmoid", "batch_norm": True}
    net = presets.build(config).double()
    presets.start(net, "torch", SEED)
    width = math.prod(config["image"])
    pixels = (37 * np.arange(ROWS * width) % 256).astype(np.float32) * (np.float32(1) / np.float32(255))
    shape = (ROWS, width) if config["family"] == "fc" else (ROWS, *config["image"])
    rows = torch.from_numpy(pixels.astype(np.float64)).reshape(shape)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.5)
    losses = []
    for x in [*rows.split(BATCH), *rows[: 2 * BATCH].split(BATCH)]:
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x), x)
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    net.eval()
    with torch.no_grad():
        test = torch.nn.functional.mse_loss(net(rows), rows)
    tensors = {name: value for name, value in net.state_dict().items() if not name.endswith("num_batches_tracked")}
    tensors |= {"losses": torch.tensor(losses), "test": test.reshape(1)}
    return {name: value.detach().numpy().astype(np.float32) for name, value in tensors.items()}
