"""Cases for every op of model/op, computed by PyTorch in float64; golden.py writes them.

A case is a JSON object:

    op, name      the op, and a name that none of its other cases has
    attrs         activation and alpha of linear, conv2d, convtranspose2d and activation;
                  stride, padding, output_padding of convolutions, each [height, width]; delta of
                  huber; total of a loss: the sum over a row instead of its mean; factor of scale, lerp and
                  runningvariance; epsilon of batch norms
    inputs        linear            x (B,I)      w (O,I)         b (O)
                  conv2d            x (B,C,H,W)  w (O,C,kH,kW)   b (O)
                  convtranspose2d   x (B,C,H,W)  w (C,O,kH,kW)   b (O)
                  activation        x
                  losses            pred, target (B,...)  weights (B), 1 for a row and 0 for padding
                  add, mul, lerp    x, y of one shape
                  scale             x, and s, a scalar, or without
                  channelmean       x (B,C,...)  weights (B)
                  concat            x (B,N)      y (B,M)
                  kl, klmeans, freebits  mu, logvar (B,Z)  weights (B); floor of freebits
                  gaussian          pred, target, weights, and s, the deviation's logarithm (1), or sigma
                  clamp, topk       x, of topk (B,Z); lo and hi; k
                  ratekl            x (B,C)      weights (B); rate
                  mixture           x (B,2), normal  y (B,1), uniform; k, how many Gaussians
                  decay             g, w of one shape: what autograd adds to g; l1, l2
                  batchnorm         x (B,C,...)  gamma, beta (C)  weights (B)
                  runningnorm       x (B,C,...)  mean, variance, gamma, beta (C)
                  runningvariance   x (B,C,...)  variance (C)    weights (B)
    output        what the op gives; of a loss a scalar, the mean over the rows of weight 1 of the
                  mean over a row
    grad_output   what backpropagation starts from, of the output's shape
    grads         by input; of a loss only pred, of scale only x, of lerp, channelmean,
                  runningnorm and runningvariance none

Tensors are {"shape": [...], "data": [...]}, the last dimension fastest.

Inputs are multiples of 2^-10, so they are exact in float32 and short in decimal. They come from
the random numbers of presets.py, so no version of PyTorch changes them.
"""

from __future__ import annotations

import math
from typing import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F

import presets

SEED = 1

# With leakyrelu's slope and elu's scale; 0 where a function has no parameter.
ACTIVATIONS = [
    ("identity", 0),
    ("relu", 0),
    ("leakyrelu", 0.01),
    ("leakyrelu", 0.2),
    ("tanh", 0),
    ("sigmoid", 0),
    ("elu", 1),
    ("gelu", 0),
]

# Both sides of every function's knee, zero itself, and the saturated ends.
SPECIAL = [0, 2**-10, -(2**-10), 0.5, -0.5, 1, -1, 5, -5, 20, -20, 100, -100]


def activate(z: torch.Tensor, activation: str, alpha: float) -> torch.Tensor:
    functions: dict[str, Callable] = {
        "identity": lambda: z,
        "relu": lambda: F.relu(z),
        "leakyrelu": lambda: F.leaky_relu(z, alpha),
        "tanh": lambda: torch.tanh(z),
        "sigmoid": lambda: torch.sigmoid(z),
        "elu": lambda: F.elu(z, alpha),
        "gelu": lambda: F.gelu(z),
        "exp": lambda: torch.exp(alpha * z),
    }
    return functions[activation]()


def linear(x, w, b, activation, alpha):
    return activate(F.linear(x, w, b), activation, alpha)


def conv2d(x, w, b, stride, padding, activation, alpha):
    return activate(F.conv2d(x, w, b, stride, padding), activation, alpha)


def convtranspose2d(x, w, b, stride, padding, output_padding, activation, alpha):
    return activate(F.conv_transpose2d(x, w, b, stride, padding, output_padding), activation, alpha)


