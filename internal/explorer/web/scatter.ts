// Draws many points straight into the pixels of a canvas: a mark is a list of
// places, each with how much of it the mark covers.

import { shapes } from "./colours";

interface Mark {
  reach: number; // pixels from the middle that it can touch
  dx: number[];
  dy: number[];
  cover: number[]; // of 256
  // The same as distances in an image of a width: those that are covered whole, and
  // the others with how much.
  whole: Int32Array;
  edge: Int32Array;
  share: Int32Array;
}

/** mark draws a shape of a radius in pixels, each looked at in 4×4 places. */
function mark(shape: number, radius: number, width: number): Mark {
  const reach = Math.ceil(radius);
  const dx: number[] = [], dy: number[] = [], cover: number[] = [];
  for (let y = -reach; y <= reach; y++)
    for (let x = -reach; x <= reach; x++) {
      let hits = 0;
      for (let k = 0; k < 16; k++) {
        const u = x + ((k & 3) - 1.5) / 4, v = y + ((k >> 2) - 1.5) / 4;
        if (shapes[shape].inside(u / radius, v / radius)) hits++;
      }
      if (hits === 0) continue;
      dx.push(x);
      dy.push(y);
      cover.push(hits * 16);
    }
  const places = dx.map((x, k) => ({ far: dy[k] * width + x, cover: cover[k] }));
  const edge = places.filter((p) => p.cover < 256);
  return {
    reach, dx, dy, cover,
    whole: Int32Array.from(places.filter((p) => p.cover === 256), (p) => p.far),
    edge: Int32Array.from(edge, (p) => p.far),
    share: Int32Array.from(edge, (p) => p.cover),
  };
}

/** Points are what is drawn; their arrays are as long as there are points. */
export interface Points {
  x: Float32Array;
  y: Float32Array;
  order: Uint32Array; // in which they are drawn
  colour: Uint32Array; // 0xBBGGRR, as pixels lie in memory
  shape: Uint8Array;
  hidden: Uint8Array; // 1: not drawn
}

/** View is where the plane lies on the canvas, in device pixels. */
export interface View {
  scaleX: number;
  scaleY: number;
  left: number; // pixel of x = 0
  top: number; // pixel of y = 0
}

/** budget is about how many pixels are touched in a frame. */
const budget = 900_000;

export class Scatter {
  private image: ImageData | null = null;
  private pixels = new Uint32Array(0);
  private marks: Mark[] = [];
  private made = ""; // of which radius and width the marks are
  private px = new Int32Array(0);

  constructor(private readonly context: CanvasRenderingContext2D) {}

  /** draw draws all points that lie on the canvas; radius is in pixels and shrinks where there are very many. */
  draw(p: Points, view: View, background: number, radius: number): void {
    const { width, height } = this.context.canvas;
    if (!this.image || this.image.width !== width || this.image.height !== height) {
      this.image = this.context.createImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    this.pixels.fill(0xff000000 | swap(background));
    const n = this.place(p, view, width, height);
    const affordable = Math.sqrt(budget / Math.max(1, n) / 4);
    this.prepare(Math.max(1, Math.min(radius, affordable)), width);
    for (let k = 0; k < n; k++) {
      const i = this.px[3 * k], x = this.px[3 * k + 1], y = this.px[3 * k + 2];
      const m = this.marks[p.shape[i]];
      if (x >= m.reach && y >= m.reach && x < width - m.reach && y < height - m.reach) stamp(this.pixels, m, y * width + x, p.colour[i]);
      else this.stampPart(m, x, y, p.colour[i], width, height);
    }
    this.context.putImageData(this.image, 0, 0);
  }

  /** place finds the points on the canvas and their pixels. */
  private place(p: Points, v: View, width: number, height: number): number {
    if (this.px.length < 3 * p.x.length) this.px = new Int32Array(3 * p.x.length);
    let n = 0;
    for (let k = 0; k < p.order.length; k++) {
      const i = p.order[k];
      const x = Math.round(p.x[i] * v.scaleX + v.left), y = Math.round(p.y[i] * v.scaleY + v.top);
      if (p.hidden[i] || !(x >= -8 && y >= -8 && x < width + 8 && y < height + 8)) continue;
      this.px[3 * n] = i;
      this.px[3 * n + 1] = x;
      this.px[3 * n + 2] = y;
      n++;
    }
    return n;
  }

  private prepare(radius: number, width: number): void {
    radius = Math.round(radius * 4) / 4;
    const made = `${radius} ${width}`;
    if (made === this.made) return;
    this.made = made;
    this.marks = shapes.map((_, shape) => mark(shape, radius, width));
  }

  /** stampPart draws a mark that the border cuts. */
  private stampPart(m: Mark, x: number, y: number, colour: number, width: number, height: number): void {
    for (let k = 0; k < m.dx.length; k++) {
      const u = x + m.dx[k], v = y + m.dy[k];
      if (u >= 0 && v >= 0 && u < width && v < height) blend(this.pixels, v * width + u, colour, m.cover[k]);
    }
  }
}

function stamp(pixels: Uint32Array, m: Mark, at: number, colour: number): void {
  const opaque = 0xff000000 | colour;
  for (let k = 0; k < m.whole.length; k++) pixels[at + m.whole[k]] = opaque;
  for (let k = 0; k < m.edge.length; k++) blend(pixels, at + m.edge[k], colour, m.share[k]);
}

/** blend covers a share of 256 of a pixel. */
function blend(pixels: Uint32Array, at: number, colour: number, share: number): void {
  const under = pixels[at], rest = 256 - share;
  const rb = Math.imul(colour & 0xff00ff, share) + Math.imul(under & 0xff00ff, rest);
  const g = Math.imul(colour & 0xff00, share) + Math.imul(under & 0xff00, rest);
  pixels[at] = 0xff000000 | ((rb >>> 8) & 0xff00ff) | ((g >>> 8) & 0xff00);
}

/** swap turns 0xRRGGBB into 0xBBGGRR. */
export function swap(c: number): number {
  return ((c & 255) << 16) | (c & 0xff00) | ((c >> 16) & 255);
}
