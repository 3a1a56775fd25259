"""Whole steps of adversarial autoencoders in PyTorch in float64: the specs that
internal/vm/vmtest/adversarial.go builds; golden.py writes their files.

A step is three updates, each by an optimizer of its own: of encoder and decoder for the mean squared error;
of the discriminator, to give draws of the prior 1 and codes 0; of the encoder, for codes that are given
1. Five steps over 13 rows in batches of 5, so that the third is short and the next two begin anew.
Values of row r are the bytes (37*(r*P + p)) mod 256. The prior's noise is that of purpose "prior", which
Gaussian of a mixture that of "prior/component".

Tensors: losses (5, 3), of reconstruction, discriminator and generator, each before its update; test, the
loss over all rows by running statistics; of SGD with momentum also every parameter and running statistic
after the last step. Adam divides gradients by their own size, rounding too: what it makes of those that
are next to nothing is not the same from machine to machine.
"""

from __future__ import annotations

import math
from typing import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F

import golden_ops
import golden_program
import presets

SEED = 1
ROWS, BATCH = 13, 5

NETWORK = {**presets.AAE, "image": [1, 5, 7], "hidden": [17, 9], "discriminator": [11, 6]}
CONFIGS = {
    "aae": {**NETWORK, "latent": 3, "components": 0, "optimizer": lambda of: torch.optim.SGD(of, lr=0.25, momentum=0.5)},
    "aae-adam": {**NETWORK, "latent": 3, "components": 0, "optimizer": lambda of: torch.optim.Adam(of, lr=2e-3, betas=(0.5, 0.999))},
    "aae-mixture": {**NETWORK, "latent": 2, "components": 5, "optimizer": lambda of: torch.optim.SGD(of, lr=0.25, momentum=0.5)},
}


def prior(step: int, rows: int, latent: int, components: int) -> torch.Tensor:
    """Draws of N(0, 1), or of Gaussians on a circle of radius 3 whose neighbours are 5 deviations apart."""
    noise = golden_program.normals("prior", step, rows, latent)
    if not components:
        return noise
    return golden_ops.mixture(noise, golden_program.uniforms("prior/component", step, rows, 1), components)


def steps(
    net: presets.Autoencoder, batches: list[torch.Tensor], config: dict, clip: Callable[[list], None] = lambda of: None
) -> Iterator[list[float]]:
    """Trains, and gives the losses of each step. clip is called with what a phase trains, before its optimizer's step."""
    encoder, decoder, discriminator = net.encoder, net.decoder, net.discriminator
    parameters = [list(of) for of in (
        [*encoder.parameters(), *decoder.parameters()], discriminator.parameters(), encoder.parameters()
    )]
    optimizers = [config["optimizer"](of) for of in parameters]
    bce = F.binary_cross_entropy_with_logits
    for step, x in enumerate(batches):
        one, zero = torch.ones(len(x), 1, dtype=torch.float64), torch.zeros(len(x), 1, dtype=torch.float64)
        drawn = prior(step, len(x), config["latent"], config["components"])
        losses = []
        for of, optimizer, loss_of in zip(parameters, optimizers, (
            lambda: F.mse_loss(decoder(encoder(x)), x),
            lambda: bce(discriminator(drawn), one) + bce(discriminator(encoder(x).detach()), zero),
            lambda: bce(discriminator(encoder(x)), one),
        )):
            optimizer.zero_grad()
            loss = loss_of()
            loss.backward()
            losses.append(loss.item())
            clip(of)
            optimizer.step()
        yield losses


def train(name: str) -> dict[str, np.ndarray]:
    config = CONFIGS[name]
    net = presets.build(config).double()
    presets.start(net, "torch", SEED)
    width = math.prod(config["image"])
    pixels = (37 * np.arange(ROWS * width) % 256).astype(np.float32) * (np.float32(1) / np.float32(255))
    rows = torch.from_numpy(pixels.astype(np.float64)).reshape(ROWS, width)
    losses = list(steps(net, [*rows.split(BATCH), *rows[: 2 * BATCH].split(BATCH)], config))
    net.eval()
    with torch.no_grad():
        test = F.mse_loss(net.decoder(net.encoder(rows)), rows)
    tensors = {name: value for name, value in net.state_dict().items() if not name.endswith("num_batches_tracked")}
    if name == "aae-adam":
        tensors = {}
    tensors |= {"losses": torch.tensor(losses), "test": test.reshape(1)}
    return {name: value.detach().numpy().astype(np.float32) for name, value in tensors.items()}