def activation_op(x, activation, alpha):
    return activate(x, activation, alpha)


def weighted_loss(values: Callable) -> Callable:
    """A loss of each value as the mean over the rows of weight 1."""

    def loss(pred, target, weights, total=False, **attrs):
        rows = values(pred, target, reduction="none", **attrs).flatten(1)
        rows = rows.sum(1) if total else rows.mean(1)
        return (rows * weights).sum() / weights.sum()

    return loss


LOSSES: dict[str, Callable] = {
    "mse": F.mse_loss,
    "mae": F.l1_loss,
    "huber": F.huber_loss,
    "bce": F.binary_cross_entropy,
    "bcelogits": F.binary_cross_entropy_with_logits,
}

def channel_mean(x, weights):
    rows = x.flatten(2).mean(2) if x.dim() > 2 else x
    return (rows * weights[:, None]).sum(0) / weights.sum()


def kl_means(mu, logvar, weights):
    """The mean divergence from N(0, 1) of each dimension, over the rows of weight 1."""
    prior, code = torch.distributions.Normal(0, 1), torch.distributions.Normal(mu, (logvar / 2).exp())
    return (torch.distributions.kl_divergence(code, prior) * weights[:, None]).sum(0) / weights.sum()


def gaussian(pred, target, weights, sigma=None, s=None):
    """Minus the logarithm of a normal density, summed over a row, the mean over rows of weight 1."""
    density = torch.distributions.Normal(pred, s.exp() if sigma is None else torch.tensor(sigma, dtype=pred.dtype))
    return (-density.log_prob(target).flatten(1).sum(1) * weights).sum() / weights.sum()




def batch_norm(x, gamma, beta, weights, epsilon):
    """Of the rows of weight 1; the others get zeros."""
    rows = weights > 0
    y = torch.zeros_like(x)
    y[rows] = F.batch_norm(x[rows], None, None, gamma, beta, True, 0, epsilon)
    return y


def running_norm(x, mean, variance, gamma, beta, epsilon):
    return F.batch_norm(x, mean, variance, gamma, beta, False, 0, epsilon)


def running_variance(x, variance, weights, factor):
    """What a step of training makes of it."""
    variance = variance.clone()
    F.batch_norm(x[weights > 0], torch.zeros_like(variance), variance, None, None, True, factor)
    return variance


def top_k(x, k):
    kept = torch.topk(x, k, dim=1)
    return torch.zeros_like(x).scatter(1, kept.indices, kept.values)


def rate_kl(x, weights, rate):
    mean = channel_mean(x, weights)
    return (rate * torch.log(rate / mean) + (1 - rate) * torch.log((1 - rate) / (1 - mean))).sum()


def decay(g, w, l1, l2):
    w = w.clone().requires_grad_()
    (l1 * w.abs().sum() + l2 * w.square().sum()).backward()
    return g + w.grad


def mixture(x, y, k):
    """Draws of k Gaussians on a circle of radius 3 whose neighbours are 5 deviations apart."""
    angle = 2 * math.pi / k * torch.floor(y * k)
    return 3 * torch.cat([angle.cos(), angle.sin()], 1) + 6 * math.sin(math.pi / k) / 5 * x


OPS: dict[str, Callable] = {
    "concat": lambda x, y: torch.cat([x, y], 1),
    "klmeans": kl_means,
    "kl": lambda mu, logvar, weights: kl_means(mu, logvar, weights).sum(),
    "freebits": lambda mu, logvar, weights, floor: kl_means(mu, logvar, weights).clamp(min=floor).sum(),
    "gaussian": gaussian,
    "clamp": lambda x, lo, hi: torch.clamp(x, lo, hi),
    "topk": top_k,
    "ratekl": rate_kl,
    "decay": decay,
    "mixture": mixture,
    "batchnorm": batch_norm,
    "runningnorm": running_norm,
    "runningvariance": running_variance,
    "add": lambda x, y: x + y,
    "mul": lambda x, y: x * y,
    "scale": lambda x, factor, s=1: factor * s * x,
    "lerp": lambda x, y, factor: torch.lerp(x, y, factor),
    "channelmean": channel_mean,
    "linear": linear,
    "conv2d": conv2d,
    "convtranspose2d": convtranspose2d,
    "activation": activation_op,
    **{name: weighted_loss(values) for name, values in LOSSES.items()},
}


