// The map: points on one canvas, which is drawn anew when the view changes, and
// what moves on another above it. Mouse, touch and keyboard.

import { Grid, ends } from "./grid";
import { axesOf, Plane, spread } from "./plane";
import type { Axis } from "./plane";
import type { Page } from "./page";
import { parse } from "./colours";
import { Scatter, swap } from "./scatter";
import type { Points, View } from "./scatter";

/** Marker is something at a place of the plane beside the points. */
export interface Marker {
  code: ArrayLike<number>;
  text: string; // beside it
  kind: "point" | "end";
}

export interface MapEvents {
  /** moved: the point was put at a place of the plane. */
  moved(x: number, y: number): void;
  /** picked: a row was chosen. */
  picked(row: number): void;
  /** hovered: the mouse is over a row, or over none (−1); x and y are pixels of the page. */
  hovered(row: number, x: number, y: number): void;
}

const reach = 14; // pixels within which a point is hit
const slip = 4; // pixels that a click may move

export class CodeMap {
  readonly axes: Axis[];
  plane: Plane;
  points: Points;
  markers: Marker[] = [];
  path: Array<ArrayLike<number>> = [];
  hover = -1;
  dragMovesMap = false;
  drawMs = 0; // what the last drawing of all points took

  private readonly scatter: Scatter;
  private grid: Grid;
  private baseX = 1; // pixels for a unit at zoom 1
  private baseY = 1;
  private zoom = 1;
  private centreX = 0;
  private centreY = 0;
  private dirty = false;
  private dirtyAbove = false;
  private labels: Array<{ text: string; x: number; y: number }> = [];
  private readonly pointers = new Map<number, { x: number; y: number }>();
  private gesture: "none" | "pan" | "point" | "pinch" = "none";
  private travelled = 0;
  private chosen: [number, number] = [0, 1]; // of the axes
  private viewed = false; // somebody chose what of the map is seen

  constructor(
    private readonly page: Page,
    private codes: Float32Array,
    private readonly canvas: HTMLCanvasElement,
    private readonly above: HTMLCanvasElement,
    private readonly events: MapEvents,
  ) {
    this.axes = axesOf(page);
    this.plane = new Plane(this.axes[0], this.axes[1]);
    const n = page.n;
    this.points = {
      x: new Float32Array(n), y: new Float32Array(n), order: Uint32Array.from({ length: n }, (_, i) => i),
      colour: new Uint32Array(n), shape: new Uint8Array(n), hidden: new Uint8Array(n),
    };
    this.grid = new Grid(this.points.x, this.points.y);
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("map: the browser has no canvas");
    this.scatter = new Scatter(context);
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.listen();
    this.setAxes(0, 1);
  }

  /** setAxes chooses what the map shows, and shows all of it. */
  setAxes(x: number, y: number): void {
    this.chosen = [x, y];
    this.place();
    this.fit();
  }

  /** setCodes moves the points to other codes, whose axes are those of the page now. */
  setCodes(codes: Float32Array): void {
    this.codes = codes;
    this.axes.splice(0, this.axes.length, ...axesOf(this.page));
    this.place();
    if (this.viewed) this.redraw();
    else this.fit();
  }

  /** place finds where the points lie. */
  private place(): void {
    const [x, y] = this.chosen;
    this.plane = new Plane(this.axes[x], this.axes[y]);
    const z = this.codes.length / this.points.x.length;
    for (let i = 0; i < this.points.x.length; i++) {
      const [u, v] = this.plane.place(this.codes.subarray(i * z, (i + 1) * z));
      this.points.x[i] = this.plane.x.along ? u : spread(i);
      this.points.y[i] = this.plane.y.along ? v : spread(i);
    }
    this.grid = new Grid(this.points.x, this.points.y);
  }

