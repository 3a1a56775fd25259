// The plane that the map shows: two directions in the space of the codes.

import type { Page } from "./page";

/** Axis is a direction, of length 1; null: the code has one value, and points are spread across it. */
export interface Axis {
  name: string;
  along: Float64Array | null;
  origin: number; // the mean's place along it, which is 0 on the axis
}

/** axesOf are all that the map can show. */
export function axesOf(page: Page): Axis[] {
  const z = page.latent;
  const list: Axis[] = [];
  const { mean, components, shares } = page.axes;
  if (z > 1)
    components.forEach((c, k) => {
      if (!c) return;
      const along = Float64Array.from(c);
      const share = shares[k] > 0 ? `, ${(100 * shares[k]).toFixed(0)} %` : "";
      list.push({ name: `PC ${k + 1}${share}`, along, origin: dot(along, mean) });
    });
  for (let k = 0; k < z; k++) {
    const along = new Float64Array(z);
    along[k] = 1;
    list.push({ name: `z${k + 1}`, along, origin: 0 });
  }
  if (z === 1) list.push({ name: "spread", along: null, origin: 0 });
  return list;
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

export class Plane {
  constructor(readonly x: Axis, readonly y: Axis) {}

  /** place is where a code lies. */
  place(code: ArrayLike<number>): [number, number] {
    return [along(this.x, code), along(this.y, code)];
  }

  /** moved is the code nearest to another that lies at a place: what the plane does not show stays. */
  moved(code: Float32Array, x: number, y: number): Float32Array {
    const a = this.x.along, b = this.y.along;
    const out = code.slice();
    const dx = x - along(this.x, code), dy = y - along(this.y, code);
    if (!a || !b) {
      for (let i = 0; i < out.length; i++) out[i] += dx * (a?.[i] ?? 0) + dy * (b?.[i] ?? 0);
      return out;
    }
    const ab = dot(a, b), det = 1 - ab * ab; // of the Gram matrix
    const u = det > 1e-9 ? (dx - ab * dy) / det : dx, v = det > 1e-9 ? (dy - ab * dx) / det : 0;
    for (let i = 0; i < out.length; i++) out[i] = code[i] + u * a[i] + v * b[i];
    return out;
  }
}

function along(axis: Axis, code: ArrayLike<number>): number {
  return axis.along ? dot(axis.along, code) - axis.origin : 0;
}

/** spread is a place in (−1, 1) for point i, without a meaning. */
export const spread = (i: number): number => ((i * 0.618033988749895) % 1) * 2 - 1;