def draw(what: str, shape: tuple[int, ...], low: float = -1, high: float = 1) -> np.ndarray:
    """Multiples of 2^-10 in [low, high], the same ones for the same name."""
    u = presets.uniform(SEED, f"ops/{what}", int(np.prod(shape)), 1).astype(np.float64)
    return (np.round((low + (u + 1) / 2 * (high - low)) * 1024) / 1024).reshape(shape)


def encode(tensor: torch.Tensor | np.ndarray) -> dict:
    values = np.asarray(tensor, np.float64)
    return {"shape": list(values.shape), "data": values.reshape(-1).tolist()}


def case(op: str, name: str, attrs: dict, inputs: dict[str, np.ndarray], constant: tuple[str, ...] = ()) -> dict:
    """Runs an op forward and back. No gradient is asked for inputs that are constant."""
    tensors = {key: torch.tensor(value, requires_grad=key not in constant) for key, value in inputs.items()}
    output = OPS[op](**tensors, **attrs)
    grad_output = torch.from_numpy(draw(f"{op}/{name}/grad", tuple(output.shape)))
    wanted = [key for key in tensors if key not in constant]
    grads = torch.autograd.grad(output, [tensors[key] for key in wanted], grad_output) if wanted else []
    return {
        "op": op,
        "name": name,
        "attrs": attrs,
        "inputs": {key: encode(value) for key, value in inputs.items()},
        "output": encode(output.detach()),
        "grad_output": encode(grad_output),
        "grads": {key: encode(grad) for key, grad in zip(wanted, grads)},
    }


def layer_case(op: str, name: str, shapes: dict[str, tuple[int, ...]], activation=("identity", 0), **attrs) -> dict:
    """A case of an op with weights and an activation, named and with its parameter."""
    inputs = {key: draw(f"{op}/{name}/{key}", shape) for key, shape in shapes.items()}
    attrs |= {"activation": activation[0], "alpha": activation[1]}
    return case(op, name, attrs, inputs)


def activation_cases() -> Iterator[dict]:
    for activation, alpha in ACTIVATIONS:
        attrs = {"activation": activation, "alpha": alpha}
        name = activation + (f"-{alpha}" if alpha else "")
        yield case("activation", name, attrs, {"x": draw(f"activation/{name}", (3, 7), -4, 4)})
        yield case("activation", name + "-special", attrs, {"x": np.array([SPECIAL], np.float64)})


def linear_cases() -> Iterator[dict]:
    def one(name, b, i, o, activation):
        return layer_case("linear", name, {"x": (b, i), "w": (o, i), "b": (o,)}, activation)

    for activation in ACTIVATIONS:
        yield one(activation[0] + (f"-{activation[1]}" if activation[1] else ""), 3, 5, 4, activation)
    yield one("single", 1, 1, 1, ("identity", 0))
    yield one("row", 1, 9, 2, ("tanh", 0))
    yield one("one-output", 5, 7, 1, ("relu", 0))
    yield one("odd", 9, 17, 11, ("sigmoid", 0))


