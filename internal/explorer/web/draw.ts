// Draws rows: images pixel by pixel, vectors as cells in the colours of viridis.

import { viridis } from "./colours";
import type { Page } from "./page";

/** paint draws a row, as the network reads and writes it, on a canvas of its own size. */
export function paint(canvas: HTMLCanvasElement, page: Page, values: ArrayLike<number>): void {
  const [C, H, W] = page.shape;
  const [lo, hi] = page.shown;
  const share = (v: number): number => (v - lo) / (hi - lo);
  const across = C === 0 ? 1 : C === 1 || C === 3 ? W : W * C; // other channels stand side by side
  const down = C === 0 ? values.length : H;
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
  }
  const context = canvas.getContext("2d");
  if (!context) return;
  const image = context.createImageData(across, down);
  const put = (at: number, r: number, g: number, b: number): void => {
    image.data[4 * at] = 255 * r + 0.5; // they are clamped
    image.data[4 * at + 1] = 255 * g + 0.5;
    image.data[4 * at + 2] = 255 * b + 0.5;
    image.data[4 * at + 3] = 255;
  };
  for (let y = 0; y < down; y++)
    for (let x = 0; x < across; x++) {
      const at = y * across + x;
      if (C === 0) {
        const c = viridis(columnShare(page, y, values[y]));
        put(at, ((c >> 16) & 255) / 255, ((c >> 8) & 255) / 255, (c & 255) / 255);
      } else if (C === 3) {
        put(at, share(values[at]), share(values[H * W + at]), share(values[2 * H * W + at]));
      } else {
        const v = share(values[Math.floor(x / W) * H * W + y * W + (x % W)]);
        put(at, v, v, v);
      }
    }
  context.putImageData(image, 0, 0);
}

/** columnShare is where a value as the network reads it lies between the least and the greatest of its column. */
export function columnShare(page: Page, j: number, value: number): number {
  const { factor, shift } = page.scaling;
  if (factor && shift) value = value / factor[j % factor.length] + shift[j % shift.length];
  return rangeShare(page, j, value);
}

/** rangeShare is the same of a value in the units of the rows. */
export function rangeShare(page: Page, j: number, value: number): number {
  const lo = page.least?.[j] ?? 0, hi = page.greatest?.[j] ?? 1;
  return hi > lo ? (value - lo) / (hi - lo) : 0.5;
}

/** number writes a number in few letters. */
export function number(v: number): string {
  if (!Number.isFinite(v)) return String(v);
  const size = Math.abs(v);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? v.toExponential(2) : String(Number(v.toPrecision(4)));
}

/** inColumn writes a value of a column to a thousandth of the column's range: below that are roundings. */
export function inColumn(page: Page, j: number, v: number): string {
  const span = (page.greatest?.[j] ?? 0) - (page.least?.[j] ?? 0);
  if (!(span > 0) || !Number.isFinite(v)) return number(v);
  const step = Math.pow(10, Math.floor(Math.log10(span)) - 3);
  return number(Math.round(v / step) * step || 0);
}
