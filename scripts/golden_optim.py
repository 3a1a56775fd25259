"""Optimizers and schedules of the learning rate over fifty steps, in PyTorch in float64; golden.py
writes the files.

`cases` are numbers alone, for model/optim: "updates", where parameters have the gradients
sin(7*i + step) * 100**-i, "rates" of steps and "plateaus", the factor of the rate after each of some
losses.

`all_networks` trains the network that internal/vm/vmtest/optim.go builds: ten epochs over 23 rows in
batches of 5, the last one short, in the order of the rows. Values of row r are the bytes
(37*(r*P + p)) mod 256, P being the values of a row. Tensors, each behind the case's name and a
slash: losses (50), each before its update; rates (10), of each epoch's last step; every parameter
after the last step. The metadata have the cases' configs.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn
from torch.optim import lr_scheduler

import golden_program
import presets

SEED = golden_program.SEED
ROWS, BATCH, EPOCHS = 23, 5, 10
EPOCH_STEPS = math.ceil(ROWS / BATCH)
STEPS = EPOCHS * EPOCH_STEPS
NETWORK = {
    "family": "fc", "image": [1, 3, 4], "hidden": [7], "latent": 3, "activation": "tanh", "output": "sigmoid",
    "activate_code": False,
}

# Keys are those of a model file's config.
OPTIMIZERS = {
    "adam": {"optimizer": "adam", "lr": 0.01},
    "adam decay": {"optimizer": "adam", "lr": 0.01, "weight_decay": 0.02},
    "adam numbers": {"optimizer": "adam", "lr": 0.01, "beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3},
    "adamw": {"optimizer": "adamw", "lr": 0.01},
    "adamw decay": {"optimizer": "adamw", "lr": 0.01, "weight_decay": 0.5},
    "sgd": {"optimizer": "sgd", "lr": 0.5},
    "sgd decay": {"optimizer": "sgd", "lr": 0.5, "weight_decay": 0.02},
    "momentum": {"optimizer": "sgd", "lr": 0.5, "momentum": 0.9},
    "momentum decay": {"optimizer": "sgd", "lr": 0.5, "momentum": 0.9, "weight_decay": 0.02},
    "nesterov": {"optimizer": "sgd", "lr": 0.5, "momentum": 0.9, "nesterov": True},
    "nesterov decay": {"optimizer": "sgd", "lr": 0.5, "momentum": 0.9, "nesterov": True, "weight_decay": 0.02},
    "rmsprop": {"optimizer": "rmsprop", "lr": 0.003},
    "rmsprop decay": {"optimizer": "rmsprop", "lr": 0.003, "weight_decay": 0.02},
    "rmsprop momentum": {"optimizer": "rmsprop", "lr": 0.003, "momentum": 0.5},
    "rmsprop all": {
        "optimizer": "rmsprop", "lr": 0.003, "momentum": 0.5, "weight_decay": 0.02, "rmsprop_alpha": 0.9, "epsilon": 1e-3,
    },
}

SCHEDULES = ("constant", "step", "step:2:0.5", "step:0.6:0.75", "cosine", "cosine:0.1", "linear", "linear:0.1", "plateau:0:0.5")
WARMUP = 7


def optimizer(config: dict, parameters) -> torch.optim.Optimizer:
    decay = config.get("weight_decay", 0)
    if config["optimizer"] in ("adam", "adamw"):
        kind = torch.optim.AdamW if config["optimizer"] == "adamw" else torch.optim.Adam
        betas = (config.get("beta1", 0.9), config.get("beta2", 0.999))
        return kind(parameters, lr=config["lr"], betas=betas, eps=config.get("epsilon", 1e-8), weight_decay=decay)
    momentum = config.get("momentum", 0)
    if config["optimizer"] == "sgd":
        return torch.optim.SGD(
            parameters, lr=config["lr"], momentum=momentum, nesterov=config.get("nesterov", False), weight_decay=decay
        )
    return torch.optim.RMSprop(
        parameters, lr=config["lr"], alpha=config.get("rmsprop_alpha", 0.99), eps=config.get("epsilon", 1e-8),
        weight_decay=decay, momentum=momentum,
    )


def schedule(config: dict, opt: torch.optim.Optimizer):
    """What is stepped behind each step; a plateau's is constant."""
    warmup = config.get("warmup", 0)
    steps = config.get("schedule_epochs", EPOCHS) * EPOCH_STEPS - warmup
    kind, *numbers = config.get("schedule", "constant").split(":")
    if kind == "step":
        every = round(float(numbers[0]) * EPOCH_STEPS) if numbers else math.ceil(steps / 3)
        own = lr_scheduler.StepLR(opt, every, float(numbers[1]) if numbers else 0.1)
    elif kind == "cosine":
        own = lr_scheduler.CosineAnnealingLR(opt, steps, float(numbers[0]) * config["lr"] if numbers else 0)
    elif kind == "linear":
        own = lr_scheduler.LinearLR(opt, 1, float(numbers[0]) if numbers else 0, steps)
    else:
        own = lr_scheduler.LambdaLR(opt, lambda step: 1.0)
    if not warmup:
        return own
    first = lr_scheduler.LinearLR(opt, 1 / warmup, 1, warmup - 1)
    return lr_scheduler.SequentialLR(opt, [first, own], [warmup])


def plateau(config: dict, opt: torch.optim.Optimizer) -> lr_scheduler.ReduceLROnPlateau | None:
    kind, *numbers = config.get("schedule", "constant").split(":")
    if kind != "plateau":
        return None
    return lr_scheduler.ReduceLROnPlateau(opt, patience=int(numbers[0]), factor=float(numbers[1]), eps=0)


