// Noise of the kinds that networks are trained to take away, as model.Corrupted
// draws it, by a generator of its own.

import type { Page } from "./page";

export type Kind = "gaussian" | "mask" | "saltpepper";

/** kindsOf are those that rows can have: salt and pepper needs a least and a greatest value. */
export function kindsOf(page: Page): Array<{ kind: Kind; name: string; most: number; usual: number }> {
  const list: Array<{ kind: Kind; name: string; most: number; usual: number }> = [
    { kind: "gaussian", name: "Gaussian", most: page.ends ? 1 : 3, usual: 0.5 },
    { kind: "mask", name: "Mask", most: 0.95, usual: 0.3 },
  ];
  if (page.ends) list.push({ kind: "saltpepper", name: "Salt and pepper", most: 0.95, usual: 0.1 });
  return list;
}

/** random is Mulberry32: numbers in [0, 1) by a seed. */
export function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** corrupted is a row, as the network reads it, with noise of a kind. */
export function corrupted(page: Page, row: Float32Array, kind: Kind, amount: number, seed: number): Float32Array {
  const draw = random(seed);
  const out = row.slice();
  const vector = page.shape[0] === 0;
  const [lo, hi] = page.ends ?? [0, 1];
  for (let i = 0; i < out.length; i++) {
    const u = draw(), v = draw();
    if (kind === "gaussian") {
      const normal = Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v);
      out[i] += normal * amount * (page.ends ? hi - lo : 1);
      if (page.ends && !vector) out[i] = Math.min(Math.max(out[i], lo), hi);
    } else if (u < amount) {
      if (kind === "saltpepper") out[i] = v < 0.5 ? lo : hi;
      else out[i] = !page.ends || vector ? 0 : lo;
    }
  }
  return out;
}
