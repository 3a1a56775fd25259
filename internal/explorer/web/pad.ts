// The pad: strokes of the mouse, a finger or the keys become an input.

import { paint } from "./draw";
import { byId } from "./page";
import { inWords } from "./point";
import type { State } from "./state";
import { habitsOf, rasterise } from "./strokes";
import type { Habits, Stroke } from "./strokes";

const drawn = "Drawn";

export class Pad {
  private strokes: Stroke[] = [];
  private drawing = false;
  private pen: [number, number]; // of the keys
  private penDown = false;
  private readonly canvas = byId<HTMLCanvasElement>("pad");
  private habits: Habits | null = null;
  private waiting = 0;

  constructor(private readonly state: State) {
    byId("draw-section").hidden = false;
    this.pen = [this.canvas.width / 2, this.canvas.height / 2];
    this.canvas.addEventListener("pointerdown", (e) => {
      this.canvas.setPointerCapture(e.pointerId);
      this.drawing = true;
      this.strokes.push([this.at(e)]);
      this.changed();
    });
    this.canvas.addEventListener("pointermove", (e) => {
      if (!this.drawing) return;
      this.strokes[this.strokes.length - 1].push(this.at(e));
      this.changed();
    });
    for (const name of ["pointerup", "pointercancel"] as const) this.canvas.addEventListener(name, () => (this.drawing = false));
    this.canvas.addEventListener("keydown", (e) => this.key(e));
    for (const name of ["focus", "blur"] as const) this.canvas.addEventListener(name, () => this.draw());
    byId("pad-clear").addEventListener("click", () => this.clear());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    state.onChange(() => this.show());
    this.draw();
  }

  /** show shows what was drawn as the model reads it, and what it makes of it. */
  private show(): void {
    const { what, input, output, judged, model } = this.state;
    if (what !== drawn || !input || !judged) return;
    paint(byId<HTMLCanvasElement>("pad-input"), model.page, input);
    paint(byId<HTMLCanvasElement>("pad-output"), model.page, output);
    byId("pad-told").textContent = inWords(model, null, -1, judged.loss, judged.score, judged.anomalous);
  }

  private at(e: PointerEvent): [number, number] {
    const box = this.canvas.getBoundingClientRect();
    return [((e.clientX - box.left) * this.canvas.width) / box.width, ((e.clientY - box.top) * this.canvas.height) / box.height];
  }

  private clear(): void {
    this.strokes = [];
    this.penDown = false;
    this.draw();
  }

  private key(e: KeyboardEvent): void {
    const arrows: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const arrow = arrows[e.key];
    if (arrow) {
      const step = 7;
      this.pen = this.pen.map((v, i) => Math.min(Math.max(v + step * arrow[i], 0), this.canvas.width)) as [number, number];
      if (this.penDown) this.strokes[this.strokes.length - 1].push([...this.pen]);
    } else if (e.key === " ") {
      this.penDown = !this.penDown;
      if (this.penDown) this.strokes.push([[...this.pen]]);
    } else if (e.key === "Delete" || e.key === "Backspace") this.clear();
    else return;
    e.preventDefault();
    this.changed();
  }

  /** changed shows the strokes, and what the model makes of them once a frame. */
  private changed(): void {
    this.draw();
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(() => {
      this.habits ??= habitsOf(this.state.model);
      const image = rasterise(this.strokes, this.state.model.page, this.habits);
      if (image) this.state.setInput(image, drawn);
    });
  }

  private draw(): void {
    const c = this.canvas.getContext("2d");
    if (!c) return;
    c.clearRect(0, 0, this.canvas.width, this.canvas.height);
    c.strokeStyle = c.fillStyle = getComputedStyle(this.canvas).getPropertyValue("--ink");
    c.lineWidth = 16;
    c.lineCap = c.lineJoin = "round";
    for (const stroke of this.strokes) {
      c.beginPath();
      c.moveTo(...stroke[0]);
      for (const p of stroke) c.lineTo(...p);
      c.stroke();
    }
    if (document.activeElement === this.canvas && this.canvas.matches(":focus-visible")) {
      c.lineWidth = 2;
      c.beginPath();
      c.arc(...this.pen, this.penDown ? 5 : 9, 0, 2 * Math.PI);
      c.stroke();
    }
  }
}