  /** fit shows all points. */
  fit(): void {
    const [x0, x1] = ends(this.points.x), [y0, y1] = ends(this.points.y);
    const margin = 0.92;
    const { width, height } = this.size();
    this.baseX = (margin * width) / (x1 - x0 || 1);
    this.baseY = (margin * height) / (y1 - y0 || 1);
    const ratio = this.baseX / this.baseY;
    if (ratio > 1 / 4 && ratio < 4) this.baseX = this.baseY = Math.min(this.baseX, this.baseY); // distances stay true
    this.centreX = (x0 + x1) / 2;
    this.centreY = (y0 + y1) / 2;
    this.zoom = 1;
    this.viewed = false;
    this.redraw();
  }

  /** setLabels puts the names of classes at the median of their points. */
  setLabels(names: string[], labels: Uint8Array | null): void {
    this.labels = [];
    if (labels && names.length <= 40)
      names.forEach((text, c) => {
        const xs: number[] = [], ys: number[] = [];
        for (let i = 0; i < labels.length; i++) {
          if (labels[i] !== c || this.points.hidden[i]) continue;
          xs.push(this.points.x[i]);
          ys.push(this.points.y[i]);
        }
        const middle = (v: number[]): number => v.sort((a, b) => a - b)[v.length >> 1];
        if (xs.length) this.labels.push({ text, x: middle(xs), y: middle(ys) });
      });
    this.redrawAbove();
  }

  redraw(): void {
    this.dirty = true;
    this.redrawAbove();
  }

  redrawAbove(): void {
    if (!this.dirtyAbove) requestAnimationFrame(() => this.frame());
    this.dirtyAbove = true;
  }

  zoomBy(factor: number, x?: number, y?: number): void {
    const { width, height } = this.size();
    const [u, v] = this.toPlane(x ?? width / 2, y ?? height / 2);
    const zoom = Math.min(Math.max(this.zoom * factor, 0.2), 500);
    const moved = 1 - this.zoom / zoom;
    this.zoom = zoom;
    this.viewed = true;
    this.centreX += (u - this.centreX) * moved;
    this.centreY += (v - this.centreY) * moved;
    this.redraw();
  }

  panBy(dx: number, dy: number): void {
    this.viewed = true;
    this.centreX -= dx / (this.baseX * this.zoom);
    this.centreY += dy / (this.baseY * this.zoom);
    this.redraw();
  }

  /** toPlane is the place of a pixel. */
  toPlane(x: number, y: number): [number, number] {
    const { width, height } = this.size();
    return [this.centreX + (x - width / 2) / (this.baseX * this.zoom), this.centreY - (y - height / 2) / (this.baseY * this.zoom)];
  }

  /** toPixel is the pixel of a place. */
  toPixel(x: number, y: number): [number, number] {
    const { width, height } = this.size();
    return [(x - this.centreX) * this.baseX * this.zoom + width / 2, height / 2 - (y - this.centreY) * this.baseY * this.zoom];
  }

  /** nearest is the row nearest to a pixel, −1 where there is none. */
  nearest(x: number, y: number, within = reach): number {
    const [u, v] = this.toPlane(x, y);
    return this.grid.nearest(u, v, within / (this.baseX * this.zoom), within / (this.baseY * this.zoom), this.points.hidden);
  }

  private size(): { width: number; height: number } {
    return { width: this.canvas.clientWidth || 1, height: this.canvas.clientHeight || 1 };
  }

  private resize(): void {
    const { width, height } = this.size();
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const w = Math.round(width * ratio), h = Math.round(height * ratio);
    if (this.canvas.width === w && this.canvas.height === h) return;
    const first = this.canvas.dataset.sized === undefined;
    this.canvas.dataset.sized = "";
    this.canvas.width = this.above.width = w;
    this.canvas.height = this.above.height = h;
    if (first || this.zoom === 1) this.fit();
    this.redraw();
  }

