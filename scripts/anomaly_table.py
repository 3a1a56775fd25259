"""Tables of rows near a curved manifold, a few of them anomalies of three kinds.

python3 scripts/anomaly_table.py DIR [--rows 100000] [--columns 30] [--share 0.01] [--factors 5] [--shape mlp|sine|quadratic] [--seed 1]

DIR gets table.npy (rows, columns), float32, and truth.npz: kind of each row
(0 normal, 1 two columns shifted by 4 of their standard deviations, 2 broken
correlation: half of the columns taken from another row, 3 noise scaled up) and
shifted (rows, 2), the columns that were shifted, -1 where none.
"""

import argparse
import pathlib

import numpy as np


def manifold(rng, factors, columns, shape):
    """A smooth nonlinear function of some factors into some columns."""
    if shape == "mlp":
        w1, w2 = rng.normal(size=(factors, 64)), rng.normal(size=(64, columns)) / 8
        b = rng.normal(size=64)
        return lambda z: np.tanh(z @ w1 / np.sqrt(factors) * 1.5 + b) @ w2
    if shape == "sine":
        w, phase = rng.normal(size=(factors, columns)), rng.uniform(0, 2 * np.pi, size=columns)
        return lambda z: np.sin(z @ w + phase)
    if shape == "quadratic":
        w, q = rng.normal(size=(factors, columns)), rng.normal(size=(factors * factors, columns)) / factors
        return lambda z: z @ w + (z[:, :, None] * z[:, None, :]).reshape(len(z), -1) @ q
    raise SystemExit(f"shape {shape}; want mlp, sine or quadratic")


def table(rows=100_000, columns=30, share=0.01, factors=5, shape="mlp", noise=0.1, seed=1):
    rng = np.random.default_rng(seed)
    function = manifold(rng, factors, columns, shape)
    z = rng.normal(size=(rows, factors))
    clean = function(z)
    sigma = clean.std(0)
    clean /= sigma
    x = clean + noise * rng.normal(size=clean.shape)
    kind = np.zeros(rows, np.int8)
    shifted = np.full((rows, 2), -1)
    strange = rng.permutation(rows)[: int(rows * share)]
    for number, row in enumerate(strange):
        kind[row] = 1 + number % 3
        if kind[row] == 1:
            two = rng.choice(columns, 2, replace=False)
            shifted[row] = np.sort(two)
            x[row, two] += 4 * rng.choice([-1, 1], 2)
        elif kind[row] == 2:
            half = rng.choice(columns, columns // 2, replace=False)
            x[row, half] = x[rng.integers(rows), half]
        else:
            x[row] = clean[row] + 4 * noise * rng.normal(size=columns)
    scale, offset = 10 ** rng.uniform(-2, 3, columns), rng.normal(size=columns) * 10
    return ((x + offset) * scale).astype(np.float32), kind, shifted


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("dir", type=pathlib.Path)
    p.add_argument("--rows", type=int, default=100_000)
    p.add_argument("--columns", type=int, default=30)
    p.add_argument("--share", type=float, default=0.01)
    p.add_argument("--factors", type=int, default=5)
    p.add_argument("--shape", default="mlp", choices=["mlp", "sine", "quadratic"])
    p.add_argument("--noise", type=float, default=0.1)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    x, kind, shifted = table(a.rows, a.columns, a.share, a.factors, a.shape, a.noise, a.seed)
    a.dir.mkdir(parents=True, exist_ok=True)
    np.save(a.dir / "table.npy", x)
    np.savez(a.dir / "truth.npz", kind=kind, shifted=shifted)


if __name__ == "__main__":
    main()
