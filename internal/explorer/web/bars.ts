// The values of a vector as bars, with what the model makes of each as a mark.

import { inColumn, rangeShare } from "./draw";
import type { Model } from "./model";
import { deviation } from "./score";

const most = 64; // bars at once

interface Bar {
  line: HTMLElement;
  name: HTMLElement;
  fill: HTMLElement;
  mark: HTMLElement;
  text: HTMLElement;
}

const element = (tag: string, className: string, parent: HTMLElement): HTMLElement => {
  const e = document.createElement(tag);
  e.className = className;
  parent.append(e);
  return e;
};

export class Bars {
  private readonly bars: Bar[] = [];
  private readonly note: HTMLElement;

  constructor(private readonly model: Model, host: HTMLElement) {
    const list = element("ul", "bars", host);
    for (let k = 0; k < Math.min(most, model.size); k++) {
      const line = element("li", "bar", list);
      const name = element("span", "bar-name", line);
      const track = element("span", "bar-track", line);
      this.bars.push({ line, name, fill: element("span", "bar-fill", track), mark: element("span", "bar-mark", track), text: element("span", "bar-text", line) });
    }
    this.note = element("p", "note", host);
  }

  /** show shows an input, where there is one, and what is made of it; both as the network has them. */
  show(input: Float32Array | null, output: Float32Array): void {
    const { page } = this.model;
    const values = input && this.model.undo(input), rebuilt = this.model.undo(output);
    const order = this.order(input, output);
    this.bars.forEach((bar, k) => {
      const j = order[k];
      const name = page.columns?.[j] ?? `value ${j + 1}`;
      const share = (v: number): number => Math.min(Math.max(rangeShare(page, j, v), 0), 1);
      bar.name.textContent = bar.name.title = name;
      bar.fill.style.width = `${100 * share(values ? values[j] : rebuilt[j])}%`;
      bar.fill.classList.toggle("rebuilt", !values);
      bar.mark.style.left = `${100 * share(rebuilt[j])}%`;
      bar.text.textContent = values ? `${inColumn(page, j, values[j])} → ${inColumn(page, j, rebuilt[j])}` : inColumn(page, j, rebuilt[j]);
      bar.line.classList.toggle("far", input !== null && Math.abs(this.error(j, input, output)) > 3);
    });
    const { size } = this.model;
    const which = size <= most ? "" : input ? ` The ${most} of ${size} values that are rebuilt worst.` : ` The first ${most} of ${size} values.`;
    this.note.textContent = (input ? "Bar: the value. Mark: what is rebuilt. Both between the least and the greatest of the rows." : "Bar and mark: what is decoded.") + which;
  }

  /** error is a value's error in deviations of normal ones, or plain where there is no detector. */
  private error(j: number, input: ArrayLike<number>, output: ArrayLike<number>): number {
    const { detector } = this.model.page;
    return detector?.scale ? deviation(detector, j, input[j], output[j]) : 0;
  }

  private order(input: Float32Array | null, output: Float32Array): number[] {
    const all = Array.from(output.keys());
    if (!input || all.length <= most) return all;
    const { detector } = this.model.page;
    const far = (j: number): number => Math.abs(detector?.scale ? deviation(detector, j, input[j], output[j]) : input[j] - output[j]);
    return all.sort((a, b) => far(b) - far(a));
  }
}

/** worst are words for the values that are rebuilt worst. */
export function worst(model: Model, input: Float32Array, output: Float32Array, n: number): string[] {
  const { detector, columns } = model.page;
  const far = (j: number): number => Math.abs(detector?.scale ? deviation(detector, j, input[j], output[j]) : input[j] - output[j]);
  const values = model.undo(input), rebuilt = model.undo(output);
  return Array.from(input.keys())
    .sort((a, b) => far(b) - far(a))
    .slice(0, n)
    .map((j) => `${columns?.[j] ?? "value " + (j + 1)}: ${inColumn(model.page, j, values[j])} → ${inColumn(model.page, j, rebuilt[j])}`);
}