def conv2d_cases() -> Iterator[dict]:
    def one(name, x, o, kernel, stride=(1, 1), padding=(0, 0), activation=("identity", 0)):
        shapes = {"x": x, "w": (o, x[1], *kernel), "b": (o,)}
        return layer_case("conv2d", name, shapes, activation, stride=list(stride), padding=list(padding))

    yield one("1x1", (2, 3, 4, 5), 2, (1, 1))
    yield one("same", (2, 2, 5, 4), 3, (3, 3), padding=(1, 1), activation=("relu", 0))
    yield one("halving", (2, 1, 8, 8), 4, (3, 3), (2, 2), (1, 1), ("relu", 0))
    yield one("halving-odd", (3, 2, 7, 5), 2, (3, 3), (2, 2), (1, 1), ("leakyrelu", 0.2))
    yield one("whole", (3, 4, 3, 5), 6, (3, 5))
    yield one("asymmetric", (2, 2, 7, 6), 3, (3, 2), (2, 1), (1, 0), ("tanh", 0))
    yield one("asymmetric-other-way", (1, 3, 5, 8), 2, (2, 4), (1, 3), (0, 2), ("elu", 1))
    yield one("rows-left-over", (1, 2, 8, 7), 2, (3, 3), (3, 3), (0, 0), ("sigmoid", 0))
    yield one("padding-of-two", (1, 2, 3, 4), 2, (3, 3), (1, 1), (2, 2), ("leakyrelu", 0.01))
    yield one("gaps", (2, 1, 7, 6), 3, (2, 2), (3, 3), (0, 1), ("gelu", 0))
    yield one("one-row", (2, 1, 1, 9), 2, (1, 4), (1, 2), (0, 1), ("relu", 0))


def convtranspose2d_cases() -> Iterator[dict]:
    def one(name, x, o, kernel, stride=(1, 1), padding=(0, 0), output_padding=(0, 0), activation=("identity", 0)):
        shapes = {"x": x, "w": (x[1], o, *kernel), "b": (o,)}
        attrs = {"stride": list(stride), "padding": list(padding), "output_padding": list(output_padding)}
        return layer_case("convtranspose2d", name, shapes, activation, **attrs)

    yield one("1x1", (2, 3, 3, 2), 2, (1, 1))
    yield one("from-code", (3, 5, 1, 1), 4, (3, 5), activation=("relu", 0))
    yield one("doubling", (2, 3, 4, 4), 2, (3, 3), (2, 2), (1, 1), (1, 1), ("sigmoid", 0))
    yield one("doubling-odd", (2, 3, 4, 3), 2, (3, 3), (2, 2), (1, 1), (0, 0), ("relu", 0))
    yield one("doubling-mixed", (1, 2, 3, 5), 3, (3, 3), (2, 2), (1, 1), (1, 0), ("leakyrelu", 0.2))
    yield one("asymmetric", (2, 2, 4, 5), 3, (3, 2), (2, 1), (1, 0), (1, 0), ("tanh", 0))
    yield one("asymmetric-other-way", (1, 3, 4, 2), 1, (2, 4), (1, 3), (0, 2), (0, 2), ("elu", 1))
    yield one("gaps", (2, 1, 3, 2), 2, (2, 2), (3, 3), (0, 0), (2, 1), ("leakyrelu", 0.01))
    yield one("cropped", (1, 2, 4, 3), 2, (4, 3), (1, 1), (2, 1), (0, 0), ("gelu", 0))


