"""The presets beyond plain autoencoders in PyTorch: variational, adversarial, denoising, deep.

`torch_ae.py` trains them as peers in comparisons; their networks and losses are those of `train`.
A task has a network and what is trained on; evaluation is the number that `train` reports as test loss.

Shapes: B batch, P pixels, Z a code.
"""

from __future__ import annotations

from typing import Callable

import torch
import torch.nn.functional as F
from torch import nn

import presets

# What `train` has beside the plain presets: the network that images are read as, and the task.
CONFIGS = {
    "vae": presets._preset("vae", hidden=[400], latent=20, batch=128, epochs=10, task="variational"),
    "conv-vae": presets._preset("conv-vae", family="conv", hidden=[16, 32, 64], latent=20, batch=128, epochs=10, task="variational"),
    "aae": presets.AAE,
    "deep30": presets._preset("deep30", hidden=[1000, 500, 250], latent=30, activation="elu", batch=128, epochs=20, schedule="cosine"),
    "denoise": presets._preset("denoise", family="conv", hidden=[16, 32], latent=64, task="denoising"),
}


class Task:
    """A plain autoencoder: a network and its loss."""

    def __init__(self, config: dict, seed: int):
        self.config = config
        self.net = self.build()
        presets.start(self.net, config["init"], seed)
        self.loss = presets.LOSSES.get(config["loss"])

    def build(self) -> nn.Module:
        return presets.build(self.config)

    def objective(self, x: torch.Tensor) -> torch.Tensor:
        return self.loss(self.net(x), x)

    def evaluate(self, x: torch.Tensor) -> torch.Tensor:
        return self.objective(x)


class Variational(Task):
    """A code is drawn from N(mu, sigma); the loss is the Bernoulli likelihood's and the divergence
    from N(0, 1), in nats an image."""

    def build(self) -> nn.Module:
        config = self.config
        if config.get("likelihood", "bernoulli") != "bernoulli":
            raise ValueError(f"torch_family: likelihood {config['likelihood']}; want bernoulli")
        for option in ("condition", "binarize"):
            if config.get(option):
                raise ValueError(f"torch_family: {option} {config[option]}; want a network without")
        z, hidden = config["latent"], config["hidden"]
        activation = presets.activation(config["activation"])
        if config["family"] == "conv":  # the whole image in one kernel, then as a vector; and back
            down, up = presets.convolutional(config["image"], hidden[:-1], hidden[-1])
            between = [nn.Flatten()], [nn.Unflatten(1, (hidden[-1], 1, 1))]
            first = nn.Linear(z, hidden[-1])
        else:
            down, _ = presets.fully_connected(config["image"], hidden[:-1], hidden[-1])
            _, (first, *up) = presets.fully_connected(config["image"], hidden, z)
            between = [], []
        encoder = [*activated(down, activation), *between[0]]
        decoder = [*activated([first], activation), *between[1], *activated(up[:-1], activation), up[-1]]
        mu, logvar = nn.Linear(hidden[-1], z), nn.Linear(hidden[-1], z)
        return nn.ModuleDict({"encoder": nn.Sequential(*encoder), "mu": mu, "logvar": logvar, "decoder": nn.Sequential(*decoder)})

    def bound(self, x: torch.Tensor, draw: Callable) -> torch.Tensor:
        h = self.net["encoder"](x)
        mu, logvar = self.net["mu"](h), self.net["logvar"](h)
        logits = self.net["decoder"](draw(mu, logvar))
        likelihood = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        return (likelihood - 0.5 * (1 + logvar - mu.square() - logvar.exp()).sum()) / len(x)

    def objective(self, x: torch.Tensor) -> torch.Tensor:
        return self.bound(x, lambda mu, logvar: mu + torch.randn_like(mu) * (0.5 * logvar).exp())

    def evaluate(self, x: torch.Tensor) -> torch.Tensor:
        return self.bound(x, lambda mu, logvar: mu)


class Denoising(Task):
    """Reads images with Gaussian noise of 0.5, clipped to [0,1], and restores them."""

    def objective(self, x: torch.Tensor) -> torch.Tensor:
        return self.loss(self.net((x + 0.5 * torch.randn_like(x)).clamp_(0, 1)), x)


class Adversarial(Task):
    """Makhzani et al. 2015: in each step a reconstruction, a discriminator of codes against N(0, 1),
    and an encoder that deceives it, each with an Adam of its own."""

    def optimizers(self, adam: Callable) -> list[torch.optim.Optimizer]:
        e, d, c = (list(half.parameters()) for half in (self.net.encoder, self.net.decoder, self.net.discriminator))
        betas = (self.config.get("beta1") or 0.9, 0.999)
        return [adam(params, lr=self.config["lr"], betas=betas) for params in (e + d, c, e)]

    def phases(self, x: torch.Tensor) -> list[Callable[[], torch.Tensor]]:
        """What each optimizer minimises, in order; every one sees what the one before it changed."""
        encoder, judge = self.net.encoder, self.net.discriminator
        true = torch.ones(len(x), 1, device=x.device)
        bce = F.binary_cross_entropy_with_logits

        def discriminate() -> torch.Tensor:
            prior = torch.randn(len(x), self.config["latent"], device=x.device)
            return bce(judge(prior), true) + bce(judge(encoder(x).detach()), torch.zeros_like(true))

        return [lambda: self.loss(self.net(x), x), discriminate, lambda: bce(judge(encoder(x)), true)]


def activated(layers: list[nn.Module], activation) -> list[nn.Module]:
    """Layers with an activation behind each."""
    return [module for layer in layers for module in ((layer, activation()) if activation else (layer,))]


TASKS = {"variational": Variational, "adversarial": Adversarial, "denoising": Denoising}


def task(config: dict, seed: int) -> Task:
    """The task of a config, started under a seed as `train` starts."""
    name = config.get("task")
    if config.get("likelihood"):
        name = "variational"
    if config.get("prior"):
        name = "adversarial"
    return TASKS.get(name, Task)(config, seed)
