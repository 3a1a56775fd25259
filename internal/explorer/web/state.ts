// What the page is about at a moment: a code, what the decoder makes of it and,
// where there is an input, what the model says of that.

import type { Judged, Model } from "./model";

export class State {
  label = 0;
  row = -1; // number of the point; −1: the code is of none
  what = ""; // in words
  input: Float32Array | null = null;
  judged: Judged | null = null;
  code: Float32Array;
  output: Float32Array;
  decodeMs = 0; // what the last decoding took
  private readonly listeners: Array<() => void> = [];

  constructor(readonly model: Model) {
    this.code = new Float32Array(model.page.latent);
    this.output = new Float32Array(model.size);
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** setCode goes to a code that is no input's. */
  setCode(code: Float32Array, what: string): void {
    this.row = -1;
    this.input = this.judged = null;
    this.code = code;
    this.what = what;
    this.decode();
  }

  /** setInput goes to the code of an input. */
  setInput(input: Float32Array, what: string, row = -1): void {
    this.row = row;
    this.what = what;
    this.input = input;
    const own = row >= 0 && (!this.model.page.conditional || this.label === this.model.label(row));
    this.judged = own ? this.model.judgeRow(row) : this.model.judge(input, this.label);
    this.code = this.judged.code;
    this.output = this.judged.output;
    this.tell();
  }

  setRow(i: number): void {
    if (this.model.page.conditional) this.label = this.model.label(i);
    this.setInput(this.model.row(i), "", i);
  }

  /** setLabel changes the class that a conditional model reads. */
  setLabel(label: number): void {
    this.label = label;
    this.refresh();
  }

  /** refresh asks the model again, which has learned something. */
  refresh(): void {
    if (this.input) this.setInput(this.input, this.what, this.row);
    else this.decode();
  }

  private decode(): void {
    const from = performance.now();
    this.output = this.model.decode(this.code, this.label);
    this.decodeMs = performance.now() - from;
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}