def networks() -> dict[str, dict]:
    """All cases: optimizers, and schedules of SGD with momentum."""
    cases = dict(OPTIMIZERS)
    for text in SCHEDULES:
        cases[text] = {"optimizer": "sgd", "lr": 0.5, "momentum": 0.5, "schedule": text}
        if text.startswith("plateau"):  # which comes soon
            cases[text] |= {"lr": 2.0, "weight_decay": 0.1}
        cases[f"{text}, warm-up"] = {**cases[text], "warmup": WARMUP}
    cases["adamw decay, cosine, warm-up"] = {**OPTIMIZERS["adamw decay"], "schedule": "cosine", "warmup": WARMUP}
    cases["cosine over more"] = {**cases["cosine"], "schedule_epochs": 15}
    cases["linear over less"] = {**cases["linear"], "schedule_epochs": 6}
    return cases


def train(config: dict) -> dict[str, np.ndarray]:
    net = presets.build(NETWORK).double()
    presets.start(net, "torch", SEED)
    width = math.prod(NETWORK["image"])
    pixels = (37 * np.arange(ROWS * width) % 256).astype(np.float32) / np.float32(255)
    rows = torch.from_numpy(pixels.astype(np.float64)).reshape(ROWS, width)
    opt = optimizer(config, net.parameters())
    stepped, watched = schedule(config, opt), plateau(config, opt)
    losses, rates, factor = [], [], 1.0
    for _ in range(EPOCHS):
        for x in rows.split(BATCH):
            opt.zero_grad()
            loss = nn.functional.mse_loss(net(x), x)
            loss.backward()
            rate = opt.param_groups[0]["lr"]
            opt.param_groups[0]["lr"] = rate * factor
            losses.append(loss.item())
            rates.append(rate * factor)
            opt.step()
            opt.param_groups[0]["lr"] = rate  # as the schedule left it
            stepped.step()
        rate = opt.param_groups[0]["lr"]
        if watched is not None and len(losses) >= config.get("warmup", 0):
            with torch.no_grad():
                held = nn.functional.mse_loss(net(rows), rows).item()
            margin = abs(held / (watched.best * (1 - 1e-4)) - 1)
            assert margin > 1e-5, f"a loss within {margin} of the best would be as rounding has it"
            watched.step(held)
            factor *= opt.param_groups[0]["lr"] / rate
            opt.param_groups[0]["lr"] = rate
    tensors = {name: value.detach().numpy() for name, value in net.state_dict().items()}
    tensors |= {"losses": np.array(losses), "rates": np.array(rates[EPOCH_STEPS - 1 :: EPOCH_STEPS])}
    return {name: value.astype(np.float32) for name, value in tensors.items()}


def all_networks() -> dict[str, np.ndarray]:
    return {f"{name}/{key}": value for name, config in networks().items() for key, value in train(config).items()}


STARTS = (0.3, -2.0, 0.0, 1e-3)


def update_case(name: str, config: dict) -> dict:
    w = nn.Parameter(torch.tensor(STARTS, dtype=torch.float64))
    opt = optimizer(config, [w])
    for step in range(STEPS):
        w.grad = torch.tensor([math.sin(7 * i + step) * 100.0**-i for i in range(len(STARTS))], dtype=torch.float64)
        opt.step()
    return {"name": name, "config": config, "start": STARTS, "steps": STEPS, "want": w.tolist()}


def rate_case(name: str, config: dict) -> dict:
    opt = optimizer(config, [nn.Parameter(torch.zeros(1))])
    stepped, rates = schedule(config, opt), []
    for _ in range(STEPS):
        rates.append(opt.param_groups[0]["lr"])
        opt.step()
        stepped.step()
    epochs = config.get("schedule_epochs", EPOCHS)
    return {"name": name, "config": config, "steps": epochs * EPOCH_STEPS, "epoch": EPOCH_STEPS, "want": rates}


def plateau_case(patience: int, gamma: float, losses: list[float]) -> dict:
    config = {"optimizer": "sgd", "lr": 1.0, "schedule": f"plateau:{patience}:{gamma}"}
    opt = optimizer(config, [nn.Parameter(torch.zeros(1))])
    watched, factors = plateau(config, opt), []
    for loss in losses:
        watched.step(loss)
        factors.append(opt.param_groups[0]["lr"])
    return {"config": config, "losses": losses, "want": factors, "best": watched.best, "bad": watched.num_bad_epochs}


def cases() -> dict[str, list[dict]]:
    scheduled = {name: config for name, config in networks().items() if "schedule" in config and "plateau" not in name}
    falls = [round(1 / (1 + i), 6) for i in range(10)]
    waves = [round(1 + math.sin(i) / (1 + i / 10), 6) for i in range(STEPS)]
    creeps = [1 - 0.00003 * i for i in range(STEPS)]  # by less than the threshold, which adds up
    below = [-v for v in falls] + [-0.1, -0.2, -0.3, -0.4]
    return {
        "updates": [update_case(name, config) for name, config in OPTIMIZERS.items()],
        "rates": [rate_case(name, config) for name, config in scheduled.items()],
        "plateaus": [
            plateau_case(patience, gamma, losses)
            for patience, gamma in ((0, 0.1), (1, 0.5), (3, 0.25), (10, 0.1))
            for losses in (falls, waves, creeps, below)
        ],
    }
