// Finds the nearest of many points by a grid of cells.

export class Grid {
  private readonly start: Int32Array; // of each cell in items
  private readonly items: Int32Array;
  private readonly across: number;
  private readonly down: number;
  private readonly left: number;
  private readonly top: number;
  private readonly cellX: number;
  private readonly cellY: number;

  constructor(private readonly x: Float32Array, private readonly y: Float32Array) {
    const n = x.length;
    const [minX, maxX] = ends(x), [minY, maxY] = ends(y);
    this.across = this.down = Math.max(1, Math.ceil(Math.sqrt(n / 4)));
    this.left = minX;
    this.top = minY;
    this.cellX = (maxX - minX) / this.across || 1;
    this.cellY = (maxY - minY) / this.down || 1;
    this.start = new Int32Array(this.across * this.down + 1);
    for (let i = 0; i < n; i++) this.start[this.cell(i) + 1]++;
    for (let c = 0; c < this.across * this.down; c++) this.start[c + 1] += this.start[c];
    const next = this.start.slice();
    this.items = new Int32Array(n);
    for (let i = 0; i < n; i++) this.items[next[this.cell(i)]++] = i;
  }

  private column = (x: number): number => clamp(Math.floor((x - this.left) / this.cellX), this.across);
  private line = (y: number): number => clamp(Math.floor((y - this.top) / this.cellY), this.down);
  private cell = (i: number): number => this.line(this.y[i]) * this.across + this.column(this.x[i]);

  /** nearest is the point nearest to a place within a reach along both axes, by ellipses of that; −1: none. */
  nearest(x: number, y: number, reachX: number, reachY: number, hidden: Uint8Array): number {
    let best = -1, least = 1;
    for (let line = this.line(y - reachY); line <= this.line(y + reachY); line++)
      for (let column = this.column(x - reachX); column <= this.column(x + reachX); column++) {
        const cell = line * this.across + column;
        for (let k = this.start[cell]; k < this.start[cell + 1]; k++) {
          const i = this.items[k];
          if (hidden[i]) continue;
          const u = (this.x[i] - x) / reachX, v = (this.y[i] - y) / reachY;
          if (u * u + v * v < least) {
            least = u * u + v * v;
            best = i;
          }
        }
      }
    return best;
  }
}

const clamp = (i: number, n: number): number => Math.min(Math.max(i, 0), n - 1);

/** ends are the least and the greatest value. */
export function ends(values: ArrayLike<number>): [number, number] {
  let lo = Infinity, hi = -Infinity;
  for (let i = 0; i < values.length; i++) {
    lo = Math.min(lo, values[i]);
    hi = Math.max(hi, values[i]);
  }
  return [lo, hi];
}
