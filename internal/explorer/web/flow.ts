// The network: runs the operations of a part one after the other, in float32. A
// sum of products is one chain of multiply-adds in the order of the inputs, each
// rounded once, as the Go package's kernels make it: a product of two float32 is
// exact in float64, so that rounding the sum gives what a fused multiply-add does.
// A transposed convolution adds in float64, and so does all of a part that is exact.

import { activation } from "./activation";
import type { Page, Part, Step } from "./page";

type Values = Float32Array | Float64Array;

const size = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);

/** Flow is a part of the network with memory for what lies between. */
export class Flow {
  private readonly values = new Map<string, Values>();
  private readonly runs: Array<() => void> = [];
  private readonly shapes = new Map<string, number[]>();

  /** exact: what lies between is in float64, as where scores divide by small scales. */
  constructor(private readonly part: Part, page: Page, weights: Float32Array, private readonly classes: number, private readonly exact = false) {
    const memory = (n: number): Values => (exact ? new Float64Array(n) : new Float32Array(n));
    const given = part.given === "codes" ? [page.latent] : page.shape[0] ? page.shape.slice() : [page.shape[2]];
    this.shapes.set(part.given, given);
    this.values.set(part.given, memory(size(given)));
    if (part.labels) {
      this.shapes.set("labels", [classes]);
      this.values.set("labels", memory(classes));
    }
    for (const [name, p] of Object.entries(page.params)) {
      this.shapes.set(name, p.shape);
      this.values.set(name, weights.subarray(p.at, p.at + size(p.shape)));
    }
    for (const step of part.steps) {
      const out = memory(size(step.shape));
      this.runs.push(this.compile(step, out));
      this.shapes.set(step.name, step.shape);
      this.values.set(step.name, out);
    }
  }

  /** run computes the part of one row. The result is valid until the next run. */
  run(given: ArrayLike<number>, label: number): Values {
    this.of(this.part.given).set(given);
    if (this.part.labels) {
      const hot = this.of("labels").fill(0);
      hot[Math.min(Math.max(label, 0), this.classes - 1)] = 1;
    }
    for (const run of this.runs) run();
    return this.of(this.part.result);
  }

  private of(name: string): Values {
    const v = this.values.get(name);
    if (!v) throw new Error(`flow: no value ${name}`);
    return v;
  }

  private shape(name: string): number[] {
    return this.shapes.get(name) ?? [];
  }

  private compile(s: Step, out: Values): () => void {
    const [a, b, c, d, e] = s.in.map((name) => this.of(name));
    const f = activation(s.act ?? "identity", s.alpha ?? 0);
    switch (s.op) {
      case "linear":
        return this.exact ? () => linearExact(out, a, b, c, f) : () => linear(out, a, b, c, f);
      case "conv":
        return conv(s, out, a, b, c, this.shape(s.in[0]), this.shape(s.in[1]), f);
      case "convtranspose":
        return convTranspose(s, out, a, b, c, this.shape(s.in[0]), this.shape(s.in[1]), f);
      case "norm":
        return () => norm(out, a, b, c, d, e, s.epsilon ?? 0, this.exact ? (v) => v : Math.fround);
      case "activation":
        return () => each(out, (i) => f(a[i]));
      case "reshape":
        return () => out.set(a);
      case "concat":
        return () => {
          out.set(a);
          out.set(b, a.length);
        };
      case "topk":
        return () => topK(out, a, s.k ?? 0);
    }
    throw new Error(`flow: unknown operation ${s.op}`);
  }
}

function each(out: Values, value: (i: number) => number): void {
  for (let i = 0; i < out.length; i++) out[i] = value(i);
}

type Function1 = (z: number) => number;

/** linearExact is linear in float64. */
function linearExact(out: Values, x: Values, w: Values, b: Values, f: Function1): void {
  for (let o = 0, at = 0; o < out.length; o++) {
    let sum = b[o];
    for (let i = 0; i < x.length; i++, at++) sum += w[at] * x[i];
    out[o] = f(sum);
  }
}

/** linear is f(x·Wᵀ + b), W (outputs, inputs). */
function linear(out: Values, x: Values, w: Values, b: Values, f: Function1): void {
  const n = x.length, outputs = out.length;
  let o = 0;
  for (; o + 3 < outputs; o += 4) { // four chains at once, none of which waits for another
    let a = b[o], c = b[o + 1], d = b[o + 2], e = b[o + 3];
    for (let i = 0, at = o * n; i < n; i++, at++) {
      const v = x[i];
      a = Math.fround(a + w[at] * v);
      c = Math.fround(c + w[at + n] * v);
      d = Math.fround(d + w[at + 2 * n] * v);
      e = Math.fround(e + w[at + 3 * n] * v);
    }
    out[o] = f(a);
    out[o + 1] = f(c);
    out[o + 2] = f(d);
    out[o + 3] = f(e);
  }
  for (; o < outputs; o++) {
    let a = b[o];
    for (let i = 0, at = o * n; i < n; i++, at++) a = Math.fround(a + w[at] * x[i]);
    out[o] = f(a);
  }
}

