// Losses and scores of one row, in float64, as internal/infer and internal/detect
// compute them.

import type { Detector, Loss } from "./page";

type Values = ArrayLike<number>;

/** lossOf is the loss of a row: predicted is logits where the kind says so. */
export function lossOf(loss: Loss, predicted: Values, row: Values): number {
  const beyondNats = 100; // for each unit that a chance lies beyond 0 and 1
  let sum = 0, beyond = 0;
  for (let i = 0; i < row.length; i++) {
    let target = row[i];
    if (loss.chances && !(target >= 0 && target <= 1)) {
      beyond += Math.max(target - 1, -target);
      target = Math.min(Math.max(target, 0), 1);
    }
    sum += at(loss, predicted[i], target);
  }
  sum += beyond * beyondNats;
  return loss.sum ? sum : sum / row.length;
}

function at(loss: Loss, p: number, t: number): number {
  switch (loss.kind) {
    case "mse":
      return (p - t) * (p - t);
    case "mae":
      return Math.abs(p - t);
    case "huber": {
      const d = Math.abs(p - t);
      return d <= loss.delta ? (d * d) / 2 : loss.delta * (d - loss.delta / 2);
    }
    case "bcelogits":
      return Math.log1p(Math.exp(-Math.abs(p))) - p * t + Math.max(p, 0);
    case "gaussian": {
      const d = (p - t) / loss.delta;
      return (d * d) / 2 + Math.log(loss.delta) + Math.log(2 * Math.PI) / 2;
    }
  }
  throw new Error(`score: unknown loss ${loss.kind}`);
}

/** divergence is that of a code's distribution from N(0, 1), in nats. */
export function divergence(mu: Values, logvar: Values): number {
  let sum = 0;
  for (let i = 0; i < mu.length; i++) sum += (mu[i] * mu[i] + Math.expm1(logvar[i]) - logvar[i]) / 2;
  return sum;
}

/** standardised is a vector's score. */
export function standardised(d: Detector, row: Values, rebuilt: Values): number {
  let sum = 0;
  for (let j = 0; j < row.length; j++) {
    const e = deviation(d, j, row[j], rebuilt[j]);
    sum += e * e;
  }
  return sum / row.length;
}

/** deviation is a value's standardised error. */
export function deviation(d: Detector, j: number, value: number, rebuilt: number): number {
  return (value - rebuilt - (d.center?.[j] ?? 0)) / (d.scale?.[j] ?? 1);
}

/** smoothed is an image's score: its errors averaged over 3×3 pixels, squared. */
export function smoothed([C, H, W]: number[], row: Values, rebuilt: Values): number {
  let total = 0;
  for (let c = 0; c < C; c++) {
    const base = c * H * W;
    for (let y = 0; y < H; y++)
      for (let x = 0; x < W; x++) {
        let sum = 0;
        for (let v = Math.max(0, y - 1); v <= Math.min(H - 1, y + 1); v++)
          for (let u = Math.max(0, x - 1); u <= Math.min(W - 1, x + 1); u++) {
            const i = base + v * W + u;
            sum += row[i] - rebuilt[i];
          }
        total += ((sum / 9) * (sum / 9)) / C;
      }
  }
  return total / (H * W);
}
