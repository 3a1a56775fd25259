// The model: rows as the network reads them, codes, what it makes of both, and
// scores.

import { Flow } from "./flow";
import type { Page } from "./page";
import { divergence, lossOf, smoothed, standardised } from "./score";

/** Judged is what the model says of an input. */
export interface Judged {
  code: Float32Array;
  output: Float32Array; // as the network writes it
  loss: number;
  score: number | null; // null: the page has no detector
  anomalous: boolean;
}

export class Model {
  readonly size: number; // values of a row
  readonly image: boolean;
  private encoder!: Flow;
  private decoder!: Flow;
  private logits: Flow | null = null;
  private logvar: Flow | null = null;
  private exact: [Flow, Flow] | null = null; // encoder and decoder in float64, by which vectors are scored

  constructor(readonly page: Page, weights: Float32Array, readonly rows: Uint8Array | Float32Array, readonly labels: Uint8Array | null, private readonly scores: Float64Array | null) {
    const [c, h, w] = page.shape;
    this.image = c > 0;
    this.size = this.image ? c * h * w : w;
    this.setWeights(weights);
  }

  /** setWeights changes what the network has learned. */
  setWeights(weights: Float32Array): void {
    const { page } = this;
    const classes = page.classes?.length ?? 0;
    const flow = (name: string): Flow | null => (page.parts[name] ? new Flow(page.parts[name], page, weights, classes) : null);
    this.encoder = flow("encode") as Flow;
    this.decoder = flow("decode") as Flow;
    this.logits = flow("decode-logits");
    this.logvar = flow("logvar");
    if (page.detector?.formula === "standardised")
      this.exact = [new Flow(page.parts.encode, page, weights, classes, true), new Flow(page.parts.decode, page, weights, classes, true)];
  }

  /** row is row i as the network reads it. */
  row(i: number): Float32Array {
    const raw = this.rows.subarray(i * this.size, (i + 1) * this.size);
    const out = new Float32Array(this.size);
    const s = this.page.scaling;
    if (s.kind === "range" && raw instanceof Uint8Array) {
      const factor = Math.fround(Math.fround(s.hi - s.lo) / 255);
      for (let j = 0; j < out.length; j++) out[j] = Math.fround(raw[j] * factor) + s.lo;
      return out;
    }
    const n = s.factor?.length ?? 0;
    for (let j = 0; j < out.length; j++) {
      out[j] = raw[j];
      if (s.factor && s.shift) out[j] = Math.fround(out[j] - s.shift[j % n]) * s.factor[j % n];
    }
    return out;
  }

  /** undo brings values of the network back to the units of the rows. */
  undo(values: ArrayLike<number>): Float32Array {
    const out = Float32Array.from(values);
    const s = this.page.scaling;
    if (!s.factor || !s.shift) return out;
    const n = s.factor.length;
    for (let j = 0; j < out.length; j++) out[j] = Math.fround(out[j] / s.factor[j % n]) + s.shift[j % n];
    return out;
  }

  label(i: number): number {
    return this.labels ? this.labels[i] : 0;
  }

  encode(input: ArrayLike<number>, label: number): Float32Array {
    return Float32Array.from(this.encoder.run(input, label));
  }

  /** decode returns a row as the network writes it. */
  decode(code: ArrayLike<number>, label: number): Float32Array {
    return Float32Array.from(this.decoder.run(code, label));
  }

  /** judgeRow is judge of row i, with the score that Go gave it: at the threshold the last digit decides. */
  judgeRow(i: number): Judged {
    const j = this.judge(this.row(i), this.label(i));
    if (!this.scores) return j;
    return { ...j, score: this.scores[i], anomalous: this.scores[i] > (this.page.detector?.threshold ?? Infinity) };
  }

  /** judge encodes and decodes an input, and scores it. */
  judge(input: Float32Array, label: number): Judged {
    const code = this.encode(input, label);
    const output = this.decode(code, label);
    const { loss: how, detector, shape } = this.page;
    let loss = lossOf(how, this.logits ? this.logits.run(code, label) : output, input);
    if (this.logvar) loss += divergence(code, this.logvar.run(input, label));
    let score: number | null = null;
    if (detector?.formula === "likelihood") score = loss;
    else if (detector?.formula === "smoothed") score = smoothed(shape, input, output);
    else if (detector && this.exact) score = standardised(detector, input, this.exact[1].run(this.exact[0].run(input, label), label));
    return { code, output, loss, score, anomalous: score !== null && score > (detector?.threshold ?? 0) };
  }
}
