"""Gradients and ten losses of the variational presets, computed by PyTorch in float64; golden.py writes them.

Each is a preset with fewer widths and rows, so that a simulated GPU takes seconds. The network is
encoder, mu, logvar and decoder; a code is mu + e^(logvar/2)·noise, the noise that of purpose "sample".
A conditional one reads the class, one-hot, behind what its first linear layers of both halves read. The
loss is the Bernoulli likelihood's, from logits and summed over an image, and the divergence from
N(0, 1), both means over images.
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
STEPS, BATCH, LATENT = 10, 8, 3
CLASSES = 10


class Variational(nn.Module):
    def __init__(self, encoder: nn.Sequential, width: int, decoder: nn.Sequential, conditional: bool = False, latent: int = LATENT):
        super().__init__()
        self.encoder, self.decoder, self.conditional = encoder, decoder, conditional
        self.mu, self.logvar = nn.Linear(width, latent), nn.Linear(width, latent)

    def given(self, x: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """What a layer reads: x, and of a conditional network the class."""
        return torch.cat([x, classes], -1) if self.conditional else x

    def encode(self, x: torch.Tensor, classes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Means and log variances."""
        h = self.encoder(self.given(x, classes))
        return self.mu(h), self.logvar(h)

    def forward(self, x: torch.Tensor, classes: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Logits, means and log variances."""
        mu, logvar = self.encode(x, classes)
        return self.decoder(self.given(mu + (logvar / 2).exp() * noise, classes)), mu, logvar


def vae(conditional: bool = False, pixels: int = 784, hidden: int = 16, latent: int = LATENT) -> Variational:
    classes = CLASSES if conditional else 0
    return Variational(
        nn.Sequential(nn.Linear(pixels + classes, hidden), nn.ReLU()),
        hidden,
        nn.Sequential(nn.Linear(latent + classes, hidden), nn.ReLU(), nn.Linear(hidden, pixels)),
        conditional,
        latent,
    )


def conv_vae() -> Variational:
    down, up = presets.convolutional([1, 28, 28], [3, 5], 7)
    encoder = [module for layer in down for module in (layer, nn.ReLU())]
    decoder = [nn.Linear(LATENT, 7), nn.ReLU(), nn.Unflatten(1, (7, 1, 1))]
    for layer in up:
        decoder += [layer, nn.ReLU()]
    return Variational(nn.Sequential(*encoder, nn.Flatten()), 7, nn.Sequential(*decoder[:-1]))


NETWORKS = {"vae": vae, "conv-vae": conv_vae, "cvae": lambda: vae(conditional=True)}


def load_classes(data: Path, part: str, limit: int) -> torch.Tensor:
    """The classes of a part's first images, one-hot."""
    labels = presets.read_idx(presets.find(data, f"{part}-labels-idx1-ubyte"))[:limit].astype(np.int64)
    return F.one_hot(torch.from_numpy(labels), CLASSES).double()


def train(name: str, data: Path) -> dict[str, np.ndarray]:
    """Ten steps: the tensors of a golden file."""
    config = {**presets.PRESETS["conv" if name == "conv-vae" else "fc64"], "output": "sigmoid"}
    images = presets.load_images(data, "train", config, limit=STEPS * BATCH).double()
    classes = load_classes(data, "train", STEPS * BATCH)
    net = NETWORKS[name]().double()
    presets.start(net, "torch", SEED)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    tensors, losses = {}, []
    for step, (x, y) in enumerate(zip(images.split(BATCH), classes.split(BATCH))):
        optimizer.zero_grad()
        logits, mu, logvar = net(x, y, golden_program.normals("sample", step, len(x), LATENT))
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
