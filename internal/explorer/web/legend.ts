// How points are coloured, and the legend that says so.

import { classLook, css, shapes, viridis } from "./colours";
import { number } from "./draw";
import type { CodeMap } from "./map";
import { byId } from "./page";
import type { Page } from "./page";

/** Colouring is what points can be coloured by. */
export interface Colouring {
  id: string;
  name: string;
  values: Float64Array | null; // null: classes
}

export class Legend {
  private readonly host = byId("legend");
  private readonly shown: boolean[];

  constructor(private readonly page: Page, private readonly map: CodeMap, private readonly labels: Uint8Array | null) {
    this.shown = (page.classes ?? []).map(() => true);
  }

  /** show colours the points by classes or by values. */
  show(by: Colouring | null): void {
    this.host.replaceChildren();
    if (by?.values) this.byValues(by.name, by.values);
    else if (by && this.labels) this.byClasses(this.labels);
    else this.map.paintWith(() => ({ colour: classLook(0).colour, shape: 0 }), this.map.points.order);
  }

  /** place puts the names of classes where their points lie now. */
  place(): void {
    this.map.setLabels(this.page.classes ?? [], this.labels);
  }

  private byClasses(labels: Uint8Array): void {
    const names = this.page.classes ?? [];
    const counts = names.map(() => 0);
    labels.forEach((label) => counts[label]++);
    const rank = (c: number): number => Math.floor(Math.log2(counts[c])); // much rarer classes lie above
    const order = Uint32Array.from({ length: labels.length }, (_, i) => i).sort((a, b) => rank(labels[b]) - rank(labels[a]) || a - b);
    this.map.paintWith((i) => classLook(labels[i]), order);
    names.forEach((name, c) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", String(this.shown[c]));
      button.setAttribute("aria-label", `Class ${name} (${shapes[classLook(c).shape].name})`);
      button.title = "Show or hide this class";
      button.append(swatch(c), name);
      button.addEventListener("click", () => {
        this.shown[c] = !this.shown[c];
        button.setAttribute("aria-pressed", String(this.shown[c]));
        labels.forEach((label, i) => (this.map.points.hidden[i] = this.shown[label] ? 0 : 1));
        this.map.redraw();
        this.place();
      });
      this.host.append(button);
    });
  }

  private byValues(name: string, values: Float64Array): void {
    const order = Uint32Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a] - values[b]);
    const at = (share: number): number => values[order[Math.round(share * (order.length - 1))]];
    const lo = at(0.01), hi = at(0.99); // a few far ones leave the others a colour
    this.map.paintWith((i) => ({ colour: viridis(hi > lo ? (values[i] - lo) / (hi - lo) : 0.5), shape: 0 }), order);
    const canvas = document.createElement("canvas");
    canvas.className = "scale";
    canvas.width = 180;
    canvas.height = 1;
    const c = canvas.getContext("2d");
    for (let x = 0; c && x < canvas.width; x++) {
      c.fillStyle = css(viridis(x / (canvas.width - 1)));
      c.fillRect(x, 0, 1, 1);
    }
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${name} from ${number(lo)}, dark, to ${number(hi)}, bright`);
    this.host.append(`${name}: ≤ ${number(lo)}`, canvas, `≥ ${number(hi)}`);
  }
}

/** swatch draws the mark of a class. */
function swatch(c: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 32;
  const context = canvas.getContext("2d");
  const { colour, shape } = classLook(c);
  for (let y = 0; context && y < 32; y++)
    for (let x = 0; x < 32; x++) {
      if (!shapes[shape].inside((x - 15.5) / 13, (y - 15.5) / 13)) continue;
      context.fillStyle = css(colour);
      context.fillRect(x, y, 1, 1);
    }
  return canvas;
}