def loss_inputs(op: str, name: str, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """pred and target. Cross-entropies take targets in [0,1], here with an exact 0 and 1 among them."""
    probability = op in ("bce", "bcelogits")
    pred_range = {"bce": (2**-4, 1 - 2**-4), "bcelogits": (-4, 4)}.get(op, (-2, 2))
    pred = draw(f"{op}/{name}/pred", shape, *pred_range)
    target = draw(f"{op}/{name}/target", shape, 0 if probability else -2, 1 if probability else 2)
    if probability and target.size > 2:
        target.flat[:2] = 0, 1
    return pred, target


def loss_cases() -> Iterator[dict]:
    def one(op, name, pred, target, weights, **attrs):
        inputs = {"pred": pred, "target": target, "weights": weights}
        return case(op, name, attrs, {k: np.array(v, np.float64) for k, v in inputs.items()}, ("target", "weights"))

    for op, attrs in (
        ("mse", {}),
        ("mae", {}),
        ("huber", {"delta": 1}),
        ("huber", {"delta": 0.5}),
        ("bce", {}),
        ("bcelogits", {}),
    ):
        suffix = f"-{attrs['delta']}" if attrs else ""
        for name, shape, weights in (
            ("single", (1, 1), [1]),
            ("full", (3, 5), [1, 1, 1]),
            ("padded", (5, 7), [1, 1, 0, 1, 0]),
            ("images", (3, 1, 3, 2), [1, 1, 0]),
        ):
            yield one(op, name + suffix, *loss_inputs(op, name, shape), weights, **attrs)

    # The derivative at a difference of 0, and at huber's knees.
    yield one("mae", "ties", [[0.5, 0.25, -1]], [[0.5, 0.5, -1.25]], [1])
    for delta in (1, 0.5):
        pred = [[0, delta, -delta, delta + 2**-10, -3]]
        yield one("huber", f"knees-{delta}", pred, [[0] * 5], [1], delta=delta)
    # Clamped: logarithms at -100, the derivative's denominator at 1e-12. Apart from sound values,
    # whose gradients are too small to be seen beside these.
    yield one("bce", "clamped", [[0, 0, 1, 1]], [[0, 1, 0, 1]], [1])
    yield one("bce", "clamped-half", [[0, 1]], [[0.5, 0.5]], [1])
    yield one("bcelogits", "large", [[-100, -100, 100, 100, 0, 20, -20]], [[0, 1, 0, 1, 0.5, 1, 0.25]], [1])


    # The sum over a row.
    for op in ("mse", "bcelogits"):
        yield one(op, "total", *loss_inputs(op, "total", (4, 3)), [1, 0, 1, 1], total=True)


def elementwise_cases() -> Iterator[dict]:
    def pair(op, constant=(), **attrs):
        return case(op, "plain", attrs, {key: draw(f"{op}/{key}", (3, 2, 2)) for key in ("x", "y")}, constant)

    yield pair("add")
    yield pair("mul")
    yield pair("lerp", ("x", "y"), factor=0.25)
    x = draw("scale/x", (3, 4))
    yield case("scale", "constant", {"factor": -1.5}, {"x": x})
    yield case("scale", "scalar", {"factor": 1}, {"x": x, "s": np.array(0.375)}, ("s",))
    for name, shape in (("rows", (4, 3)), ("images", (4, 2, 3, 2))):
        inputs = {"x": draw(f"channelmean/{name}", shape), "weights": np.array([1.0, 1, 0, 1])}
        yield case("channelmean", name, {}, inputs, ("x", "weights"))


def variational_cases() -> Iterator[dict]:
    """What came with variational networks; behind the others, which stay as they are."""
    for alpha in (0.5, 1):
        x = draw(f"activation/exp-{alpha}", (3, 7), -4, 4)
        yield case("activation", f"exp-{alpha}", {"activation": "exp", "alpha": alpha}, {"x": x})
    yield layer_case("linear", "exp", {"x": (3, 5), "w": (4, 5), "b": (4,)}, ("exp", 0.5))
    yield case("concat", "plain", {}, {"x": draw("concat/x", (3, 4)), "y": draw("concat/y", (3, 2))})
    inputs = {"mu": draw("kl/mu", (4, 3), -2, 2), "logvar": draw("kl/logvar", (4, 3), -3, 3)}
    inputs["weights"] = np.array([1.0, 1, 0, 1])
    for op, attrs in (("kl", {}), ("klmeans", {}), ("freebits", {"floor": 1.5}), ("freebits", {"floor": 0})):
        yield case(op, "padded" + "".join(f"-{v}" for v in attrs.values()), attrs, inputs, ("weights",))
    inputs = dict(zip(("pred", "target"), loss_inputs("mse", "gaussian", (4, 1, 2, 3))))
    inputs["weights"] = np.array([1.0, 0, 1, 1])
    yield case("gaussian", "fixed", {"sigma": 0.5}, inputs, ("target", "weights"))
    yield case("gaussian", "learned", {}, inputs | {"s": np.array([-0.75])}, ("target", "weights"))
def batchnorm_cases() -> Iterator[dict]:
    for name, shape, weights in (
        ("rows", (4, 3), [1, 1, 1, 1]),
        ("more-rows", (6, 2), [1, 1, 1, 1, 1, 1]),
        ("images", (3, 2, 3, 2), [1, 1, 1]),
        ("one-image", (1, 2, 3, 2), [1]),
    ):
        x, channels = draw(f"batchnorm/{name}/x", shape), shape[1]
        gamma, beta = (draw(f"batchnorm/{name}/{key}", (channels,)) for key in ("gamma", "beta"))
        mean, variance = draw(f"batchnorm/{name}/mean", (channels,)), draw(f"batchnorm/{name}/variance", (channels,), 0.25, 2)
        scale, rows = {"gamma": gamma, "beta": beta}, {"weights": np.array(weights, np.float64)}
        yield case("batchnorm", name, {"epsilon": 1e-5}, {"x": x, **scale, **rows}, ("weights",))
        running = {"x": x, "mean": mean, "variance": variance, **scale}
        yield case("runningnorm", name, {"epsilon": 1e-3}, running, tuple(running))
        yield case("runningvariance", name, {"factor": 0.1}, {"x": x, "variance": variance, **rows}, ("x", "variance", "weights"))
    x = draw("batchnorm/padded/x", (4, 3))
    rows = {"weights": np.array([1.0, 0, 1, 1])}
    variance = draw("batchnorm/padded/variance", (3,), 0.25, 2)
    yield case("runningvariance", "padded", {"factor": 0.1}, {"x": x, "variance": variance, **rows}, ("x", "variance", "weights"))


def regular_cases() -> Iterator[dict]:
    x = draw("clamp/x", (3, 5), -2, 2)
    x[0, :3] = -1, 0.5, 1
    yield case("clamp", "range", {"lo": -1, "hi": 0.5}, {"x": x})
    for name, shape, k in (("some", (4, 7), 3), ("one", (2, 5), 1), ("all", (2, 3), 3), ("images", (3, 6, 1, 1), 2)):
        yield case("topk", name, {"k": k}, {"x": draw(f"topk/{name}/x", shape)})
    for name, weights in (("full", [1, 1, 1, 1]), ("padded", [1, 0, 1, 1])):
        inputs = {"x": draw(f"ratekl/{name}", (4, 3), 2**-6, 1 - 2**-6), "weights": np.array(weights, np.float64)}
        yield case("ratekl", name, {"rate": 0.125}, inputs, ("weights",))
    g, w = draw("decay/g", (3, 4)), draw("decay/w", (3, 4))
    w[0, 0] = 0
    for name, l1, l2 in (("l1", 0.25, 0), ("l2", 0, 0.125), ("both", 0.5, 0.25)):
        yield case("decay", name, {"l1": l1, "l2": l2}, {"g": g, "w": w}, ("g", "w"))


def mixture_cases() -> Iterator[dict]:
    for k in (2, 7, 100):
        inputs = {"x": draw("mixture/x", (9, 2), -2, 2), "y": draw("mixture/y", (9, 1), 0, 1)}
        inputs["y"][:2, 0] = 0, 1 - 2**-10
        yield case("mixture", f"{k}", {"k": k}, inputs, ("x", "y"))


def cases() -> list[dict]:
    """All cases, in the order of the file."""
    parts = (linear_cases, conv2d_cases, convtranspose2d_cases, activation_cases, loss_cases, elementwise_cases,
             variational_cases, batchnorm_cases, regular_cases, mixture_cases)
    return [one for part in parts for one in part()]
