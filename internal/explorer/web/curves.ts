// The curves of a run that trains: the loss of its steps as a line, those of
// epochs as marks, and the same as a table.

import { number } from "./draw";
import { byId } from "./page";

/** Metrics is an epoch's line in metrics.jsonl. */
export interface Metrics {
  epoch: number;
  train_loss: number;
  val_loss: number | null;
  test_loss: number | null;
  seconds: number;
}

type Point = [number, number]; // epochs and a loss

const most = 8192; // points of the line

/** kinds are the sets of rows: each has a colour and a mark, for who cannot tell the colours apart. */
const kinds = [
  { name: "training", colour: "--series-train", of: (m: Metrics) => m.train_loss },
  { name: "validation", colour: "--series-val", of: (m: Metrics) => m.val_loss },
  { name: "test", colour: "--series-test", of: (m: Metrics) => m.test_loss },
];

const margin = { left: 62, right: 16, top: 10, bottom: 30 };

export class Curves {
  private line: Point[] = [];
  private metrics: Metrics[] = [];
  private epochs = 1;
  private dirty = false;
  private pointer: number | null = null; // pixel across
  private readonly log = byId<HTMLInputElement>("curves-log");
  private readonly told = byId("curves-told");

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.log.addEventListener("change", () => this.redraw());
    new ResizeObserver(() => this.redraw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
    canvas.addEventListener("pointermove", (e) => this.point(e.clientX - canvas.getBoundingClientRect().left));
    canvas.addEventListener("pointerleave", () => this.point(null));
    canvas.addEventListener("keydown", (e) => {
      const step = e.key === "ArrowLeft" ? -8 : e.key === "ArrowRight" ? 8 : 0;
      if (e.key === "Escape") this.point(null);
      if (!step) return;
      e.preventDefault();
      this.point(Math.min(Math.max((this.pointer ?? margin.left) + step, margin.left), canvas.clientWidth - margin.right));
    });
  }

  /** begin shows what there was before. */
  begin(epochs: number, line: Point[], metrics: Metrics[]): void {
    this.epochs = epochs;
    this.line = line;
    this.metrics = [];
    byId("epochs").replaceChildren();
    metrics.forEach((m) => this.epoch(m));
    this.redraw();
  }

  add(at: number, loss: number): void {
    this.line.push([at, loss]);
    if (this.line.length >= most)
      this.line = Array.from({ length: most / 2 }, (_, i) => [this.line[2 * i + 1][0], (this.line[2 * i][1] + this.line[2 * i + 1][1]) / 2]);
    this.redraw();
  }

  epoch(m: Metrics): void {
    this.metrics.push(m);
    const row = document.createElement("tr");
    for (const text of [String(m.epoch), ...kinds.map((k) => words(k.of(m))), m.seconds > 0 ? m.seconds.toFixed(2) : ""]) {
      const cell = document.createElement(row.children.length === 0 ? "th" : "td");
      if (row.children.length === 0) cell.setAttribute("scope", "row");
      cell.textContent = text;
      row.append(cell);
    }
    byId("epochs").append(row);
    this.redraw();
  }

  private redraw(): void {
    if (!this.dirty) requestAnimationFrame(() => this.draw());
    this.dirty = true;
  }

  private point(pixel: number | null): void {
    this.pointer = pixel;
    this.redraw();
  }

  /** scale is the least and the greatest loss that is drawn, as they are drawn. */
  private scale(log: boolean): [number, number] {
    let lo = Infinity, hi = -Infinity;
    const take = (v: number | null): void => {
      if (v === null || !Number.isFinite(v) || (log && v <= 0)) return;
      const at = log ? Math.log10(v) : v;
      lo = Math.min(lo, at);
      hi = Math.max(hi, at);
    };
    // The first steps are far above all others: of a whole run they are cut off.
    const last = this.line.length ? this.line[this.line.length - 1][0] : 0;
    const from = log ? 0 : 0.03 * last;
    for (const [at, loss] of this.line) if (at >= from) take(loss);
    for (const m of this.metrics) for (const k of kinds) take(k.of(m));
    if (lo > hi) return log ? [-1, 0] : [0, 1];
    const room = (hi - lo || Math.abs(hi) || 1) * 0.06;
    return [lo - room, hi + room];
  }

