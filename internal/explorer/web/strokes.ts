// What is drawn on the pad becomes an image as those of the data are: as large,
// as thick, in the same place, on the same ground.

import type { Model } from "./model";

export interface Habits {
  ground: number; // of the network's values
  ink: number;
  extent: number; // pixels that the longer side of what is drawn takes
  thickness: number; // pixels
  x: number; // where the ink's centre of mass lies
  y: number;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** habitsOf measures the first images. */
export function habitsOf(m: Model): Habits {
  const [, H, W] = m.page.shape;
  const [lo, hi] = m.page.shown;
  const borders: number[] = [], extents: number[] = [], thick: number[] = [], xs: number[] = [], ys: number[] = [];
  const images = Array.from({ length: Math.min(m.page.n, 400) }, (_, i) => m.row(i));
  for (const image of images) for (let x = 0; x < W; x++) borders.push(image[x], image[(H - 1) * W + x]);
  const ground = median(borders);
  const ink = Math.abs(hi - ground) >= Math.abs(lo - ground) ? hi : lo;
  for (const image of images) {
    const share = (x: number, y: number): number =>
      x < 0 || y < 0 || x >= W || y >= H ? 0 : Math.min(Math.max((image[y * W + x] - ground) / (ink - ground), 0), 1);
    let mass = 0, sx = 0, sy = 0, area = 0, edge = 0, left = W, right = -1, top = H, bottom = -1;
    for (let y = 0; y < H; y++)
      for (let x = 0; x < W; x++) {
        const s = share(x, y);
        mass += s;
        sx += s * x;
        sy += s * y;
        if (s < 0.5) continue;
        area++;
        for (const [u, v] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) if (share(x + u, y + v) < 0.5) edge++;
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y);
      }
    if (area === 0) continue;
    extents.push(Math.max(right - left, bottom - top) + 1);
    thick.push((2 * area) / (edge * (Math.PI / 4)));
    xs.push(sx / mass);
    ys.push(sy / mass);
  }
  const least = Math.min(H, W);
  return {
    ground, ink,
    extent: median(extents) || 0.7 * least,
    thickness: Math.min(median(thick) || least / 12, least / 4),
    x: median(xs) || (W - 1) / 2,
    y: median(ys) || (H - 1) / 2,
  };
}

export type Stroke = Array<[number, number]>;

/** rasterise draws strokes, in any units, as the data's images are; null where there is nothing. */
export function rasterise(strokes: Stroke[], page: Model["page"], h: Habits): Float32Array | null {
  const points = strokes.flat();
  if (points.length === 0) return null;
  const [, H, W] = page.shape;
  const x0 = Math.min(...points.map((p) => p[0])), x1 = Math.max(...points.map((p) => p[0]));
  const y0 = Math.min(...points.map((p) => p[1])), y1 = Math.max(...points.map((p) => p[1]));
  const span = Math.max(x1 - x0, y1 - y0);
  const scale = span > 0 ? Math.max(h.extent - h.thickness, 1) / span : 1;
  const fine = 4; // places of a pixel each way
  let shiftX = W / 2 - (scale * (x0 + x1)) / 2, shiftY = H / 2 - (scale * (y0 + y1)) / 2;
  let shares = cover(strokes, scale, shiftX, shiftY, h.thickness, W, H, fine);
  let mass = 0, sx = 0, sy = 0;
  shares.forEach((s, i) => {
    mass += s;
    sx += s * (i % W);
    sy += s * Math.floor(i / W);
  });
  if (mass > 0) {
    shiftX += Math.round(h.x - sx / mass);
    shiftY += Math.round(h.y - sy / mass);
    shares = cover(strokes, scale, shiftX, shiftY, h.thickness, W, H, fine);
  }
  return shares.map((s) => h.ground + s * (h.ink - h.ground));
}

/** cover is how much of each pixel strokes of a thickness cover. */
function cover(strokes: Stroke[], scale: number, shiftX: number, shiftY: number, thickness: number, W: number, H: number, fine: number): Float32Array {
  const hit = new Uint8Array(W * fine * H * fine);
  const radius = (thickness * fine) / 2;
  const dot = (x: number, y: number): void => {
    for (let v = Math.max(0, Math.ceil(y - radius)); v <= Math.min(H * fine - 1, y + radius); v++)
      for (let u = Math.max(0, Math.ceil(x - radius)); u <= Math.min(W * fine - 1, x + radius); u++)
        if ((u - x) ** 2 + (v - y) ** 2 <= radius * radius) hit[v * W * fine + u] = 1;
  };
  for (const stroke of strokes) {
    const at = stroke.map(([x, y]): [number, number] => [(x * scale + shiftX) * fine - 0.5, (y * scale + shiftY) * fine - 0.5]);
    at.forEach(([x, y], i) => {
      const [px, py] = at[Math.max(0, i - 1)];
      const steps = Math.max(1, Math.ceil(Math.hypot(x - px, y - py)));
      for (let k = 0; k <= steps; k++) dot(px + ((x - px) * k) / steps, py + ((y - py) * k) / steps);
    });
  }
  const out = new Float32Array(W * H);
  for (let v = 0; v < H * fine; v++)
    for (let u = 0; u < W * fine; u++) out[Math.floor(v / fine) * W + Math.floor(u / fine)] += hit[v * W * fine + u] / (fine * fine);
  return out;
}
