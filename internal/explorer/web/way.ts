// The way between two codes: a strip of what is decoded on it, and one place of it
// that a slider or the clock moves.

import { paint } from "./draw";
import type { CodeMap, Marker } from "./map";
import { byId } from "./page";
import type { State } from "./state";

const pictures = 9;
const seconds = 3; // from one end to the other

export class Way {
  private from: Float32Array | null = null;
  private to: Float32Array | null = null;
  private playing = 0; // of requestAnimationFrame
  private readonly at = byId<HTMLInputElement>("way-at");
  private readonly play = byId<HTMLButtonElement>("way-play");
  private readonly strip: Array<{ button: HTMLButtonElement; canvas: HTMLCanvasElement }> = [];

  constructor(private readonly state: State, private readonly map: CodeMap) {
    byId("way-from").addEventListener("click", () => {
      this.from = state.code.slice();
      this.changed();
    });
    byId("way-to").addEventListener("click", () => {
      this.to = state.code.slice();
      this.changed();
    });
    this.at.addEventListener("input", () => {
      this.stop();
      this.go(Number(this.at.value));
    });
    this.play.addEventListener("click", () => (this.playing ? this.stop() : this.start()));
    byId("strip").classList.toggle("vectors", !state.model.image);
    for (let k = 0; k < pictures; k++) this.addPicture(k);
    byId("strip").hidden = true;
    let label = state.label;
    state.onChange(() => {
      if (label !== state.label && this.from && this.to) this.paintStrip();
      label = state.label;
    });
  }

  /** markers are the ends, for the map. */
  markers(): Marker[] {
    const list: Marker[] = [];
    if (this.from) list.push({ code: this.from, text: "start", kind: "end" });
    if (this.to) list.push({ code: this.to, text: "end", kind: "end" });
    return list;
  }

  /** refresh decodes the strip again. */
  refresh(): void {
    if (this.from && this.to) this.paintStrip();
  }

  private addPicture(k: number): void {
    const button = document.createElement("button");
    const canvas = document.createElement("canvas");
    button.type = "button";
    button.setAttribute("aria-label", `Place ${k + 1} of ${pictures} on the way`);
    button.addEventListener("click", () => {
      this.stop();
      this.go(k / (pictures - 1));
    });
    button.append(canvas);
    byId("strip").append(button);
    this.strip.push({ button, canvas });
  }

  private code(t: number): Float32Array {
    const { from, to } = this;
    if (!from || !to) return this.state.code;
    return from.map((v, i) => v + t * (to[i] - v));
  }

  private changed(): void {
    const whole = this.from !== null && this.to !== null;
    this.play.disabled = this.at.disabled = !whole;
    byId("strip").hidden = !whole;
    this.stop();
    if (whole) {
      byId("way-note").textContent = "The codes between the two, in equal steps on a straight line.";
      this.map.path = Array.from({ length: pictures }, (_, k) => this.code(k / (pictures - 1)));
      this.paintStrip();
      this.at.value = "1";
      this.markPlace(1);
    } else byId("way-note").textContent = this.from ? "Now choose another point, and press End here." : "Now choose another point, and press Start here.";
    this.map.markers = [...this.map.markers.filter((m) => m.kind === "point"), ...this.markers()];
    this.map.redrawAbove();
  }

  private paintStrip(): void {
    const { model, label } = this.state;
    this.strip.forEach(({ canvas }, k) => paint(canvas, model.page, model.decode(this.code(k / (pictures - 1)), label)));
  }

  private go(t: number): void {
    this.at.value = String(t);
    this.markPlace(t);
    this.state.setCode(this.code(t), `On the way, ${Math.round(100 * t)} %`);
  }

  private markPlace(t: number): void {
    this.strip.forEach(({ button }, k) => button.setAttribute("aria-current", String(Math.round(t * (pictures - 1)) === k)));
  }

  private start(): void {
    const began = performance.now();
    const step = (now: number): void => {
      const t = Math.max(0, now - began) / 1000 / seconds;
      this.go(Math.min(1, t));
      if (t < 1) this.playing = requestAnimationFrame(step);
      else this.stop();
    };
    this.playing = requestAnimationFrame(step);
    this.label();
  }

  private stop(): void {
    cancelAnimationFrame(this.playing);
    this.playing = 0;
    this.label();
  }

  private label(): void {
    this.play.textContent = this.playing ? "Stop" : "Play";
    this.play.setAttribute("aria-pressed", String(this.playing !== 0));
  }
}