  private draw(): void {
    this.dirty = false;
    const { canvas } = this;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const width = canvas.clientWidth, height = canvas.clientHeight;
    const c = canvas.getContext("2d");
    if (!c || !width) return;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width, height);
    const style = getComputedStyle(canvas);
    const log = this.log.checked;
    const [lo, hi] = this.scale(log);
    const x = (at: number): number => margin.left + (at / this.epochs) * (width - margin.left - margin.right);
    const y = (v: number): number => height - margin.bottom - (((log ? Math.log10(Math.max(v, 1e-300)) : v) - lo) / (hi - lo)) * (height - margin.top - margin.bottom);
    this.axes(c, style, width, height, x, y, lo, hi, log);
    c.save();
    c.beginPath();
    c.rect(margin.left, margin.top, width - margin.left - margin.right, height - margin.top - margin.bottom);
    c.clip();
    c.strokeStyle = style.getPropertyValue(kinds[0].colour);
    c.lineWidth = 1.25;
    c.globalAlpha = 0.75;
    c.beginPath();
    for (const [at, loss] of this.line) c.lineTo(x(at), y(loss));
    c.stroke();
    c.restore();
    for (const m of this.metrics)
      kinds.forEach((k, i) => {
        const v = k.of(m);
        if (v !== null) mark(c, i, x(m.epoch), y(v), style.getPropertyValue(k.colour));
      });
    this.readOut(c, style, width, height, x);
  }

  private axes(c: CanvasRenderingContext2D, style: CSSStyleDeclaration, width: number, height: number, x: (at: number) => number, y: (v: number) => number, lo: number, hi: number, log: boolean): void {
    c.font = "12px system-ui, sans-serif";
    c.fillStyle = style.getPropertyValue("--soft");
    c.strokeStyle = style.getPropertyValue("--line");
    c.lineWidth = 1;
    c.globalAlpha = 0.4;
    const ticks = log ? decades(lo, hi) : round(lo, hi, 5);
    c.textBaseline = "middle";
    c.textAlign = "right";
    for (const v of ticks) {
      const at = y(v);
      if (at < margin.top || at > height - margin.bottom) continue;
      c.globalAlpha = 0.4;
      line(c, margin.left, at, width - margin.right, at);
      c.globalAlpha = 1;
      c.fillText(number(v), margin.left - 6, at);
    }
    c.textBaseline = "top";
    c.textAlign = "center";
    for (const v of round(0, this.epochs, Math.max(2, Math.floor(width / 90)))) {
      if (v !== Math.round(v)) continue;
      c.fillText(String(v), x(v), height - margin.bottom + 5);
    }
    c.textAlign = "right";
    c.fillText("epochs", width - margin.right, height - 13);
  }

  /** readOut says what lies under the pointer. */
  private readOut(c: CanvasRenderingContext2D, style: CSSStyleDeclaration, width: number, height: number, x: (at: number) => number): void {
    if (this.pointer === null || this.line.length === 0) {
      this.told.textContent = "";
      return;
    }
    const at = ((this.pointer - margin.left) / (width - margin.left - margin.right)) * this.epochs;
    const nearest = this.line.reduce((a, b) => (Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a));
    c.strokeStyle = style.getPropertyValue("--ink");
    line(c, x(nearest[0]), margin.top, x(nearest[0]), height - margin.bottom);
    const m = this.metrics.find((one) => one.epoch === Math.round(nearest[0]));
    const of = m ? `; after epoch ${m.epoch}: ${kinds.filter((k) => k.of(m) !== null).map((k) => `${k.name} ${words(k.of(m))}`).join(", ")}` : "";
    this.told.textContent = `Epoch ${nearest[0].toFixed(2)}: loss ${number(nearest[1])}${of}`;
  }
}

const words = (v: number | null): string => (v === null ? "" : number(v));

function line(c: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  c.beginPath();
  c.moveTo(x0, y0);
  c.lineTo(x1, y1);
  c.stroke();
}

/** mark draws that of a kind: a disc, a square, a triangle. */
function mark(c: CanvasRenderingContext2D, kind: number, x: number, y: number, colour: string): void {
  const r = 4.5;
  c.fillStyle = colour;
  c.beginPath();
  if (kind === 0) c.arc(x, y, r, 0, 2 * Math.PI);
  else if (kind === 1) c.rect(x - r, y - r, 2 * r, 2 * r);
  else {
    c.moveTo(x, y - r * 1.2);
    c.lineTo(x + r * 1.2, y + r);
    c.lineTo(x - r * 1.2, y + r);
    c.closePath();
  }
  c.fill();
}

/** round are about so many round numbers between two. */
function round(lo: number, hi: number, count: number): number[] {
  const rough = (hi - lo) / count;
  const power = Math.pow(10, Math.floor(Math.log10(rough)));
  const step = power * ([1, 2, 5, 10].find((s) => s * power >= rough) ?? 10);
  const list: number[] = [];
  for (let k = Math.ceil(lo / step); k * step <= hi; k++) list.push(Number((k * step).toPrecision(12)));
  return list;
}

/** decades are 1, 2 and 5 of powers of ten between two logarithms. */
function decades(lo: number, hi: number): number[] {
  const list: number[] = [];
  for (let p = Math.floor(lo); p <= Math.ceil(hi); p++) for (const s of [1, 2, 5]) list.push(Number((s * Math.pow(10, p)).toPrecision(3)));
  return list.filter((v) => Math.log10(v) >= lo && Math.log10(v) <= hi);
}
