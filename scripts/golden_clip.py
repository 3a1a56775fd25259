"""Networks whose gradients are clipped, in PyTorch in float64: the specs that
internal/vm/vmtest/clip.go builds; golden.py writes their file.

Fifty steps over 40 rows in batches of 16, of which every third is short. Values of row r are the
bytes (37*(r*P + p)) mod 256. Gradients are clipped by torch.nn.utils, values first, then their
norm; of an adversarial network those of each phase by themselves.

Tensors, each behind the network's name and a slash: losses (50, terms) of each step, before its
update; norms (50, phases), of all gradients, values being clipped already and the norm not yet;
every parameter and running statistic after the last step. Of Adam with batch norm there are losses
and norms alone: it takes steps of a gradient's own size, of those too that are next to nothing, and
what those are is not the same from machine to machine.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import golden_aae
import golden_program
import golden_vae
import presets

SEED = golden_program.SEED
ROWS, BATCH, STEPS = 40, 16, 50

_fc = {"family": "fc", "image": [1, 5, 7], "hidden": [17, 9], "latent": 3, "activation": "tanh", "output": "sigmoid"}
_norm = {**_fc, "batch_norm": True}
_conv = {
    "family": "conv", "image": [1, 6, 4], "hidden": [3, 6], "latent": 3, "activation": "tanh", "output": "sigmoid",
    "batch_norm": True,
}
_vae = {"family": "vae", "image": [1, 5, 7]}
_aae = {**golden_aae.NETWORK, "latent": 3, "components": 0}


def sgd(of: list) -> torch.optim.Optimizer:
    return torch.optim.SGD(of, lr=0.1, momentum=0.5)


def adam(of: list) -> torch.optim.Optimizer:
    return torch.optim.Adam(of, lr=1e-3, betas=(0.5, 0.999))


# The bounds of the norm and of values; 0: none.
CASES = {
    "always": (_norm, sgd, 0.01, 0),
    "sometimes": (_norm, sgd, 0.05, 0),
    "never": (_norm, sgd, 10, 0),
    "adam": (_norm, adam, 0.036, 0),
    "value": (_fc, sgd, 0, 0.001),
    "both": (_fc, sgd, 0.0083, 0.001),
    "conv": (_conv, sgd, 0.05, 0),
    "conv adam": (_conv, adam, 0.05, 0),
    "conv both": (_conv, sgd, 0.045, 0.01),
    "vae": (_vae, lambda of: torch.optim.SGD(of, lr=0.01, momentum=0.5), 1.2, 0),
    "vae adam": (_vae, adam, 1.1, 0.1),
    "aae": (_aae, sgd, 0.15, 0),
    "aae adam": (_aae, adam, 0.15, 0),
}



def variational(net: nn.Module, step: int, x: torch.Tensor) -> list[torch.Tensor]:
    """The loss, its two parts, and the bound, which at beta 1 is the loss."""
    logits, mu, logvar = net(x, x, golden_program.normals("sample", step, len(x), golden_vae.LATENT))
    likelihood = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    divergence = (mu.square() + logvar.exp() - 1 - logvar).sum() / 2 / len(x)
    loss = likelihood + divergence
    return [loss, likelihood, divergence, loss]


def train(name: str) -> dict[str, np.ndarray]:
    config, optimizer_of, norm, value = CASES[name]
    config = {"activate_code": False, **config}
    family, width = config["family"], math.prod(config["image"])
    net = golden_vae.vae(pixels=width, hidden=19) if family == "vae" else presets.build(config)
    net = net.double()
    presets.start(net, "torch", SEED)
    pixels = (37 * np.arange(ROWS * width) % 256).astype(np.float32) * (np.float32(1) / np.float32(255))
    shape = (ROWS, *config["image"]) if family == "conv" else (ROWS, width)
    rows = torch.from_numpy(pixels.astype(np.float64)).reshape(shape)
    batches = [x for _ in range(STEPS) for x in rows.split(BATCH)][:STEPS]
    norms: list[float] = []

    def clip(of: list) -> None:
        if value:
            nn.utils.clip_grad_value_(of, value)
        norms.append(nn.utils.clip_grad_norm_(of, norm if norm else math.inf).item())

    if "discriminator" in config:
        losses = list(golden_aae.steps(net, batches, {**config, "optimizer": optimizer_of}, clip))
    else:
        optimizer, losses, of = optimizer_of(net.parameters()), [], list(net.parameters())
        for step, x in enumerate(batches):
            optimizer.zero_grad()
            terms = variational(net, step, x) if family == "vae" else [F.mse_loss(net(x), x)]
            terms[0].backward()
            losses.append([term.item() for term in terms])
            clip(of)
            optimizer.step()
    tensors = {key: t for key, t in net.state_dict().items() if not key.endswith("num_batches_tracked")}
    if optimizer_of is adam and "batch_norm" in config:
        tensors = {}
    tensors |= {"losses": torch.tensor(losses), "norms": torch.tensor(norms).reshape(STEPS, -1)}
    return {f"{name}/{key}": t.detach().numpy().astype(np.float32) for key, t in tensors.items()}


def all_networks() -> dict[str, np.ndarray]:
    tensors: dict[str, np.ndarray] = {}
    for name in CASES:
        tensors |= train(name)
    return tensors
