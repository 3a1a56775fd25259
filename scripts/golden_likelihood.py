"""Importance-weighted log-likelihoods of small variational networks, computed by PyTorch in float64;
golden.py writes them to internal/infer/testdata/likelihood.json.

A network starts under seed 1, its parameters times FACTOR; a learned deviation's logarithm is 0 there
and -0.7 here. Byte i of the images is the lowest byte of 37*i >> 1, the class of row i is 3*i mod 10.
The noise of sample s and row i is that of purpose "noise/loglikelihood", step s and row i under seed 7.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F

import golden_vae
import presets

SEED, NOISE_SEED = 1, 7
PIXELS, HIDDEN, LATENT = 30, 9, 3
ROWS, SAMPLES, FACTOR = 5, 20, 3
CASES = {
    "bernoulli": ("bernoulli", False),
    "gaussian": (0.3, False),
    "learned": (math.exp(float(np.float32(-0.7))), False),
    "conditional": ("bernoulli", True),
}


def normals(step: int, row: int, n: int) -> np.ndarray:
    """Box and Muller, from the words of indices 2k and 2k+1."""
    words = presets.random_words(NOISE_SEED, "noise/loglikelihood", n + n % 2, step, row) >> np.uint32(8)
    radius = np.sqrt(-2 * np.log((words[0::2] + 1.0) * 2.0**-24))
    angle = 2 * np.pi * words[1::2] * 2.0**-24
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1).reshape(-1)[:n]


def estimate(likelihood: str | float, conditional: bool) -> list[float]:
    net = golden_vae.vae(conditional, PIXELS, HIDDEN, LATENT).double()
    presets.start(net, "torch", SEED)
    pixels = (np.arange(ROWS * PIXELS) * 37 >> 1).astype(np.uint8).astype(np.float32) * (np.float32(1) / np.float32(255))
    x = torch.from_numpy(pixels.astype(np.float64)).reshape(ROWS, PIXELS)
    classes = F.one_hot(3 * torch.arange(ROWS) % 10, golden_vae.CLASSES).double()
    noise = torch.from_numpy(np.stack([[normals(s, i, LATENT) for i in range(ROWS)] for s in range(SAMPLES)]))
    with torch.no_grad():
        for p in net.parameters():
            p *= FACTOR
        mu, logvar = net.encode(x, classes)
        z = mu + (logvar / 2).exp() * noise
        logits = net.decoder(net.given(z, classes.expand(SAMPLES, -1, -1)))
        rows = x.expand_as(logits)
        if likelihood == "bernoulli":
            log_px = -F.binary_cross_entropy_with_logits(logits, rows, reduction="none").sum(-1)
        else:
            log_px = torch.distributions.Normal(torch.sigmoid(logits), likelihood).log_prob(rows).sum(-1)
        log_pz = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
        log_qz = torch.distributions.Normal(mu, (logvar / 2).exp()).log_prob(z).sum(-1)
        return (torch.logsumexp(log_px + log_pz - log_qz, 0) - math.log(SAMPLES)).tolist()


def cases() -> list[dict]:
    return [{"name": name, "loglikelihood": estimate(*case)} for name, case in CASES.items()]
