"""State dicts of small networks with names of all kinds, and what PyTorch rebuilds by them; golden.py
writes them to testdata/pytorch.

A network starts under PyTorch's seed 1, in float64; its parameters are then those of the file's type.
Byte i of the rows is the lowest byte of 37*i >> 1.
"""

from __future__ import annotations

import json

import numpy as np
import torch
from torch import nn

SEED, ROWS = 1, 4
DTYPES = {torch.float16: "F16", torch.bfloat16: "BF16", torch.float32: "F32", torch.float64: "F64", torch.int64: "I64"}


class VAE(nn.Module):
    """Named as in PyTorch's own example of one."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(30, 9), nn.Linear(9, 3), nn.Linear(9, 3)
        self.fc3, self.fc4 = nn.Linear(3, 9), nn.Linear(9, 30)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = torch.relu(self.fc1(x))
        return torch.sigmoid(self.fc4(torch.relu(self.fc3(self.fc21(h)))))


def plain() -> nn.Module:
    """Halves without a name, in float64."""
    encoder = [nn.Linear(30, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)]
    decoder = [nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 30), nn.Tanh()]
    return nn.Sequential(nn.Sequential(*encoder), nn.Sequential(*decoder))


def conv() -> nn.Module:
    """Within another module, with a nn.Flatten and places for dropout, in float16."""
    down = [nn.Conv2d(1, 3, 3, 2, 1), nn.Identity(), nn.ReLU(), nn.Conv2d(3, 4, 3, 2, 1), nn.Identity(), nn.ReLU(), nn.Conv2d(4, 5, (3, 2))]
    up = [nn.ConvTranspose2d(5, 4, (3, 2)), nn.ReLU(), nn.ConvTranspose2d(4, 3, 3, 2, 1, (0, 1)), nn.ReLU()]
    up += [nn.ConvTranspose2d(3, 1, 3, 2, 1, (0, 0)), nn.Sigmoid()]
    return nn.ModuleDict({"enc": nn.Sequential(*down), "dec": nn.Sequential(*up)})


def norm() -> nn.Module:
    """With batch norm whose statistics are not those of the start, in bfloat16."""
    encoder = [nn.Linear(30, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)]
    decoder = [nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 30), nn.Tanh()]
    net = nn.Sequential(nn.Sequential(*encoder), nn.Sequential(*decoder))
    for i, m in enumerate(m for m in net.modules() if isinstance(m, nn.BatchNorm1d)):
        m.running_mean.copy_(torch.linspace(-0.2, 0.3, 8) * (i + 1))
        m.running_var.copy_(torch.linspace(0.1, 1.5, 8) / (i + 1))
    return net


# network, shape of a row, range of pixels, type of the file's values, what wraps all names
CASES = {
    "fc12": (plain, [30], (-1, 1), torch.float64, ""),
    "conv": (conv, [1, 9, 7], (0, 1), torch.float16, "module.model."),
    "vae": (VAE, [30], (0, 1), torch.float32, "module."),
    "norm": (norm, [30], (-1, 1), torch.bfloat16, "model."),
}


def encode_state(state: dict[str, torch.Tensor]) -> bytes:
    """The safetensors file of a state dict, tensors by name."""
    header, values, end = {}, [], 0
    for name, tensor in sorted(state.items()):
        tensor = tensor.contiguous()
        raw = (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy().tobytes()
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [end, end + len(raw)]}
        values.append(raw)
        end += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *values])


def case(name: str) -> tuple[bytes, dict]:
    """A state dict's file, and what its network makes of the rows."""
    build, shape, (low, high), dtype, wrapper = CASES[name]
    torch.manual_seed(SEED)
    with torch.no_grad():
        net = build().double().eval()
        for p in net.parameters():
            p *= 2  # far enough from zero that each counts
        state = {key: v.to(dtype) if v.is_floating_point() else v for key, v in net.state_dict().items()}
        net.load_state_dict({key: v.double() if v.is_floating_point() else v for key, v in state.items()})
        n = ROWS * int(np.prod(shape))
        rows = (np.arange(n) * 37 >> 1).astype(np.uint8)
        x = torch.from_numpy(low + rows.astype(np.float64) / 255 * (high - low)).reshape(ROWS, *shape)
        y = net["dec"](net["enc"](x)) if isinstance(net, nn.ModuleDict) else net(x)
    file = encode_state({wrapper + key: v for key, v in state.items()})
    return file, {"name": name, "rebuilt": y.float().reshape(-1).tolist()}


def files() -> dict[str, bytes]:
    made = {name: case(name) for name in CASES}
    text = "[\n" + ",\n".join(json.dumps(want, separators=(",", ":")) for _, want in made.values()) + "\n]\n"
    return {f"{name}.safetensors": file for name, (file, _) in made.items()} | {"want.json": text.encode()}
