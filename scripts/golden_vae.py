"""Gradients and ten losses of the variational presets, computed by PyTorch in float64; golden.py writes them.

The network is encoder, mu, logvar and decoder; a code is mu + e^(logvar/2)·noise, the noise that of
purpose "sample". The loss is the Bernoulli likelihood's, from logits and summed over an image, and the
divergence from N(0, 1), both means over images.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import golden_program
import presets

SEED = golden_program.SEED
STEPS, BATCH, LATENT = 10, 128, 20


class Variational(nn.Module):
    def __init__(self, encoder: nn.Sequential, width: int, decoder: nn.Sequential):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.mu, self.logvar = nn.Linear(width, LATENT), nn.Linear(width, LATENT)

    def forward(self, x: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Logits, means and log variances."""
        h = self.encoder(x)
        mu, logvar = self.mu(h), self.logvar(h)
        return self.decoder(mu + (logvar / 2).exp() * noise), mu, logvar


def vae() -> Variational:
    return Variational(
        nn.Sequential(nn.Linear(784, 400), nn.ReLU()),
        400,
        nn.Sequential(nn.Linear(LATENT, 400), nn.ReLU(), nn.Linear(400, 784)),
    )


def conv_vae() -> Variational:
    down, up = presets.convolutional([1, 28, 28], [16, 32], 64)
    encoder = [module for layer in down for module in (layer, nn.ReLU())]
    decoder = [nn.Linear(LATENT, 64), nn.ReLU(), nn.Unflatten(1, (64, 1, 1))]
    for layer in up:
        decoder += [layer, nn.ReLU()]
    return Variational(nn.Sequential(*encoder, nn.Flatten()), 64, nn.Sequential(*decoder[:-1]))


NETWORKS = {"vae": vae, "conv-vae": conv_vae}


def train(name: str, data: Path) -> dict[str, np.ndarray]:
    """Ten steps: the tensors of a golden file."""
    config = {**presets.PRESETS["conv" if name == "conv-vae" else "fc64"], "output": "sigmoid"}
    images = presets.load_images(data, "train", config, limit=STEPS * BATCH).double()
    net = NETWORKS[name]().double()
    presets.start(net, "torch", SEED)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    tensors, losses = {}, []
    for step, x in enumerate(images.split(BATCH)):
        optimizer.zero_grad()
        logits, mu, logvar = net(x, golden_program.normals("sample", step, len(x), LATENT))
        likelihood = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        divergence = (mu.square() + logvar.exp() - 1 - logvar).sum() / 2
        loss = (likelihood + divergence) / len(x)
        loss.backward()
        if not losses:
            tensors = {f"grad.{name}": p.grad.numpy().astype(np.float32) for name, p in net.named_parameters()}
        losses.append(loss.item())
        optimizer.step()
    tensors["losses"] = np.array(losses, np.float32)
    return tensors