/** finish writes f of sums, with the bias of each plane. */
function finish(out: Values, sums: Float64Array, bias: Values, area: number, f: Function1): void {
  for (let i = 0; i < out.length; i++) out[i] = f(Math.fround(sums[i] + bias[(i / area) | 0]));
}

/** Meets are, for each place of a kernel, the first and one behind the last i < most with 0 ≤ i·stride + place − padding < n. */
function meets(n: number, stride: number, padding: number, kernel: number, most: number): Array<[number, number]> {
  return Array.from({ length: kernel }, (_, u) => {
    const shift = u - padding;
    const from = shift >= 0 ? 0 : Math.ceil(-shift / stride);
    return [from, Math.max(from, Math.min(most, Math.floor((n - 1 - shift) / stride) + 1))];
  });
}

/** conv is a convolution of x (C,H,W) by w (O,C,kH,kW). A sum goes over the kernel's places first, then over channels. */
function conv(s: Step, out: Values, x: Values, w: Values, b: Values, [C, H, W]: number[], [O, , kH, kW]: number[], f: Function1): () => void {
  const [sh, sw] = s.stride ?? [1, 1];
  const [ph, pw] = s.padding ?? [0, 0];
  const [, oH, oW] = s.shape;
  const down = meets(H, sh, ph, kH, oH), across = meets(W, sw, pw, kW, oW);
  const area = oH * oW;
  return () => {
    for (let o = 0; o < O; o++) {
      out.fill(b[o], o * area, (o + 1) * area);
      for (let u = 0; u < kH; u++) {
        const i0 = down[u][0], i1 = down[u][1];
        for (let v = 0; v < kW; v++) {
          const j0 = across[v][0], j1 = across[v][1];
          for (let c = 0; c < C; c++) {
            const weight = w[((o * C + c) * kH + u) * kW + v];
            for (let i = i0; i < i1; i++) {
              const to = o * area + i * oW;
              const from = (c * H + i * sh + u - ph) * W + v - pw;
              for (let j = j0; j < j1; j++) out[to + j] += weight * x[from + j * sw]; // rounded as it is stored
            }
          }
        }
      }
    }
    for (let i = 0; i < out.length; i++) out[i] = f(out[i]);
  };
}

/** convTranspose is a transposed convolution of x (C,H,W) by w (C,O,kH,kW). */
function convTranspose(s: Step, out: Values, x: Values, w: Values, b: Values, [C, H, W]: number[], [, O, kH, kW]: number[], f: Function1): () => void {
  const [sh, sw] = s.stride ?? [1, 1];
  const [ph, pw] = s.padding ?? [0, 0];
  const [, oH, oW] = s.shape;
  const down = meets(oH, sh, ph, kH, H), across = meets(oW, sw, pw, kW, W);
  const sums = new Float64Array(out.length);
  return () => {
    sums.fill(0);
    for (let c = 0; c < C; c++)
      for (let o = 0; o < O; o++)
        for (let u = 0; u < kH; u++) {
          const i0 = down[u][0], i1 = down[u][1];
          for (let v = 0; v < kW; v++) {
            const weight = w[((c * O + o) * kH + u) * kW + v];
            const j0 = across[v][0], j1 = across[v][1];
            for (let i = i0; i < i1; i++) {
              const to = (o * oH + i * sh + u - ph) * oW + v - pw;
              const from = (c * H + i) * W;
              for (let j = j0; j < j1; j++) sums[to + j * sw] += weight * x[from + j];
            }
          }
        }
    finish(out, sums, b, oH * oW, f);
  };
}

/** norm is batch norm by running statistics, of (C) or (C,H,W). */
function norm(out: Values, x: Values, mean: Values, variance: Values, gamma: Values, beta: Values, epsilon: number, round: Function1): void {
  const area = x.length / mean.length;
  for (let i = 0; i < out.length; i++) {
    const c = (i / area) | 0;
    out[i] = round((x[i] - mean[c]) / Math.sqrt(variance[c] + epsilon)) * gamma[c] + beta[c];
  }
}

/** topK keeps the k largest values, of equal ones the first. */
function topK(out: Values, x: Values, k: number): void {
  const order = Array.from(x.keys()).sort((i, j) => x[j] - x[i] || i - j);
  out.fill(0);
  for (const i of order.slice(0, k)) out[i] = x[i];
}
