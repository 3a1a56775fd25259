// The network: runs the operations of a part one after the other. Weights and
// what lies between operations are float32; sums are float64, which is nearer to
// what float32 should give than any order of float32 sums.

import { activation } from "./activation";
import type { Page, Part, Step } from "./page";

type Values = Float32Array;

const size = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);

/** Flow is a part of the network with memory for what lies between. */
export class Flow {
  private readonly values = new Map<string, Values>();
  private readonly runs: Array<() => void> = [];
  private readonly shapes = new Map<string, number[]>();

  constructor(private readonly part: Part, page: Page, weights: Values, private readonly classes: number) {
    const given = part.given === "codes" ? [page.latent] : page.shape[0] ? page.shape.slice() : [page.shape[2]];
    this.shapes.set(part.given, given);
    this.values.set(part.given, new Float32Array(size(given)));
    if (part.labels) {
      this.shapes.set("labels", [classes]);
      this.values.set("labels", new Float32Array(classes));
    }
    for (const [name, p] of Object.entries(page.params)) {
      this.shapes.set(name, p.shape);
      this.values.set(name, weights.subarray(p.at, p.at + size(p.shape)));
    }
    for (const step of part.steps) {
      const out = new Float32Array(size(step.shape));
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
    const factor = s.factor ?? 0;
    switch (s.op) {
      case "linear":
        return () => linear(out, a, b, c, f);
      case "conv":
        return conv(s, out, a, b, c, this.shape(s.in[0]), this.shape(s.in[1]), f);
      case "convtranspose":
        return convTranspose(s, out, a, b, c, this.shape(s.in[0]), this.shape(s.in[1]), f);
      case "norm":
        return () => norm(out, a, b, c, d, e, s.epsilon ?? 0);
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
      case "add":
        return () => each(out, (i) => a[i] + b[i]);
      case "mul":
        return () => each(out, (i) => a[i] * b[i]);
      case "scale":
        return () => each(out, (i) => a[i] * factor);
      case "clamp":
        return () => each(out, (i) => Math.min(Math.max(a[i], s.lo ?? 0), s.hi ?? 0));
      case "lerp":
        return () => each(out, (i) => a[i] + factor * (b[i] - a[i]));
    }
    throw new Error(`flow: unknown operation ${s.op}`);
  }
}

function each(out: Values, value: (i: number) => number): void {
  for (let i = 0; i < out.length; i++) out[i] = value(i);
}

type Function1 = (z: number) => number;

/** linear is f(x·Wᵀ + b), W (outputs, inputs). */
function linear(out: Values, x: Values, w: Values, b: Values, f: Function1): void {
  const inputs = x.length;
  for (let o = 0, at = 0; o < out.length; o++, at += inputs) {
    let s0 = 0, s1 = 0, s2 = 0, s3 = 0, i = 0;
    for (; i + 3 < inputs; i += 4) {
      s0 += w[at + i] * x[i];
      s1 += w[at + i + 1] * x[i + 1];
      s2 += w[at + i + 2] * x[i + 2];
      s3 += w[at + i + 3] * x[i + 3];
    }
    for (; i < inputs; i++) s0 += w[at + i] * x[i];
    out[o] = f(Math.fround(b[o] + (s0 + s1 + (s2 + s3))));
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

/** conv is a convolution of x (C,H,W) by w (O,C,kH,kW). */
function conv(s: Step, out: Values, x: Values, w: Values, b: Values, [C, H, W]: number[], [O, , kH, kW]: number[], f: Function1): () => void {
  const [sh, sw] = s.stride ?? [1, 1];
  const [ph, pw] = s.padding ?? [0, 0];
  const [, oH, oW] = s.shape;
  const down = meets(H, sh, ph, kH, oH), across = meets(W, sw, pw, kW, oW);
  const sums = new Float64Array(out.length);
  return () => {
    sums.fill(0);
    for (let o = 0; o < O; o++)
      for (let c = 0; c < C; c++)
        for (let u = 0; u < kH; u++) {
          const i0 = down[u][0], i1 = down[u][1];
          for (let v = 0; v < kW; v++) {
            const weight = w[((o * C + c) * kH + u) * kW + v];
            const j0 = across[v][0], j1 = across[v][1];
            for (let i = i0; i < i1; i++) {
              const to = (o * oH + i) * oW;
              const from = (c * H + i * sh + u - ph) * W + v - pw;
              for (let j = j0; j < j1; j++) sums[to + j] += weight * x[from + j * sw];
            }
          }
        }
    finish(out, sums, b, oH * oW, f);
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
function norm(out: Values, x: Values, mean: Values, variance: Values, gamma: Values, beta: Values, epsilon: number): void {
  const area = x.length / mean.length;
  for (let i = 0; i < out.length; i++) {
    const c = (i / area) | 0;
    out[i] = Math.fround((x[i] - mean[c]) / Math.sqrt(variance[c] + epsilon)) * gamma[c] + beta[c];
  }
}

/** topK keeps the k largest values, of equal ones the first. */
function topK(out: Values, x: Values, k: number): void {
  const order = Array.from(x.keys()).sort((i, j) => x[j] - x[i] || i - j);
  out.fill(0);
  for (const i of order.slice(0, k)) out[i] = x[i];
}
