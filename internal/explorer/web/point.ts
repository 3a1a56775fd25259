// The panel of the point: its input, what is made of it, and what the model says.

import { Bars } from "./bars";
import { number, paint } from "./draw";
import type { Model } from "./model";
import { byId } from "./page";
import type { State } from "./state";

/** inWords says what a row is and how it scores. */
export function inWords(model: Model, numbers: Uint32Array | null, row: number, loss: number, score: number | null, anomalous: boolean): string {
  const { page } = model;
  const parts: string[] = [];
  if (row >= 0) parts.push(`row ${numbers ? numbers[row] : row}`);
  if (row >= 0 && model.labels && page.classes) parts.push(`class ${page.classes[model.labels[row]]}`);
  if (score !== null) parts.push(`score ${number(score)}${anomalous ? ", anomalous" : ""}`);
  parts.push(`loss ${number(loss)} ${page.loss.words}`);
  return parts.join(", ");
}

export class PointPanel {
  private readonly bars: Bars | null = null;

  constructor(private readonly state: State, private readonly numbers: Uint32Array | null) {
    const { model } = state;
    const { page } = model;
    if (model.image) byId("pair").hidden = false;
    else this.bars = new Bars(model, byId("bars"));
    const row = byId<HTMLInputElement>("row");
    row.max = String(page.of - 1);
    row.addEventListener("change", () => {
      const wanted = Math.round(Number(row.value));
      if (row.value !== "" && wanted >= 0 && wanted < page.of) state.setRow(this.point(wanted));
      else row.value = this.number();
    });
    this.addClasses();
    state.onChange(() => this.show());
  }

  /** point is that of a row, or of the next row that the page has. */
  private point(row: number): number {
    const { numbers } = this;
    if (!numbers) return row;
    const at = numbers.findIndex((n) => n >= row);
    return at < 0 ? numbers.length - 1 : at;
  }

  /** number is that of the row that is shown. */
  private number(): string {
    const { row } = this.state;
    return row < 0 ? "" : String(this.numbers ? this.numbers[row] : row);
  }

  private addClasses(): void {
    const { page } = this.state.model;
    if (!page.conditional || !page.classes) return;
    byId("class-label").hidden = false;
    const choice = byId<HTMLSelectElement>("class");
    page.classes.forEach((name, c) => choice.add(new Option(name, String(c))));
    choice.addEventListener("change", () => this.state.setLabel(Number(choice.value)));
  }

  private show(): void {
    const { state } = this;
    const { page } = state.model;
    byId<HTMLInputElement>("row").value = this.number();
    if (page.conditional) byId<HTMLSelectElement>("class").value = String(state.label);
    if (this.bars) this.bars.show(state.input, state.output);
    else {
      const input = byId<HTMLCanvasElement>("input");
      (input.parentElement as HTMLElement).style.visibility = state.input ? "visible" : "hidden";
      if (state.input) paint(input, page, state.input);
      paint(byId<HTMLCanvasElement>("output"), page, state.output);
      byId("output-caption").textContent = state.input ? "rebuilt" : "decoded";
    }
    const told = byId("told");
    const j = state.judged;
    told.textContent = [state.what, j ? inWords(state.model, this.numbers, state.row, j.loss, j.score, j.anomalous) : ""].filter(Boolean).join(": ");
    told.classList.toggle("strange", j?.anomalous ?? false);
  }
}