  private frame(): void {
    this.dirtyAbove = false;
    const style = getComputedStyle(this.canvas);
    const ratio = this.canvas.width / this.size().width;
    if (this.dirty) {
      this.dirty = false;
      const from = performance.now();
      const [left, top] = this.toPixel(0, 0);
      const view: View = { scaleX: this.baseX * this.zoom * ratio, scaleY: -this.baseY * this.zoom * ratio, left: left * ratio, top: top * ratio };
      const usual = this.points.x.length < 2000 ? 3.5 : 2.4;
      const radius = Math.min(6, usual * Math.pow(this.zoom, 0.3)) * ratio;
      this.scatter.draw(this.points, view, parse(style.getPropertyValue("--map")), radius);
      this.drawMs = performance.now() - from;
    }
    this.drawAbove(style, ratio);
  }

  private drawAbove(style: CSSStyleDeclaration, ratio: number): void {
    const c = this.above.getContext("2d");
    if (!c) return;
    const { width, height } = this.size();
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width, height);
    const ink = style.getPropertyValue("--ink"), ground = style.getPropertyValue("--map");
    const text = (t: string, x: number, y: number, font: string): void => {
      c.font = font;
      c.lineWidth = 4;
      c.lineJoin = "round";
      c.strokeStyle = ground;
      c.strokeText(t, x, y);
      c.fillStyle = ink;
      c.fillText(t, x, y);
    };
    c.textAlign = "center";
    c.textBaseline = "middle";
    for (const l of this.labels) {
      const [x, y] = this.toPixel(l.x, l.y);
      text(l.text, x, y, "600 15px system-ui, sans-serif");
    }
    if (this.path.length > 1) {
      c.beginPath();
      for (const code of this.path) c.lineTo(...this.pixelOf(code));
      for (const [colour, wide] of [[ground, 5], [ink, 2]] as const) {
        c.strokeStyle = colour;
        c.lineWidth = wide;
        c.stroke();
      }
    }
    const ring = (x: number, y: number, r: number, wide: number): void => {
      for (const [colour, w] of [[ground, wide + 3], [ink, wide]] as const) {
        c.beginPath();
        c.arc(x, y, r, 0, 2 * Math.PI);
        c.strokeStyle = colour;
        c.lineWidth = w;
        c.stroke();
      }
    };
    if (this.hover >= 0) ring(...this.toPixel(this.points.x[this.hover], this.points.y[this.hover]), 7, 1.5);
    for (const m of this.markers) {
      const [x, y] = this.pixelOf(m.code);
      ring(x, y, m.kind === "point" ? 9 : 6, 2.5);
      if (m.kind === "point") {
        c.fillStyle = ink;
        c.fillRect(x - 1.5, y - 1.5, 3, 3);
      }
      c.textAlign = x > width - 60 ? "right" : "left";
      if (m.text) text(m.text, x + (x > width - 60 ? -13 : 13), y, "600 13px system-ui, sans-serif");
    }
  }

  private pixelOf(code: ArrayLike<number>): [number, number] {
    return this.toPixel(...this.plane.place(code));
  }

  private at(e: MouseEvent): { x: number; y: number } {
    const box = this.canvas.getBoundingClientRect();
    return { x: e.clientX - box.left, y: e.clientY - box.top };
  }

  private listen(): void {
    const target = this.above;
    target.addEventListener("pointerdown", (e) => this.down(e));
    target.addEventListener("pointermove", (e) => this.move(e));
    for (const name of ["pointerup", "pointercancel"] as const) target.addEventListener(name, (e) => this.up(e));
    target.addEventListener("pointerleave", (e) => this.setHover(-1, e));
    target.addEventListener("contextmenu", (e) => e.preventDefault());
    target.addEventListener("wheel", (e) => {
      e.preventDefault();
      const { x, y } = this.at(e);
      this.zoomBy(Math.exp(-e.deltaY * (e.deltaMode === 1 ? 0.05 : 0.0015)), x, y);
    }, { passive: false });
    target.addEventListener("keydown", (e) => this.key(e));
  }

  private down(e: PointerEvent): void {
    const at = this.at(e);
    this.above.focus({ preventScroll: true });
    this.above.setPointerCapture(e.pointerId);
    this.pointers.set(e.pointerId, at);
    this.setHover(-1, e);
    if (this.pointers.size === 2) {
      this.gesture = "pinch";
      return;
    }
    this.travelled = 0;
    this.gesture = this.dragMovesMap || e.shiftKey || e.button !== 0 ? "pan" : "point";
  }

  private move(e: PointerEvent): void {
    const at = this.at(e), from = this.pointers.get(e.pointerId);
    if (!from) {
      if (e.pointerType !== "touch") this.setHover(this.nearest(at.x, at.y), e);
      return;
    }
    if (this.gesture === "pinch") this.pinch(e.pointerId, from, at);
    this.travelled += Math.hypot(at.x - from.x, at.y - from.y);
    if (this.gesture === "pan") this.panBy(at.x - from.x, at.y - from.y);
    if (this.gesture === "point" && this.travelled > slip) this.events.moved(...this.toPlane(at.x, at.y));
    this.pointers.set(e.pointerId, at);
  }

  /** pinch moves and zooms by what one of two fingers did. */
  private pinch(id: number, from: { x: number; y: number }, to: { x: number; y: number }): void {
    const other = [...this.pointers].find(([key]) => key !== id)?.[1];
    if (!other) return;
    const before = Math.hypot(from.x - other.x, from.y - other.y), after = Math.hypot(to.x - other.x, to.y - other.y);
    this.panBy((to.x - from.x) / 2, (to.y - from.y) / 2);
    if (before > 10 && after > 10) this.zoomBy(after / before, (to.x + other.x) / 2, (to.y + other.y) / 2);
  }

  private up(e: PointerEvent): void {
    const at = this.pointers.get(e.pointerId);
    this.pointers.delete(e.pointerId);
    if (at && e.type === "pointerup" && this.travelled <= slip && this.gesture !== "pinch" && e.button === 0) {
      const row = this.nearest(at.x, at.y);
      if (row >= 0) this.events.picked(row);
      else if (this.gesture === "point") this.events.moved(...this.toPlane(at.x, at.y));
    }
    if (this.pointers.size === 0) this.gesture = "none";
  }

  private setHover(row: number, e: MouseEvent): void {
    if (row !== this.hover) {
      this.hover = row;
      this.redrawAbove();
    }
    this.events.hovered(row, e.clientX, e.clientY);
  }

  private key(e: KeyboardEvent): void {
    const step = 12; // pixels
    const arrows: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const arrow = arrows[e.key];
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (arrow && e.shiftKey) this.panBy(-4 * step * arrow[0], -4 * step * arrow[1]);
    else if (arrow) {
      const m = this.markers.find((one) => one.kind === "point");
      const { width, height } = this.size();
      const [x, y] = m ? this.pixelOf(m.code) : [width / 2, height / 2];
      this.events.moved(...this.toPlane(x + step * arrow[0], y + step * arrow[1]));
    } else if (e.key === "+" || e.key === "=") this.zoomBy(1.25);
    else if (e.key === "-") this.zoomBy(1 / 1.25);
    else if (e.key === "0") this.fit();
    else if (e.key === "Enter") {
      const m = this.markers.find((one) => one.kind === "point");
      const row = m ? this.nearest(...this.pixelOf(m.code), 200) : -1;
      if (row >= 0) this.events.picked(row);
    } else return;
    e.preventDefault();
  }

  /** paintWith sets how points look: a colour 0xRRGGBB and a shape each, drawn in an order. */
  paintWith(look: (i: number) => { colour: number; shape: number }, order: Uint32Array): void {
    const { colour, shape } = this.points;
    for (let i = 0; i < colour.length; i++) {
      const one = look(i);
      colour[i] = swap(one.colour);
      shape[i] = one.shape;
    }
    this.points.order = order;
    this.redraw();
  }
}
