"""Part race: seconds an epoch beside PyTorch's."""

from __future__ import annotations

from pathlib import Path

from gpu_part import Failed, Late, Part
from gpu_torch import Torch

HERE = Path(__file__).resolve().parent
EPOCHS = 6  # the median of the last five counts

# Each network: the arguments of train, and those of torch_ae.py. The wide ones are bound by
# arithmetic, where the presets are bound by launches.
PRESETS = ["fc12", "conv", "fc64", "fc128", "fc3"]
WIDE = ["--model", "fc64", "--hidden", "4096,4096", "--latent", "64"]
NETWORKS = {p: (["--model", p], [p]) for p in PRESETS}
for batch in ("1024", "4096"):
    NETWORKS[f"wide-{batch}"] = ([*WIDE, "--batch", batch], ["wide", "--batch", batch])
FAMILY = {p: (["--model", p], [p]) for p in ("vae", "conv-vae", "aae", "deep30")}  # last: they may run out of time
FAMILY["denoise"] = (["--model", "conv", "--corrupt", "gaussian:0.5"], ["denoise"])

HOW = {
    "unit": f"seconds an epoch of training on 60000 images: the median of {EPOCHS} epochs without the first",
    "aegis": "the mean of aegis_runs, each a process of its own: one before PyTorch's runs and one after, "
    "while PyTorch's process is idle. What early_* items have was taken while PyTorch was being imported beside it where "
    "importing says so: it shows that a network trains, and is in no ratio.",
    "torch": "all in one process, data on the GPU, losses summed there; eager: a step at a time; graph: a step is one "
    "CUDA graph; compile: torch.compile in the mode that compile_mode names, the last, smaller batch eagerly. Capturing "
    "is in no epoch, and compiling is in the first.",
    "precision": "aegis computes in float32 only. PyTorch does too (tf32 false), but in the tf32_* items.",
}


def items(part: Part) -> None:
    part.result["how"] = HOW
    torch = Torch(part, HERE / "torch_ae.py", part.out / f"{part.name}-torch.log")
    try:
        torch.start()
        race(part, torch)
    finally:
        torch.end()


def race(part: Part, torch: Torch) -> None:
    for name in ("fc12", "conv"):
        part.item(f"early_{name}", lambda name=name: early(part, torch, name))
    for name in NETWORKS:  # for as long as the import takes
        if f"early_{name}" not in part.items and torch.importing():
            part.item(f"early_{name}", lambda name=name: early(part, torch, name))
    part.item("torch", lambda: ready(part, torch))
    for name in ("fc12", "conv"):
        part.item(name, lambda name=name: turns(part, torch, name), need=8)
    for name in ("fc12", "conv"):
        part.item(f"compile_{name}", lambda name=name: compiled(part, torch, name, "reduce-overhead", 30), need=12)
    for name in NETWORKS:
        if name not in part.items:
            part.item(name, lambda name=name: turns(part, torch, name), need=8)
    for name in ("fc12", "conv", "wide-1024", "wide-4096"):
        part.item(f"tf32_{name}", lambda name=name: peers(torch, name, 15, "--tf32"), need=6)
    for name in ("fc12", "conv"):
        part.item(f"autotune_{name}", lambda name=name: compiled(part, torch, name, "max-autotune", 60), need=25)
    for name in FAMILY:
        part.item(name, lambda name=name: turns(part, torch, name), need=8)


def ready(part: Part, torch: Torch) -> dict:
    torch.ready()
    return {"pass": True, **torch.hello}


def network(name: str) -> tuple[list[str], list[str]]:
    return {**NETWORKS, **FAMILY}[name]


def ours(part: Part, name: str) -> dict:
    got = part.train(HERE, "cuda", ["--epochs", EPOCHS, *network(name)[0]], 25)
    return {k: got[k] for k in ("epoch_seconds", "rows", "batch", "params", "train_loss", "test_loss", "device")}


def early(part: Part, torch: Torch, name: str) -> dict:
    before = torch.importing()
    got = ours(part, name)
    return {"pass": True, "aegis": got, "importing": before or torch.importing()}


def asked(torch: Torch, name: str, mode: str, limit: float, *more: str) -> dict:
    preset, *options = network(name)[1]
    return torch.ask([preset, EPOCHS, *options, "--data", HERE / "mnist", "--device", "cuda", "--mode", mode, *more], limit)


def peers(torch: Torch, name: str, limit: float, *more: str) -> dict:
    """PyTorch eager and with graphs; an error of one leaves the other."""
    item: dict = {"pass": True}
    for mode in ("eager", "graph"):
        try:
            got = asked(torch, name, mode, limit, *more)
            item[mode] = got
        except (Late, Failed) as e:
            item[mode] = {"error": str(e)}
            item["reason"] = f"{mode}: {e}"
            item["pass"] = False if isinstance(e, Failed) or item["pass"] is False else None
    return item


def turns(part: Part, torch: Torch, name: str) -> dict:
    """Ours, PyTorch's, and ours again. What fails leaves the others."""
    item: dict = {"pass": True, "importing": torch.importing(), "aegis_runs": []}
    problems = []

    def run() -> None:
        try:
            item["aegis_runs"].append(ours(part, name))
        except (Late, Failed, OSError, ValueError, KeyError) as e:
            problems.append(f"aegis: {type(e).__name__}: {e}")
            item["pass"] = None if isinstance(e, Late) and item["pass"] is not False else False

    run()
    got = peers(torch, name, 30)
    run()
    seconds = [r["epoch_seconds"] for r in item["aegis_runs"]]
    if seconds:
        item["aegis"] = sum(seconds) / len(seconds)
        item["aegis_images_per_second"] = round(item["aegis_runs"][0]["rows"] / item["aegis"])
    for mode in ("eager", "graph"):
        item[f"torch_{mode}"] = got[mode]
        if seconds and "epoch_seconds" in got[mode]:
            item[f"{mode}_over_aegis"] = round(got[mode]["epoch_seconds"] / item["aegis"], 3)
    if got["pass"] is not True:
        problems.append(got["reason"])
        item["pass"] = False if got["pass"] is False else item["pass"] and None
    if problems:
        item["reason"] = "; ".join(problems)
    return item


def compiled(part: Part, torch: Torch, name: str, mode: str, limit: float) -> dict:
    got = asked(torch, name, "compile", limit, "--compile-mode", mode)
    item: dict = {"pass": True, "compile_mode": mode, "torch_compile": got}
    if aegis := part.items.get(name, {}).get("aegis"):
        item["compile_over_aegis"] = round(got["epoch_seconds"] / aegis, 3)
    return item
