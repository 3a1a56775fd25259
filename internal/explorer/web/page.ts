// What Go wrote into the page: see the struct page in page.go.

export interface Step {
  op: string;
  name: string;
  in: string[];
  shape: number[]; // of a row of the result
  act?: string;
  alpha?: number;
  stride?: [number, number];
  padding?: [number, number];
  epsilon?: number;
  k?: number;
}

export interface Part {
  given: string;
  labels: boolean;
  steps: Step[];
  result: string;
}

export interface Loss {
  kind: string;
  delta: number;
  sum: boolean;
  chances: boolean;
  variational: boolean;
  words: string;
}

export interface Detector {
  formula: string;
  words: string;
  center: number[] | null;
  scale: number[] | null;
  threshold: number;
}

export interface Page {
  title: string;
  model: string;
  shape: [number, number, number];
  latent: number;
  live?: boolean; // the network trains: codes, losses and weights come later
  parts: Record<string, Part>;
  params: Record<string, { shape: number[]; at: number }>;
  scaling: { kind: string; lo: number; hi: number; shift: Float32Array | null; factor: Float32Array | null };
  ends: [number, number] | null;
  shown: [number, number];
  loss: Loss;
  detector: Detector | null;
  corrupt: string;
  n: number;
  of: number;
  bytes: boolean;
  classes: string[] | null;
  conditional: boolean;
  columns: string[] | null;
  least: number[] | null;
  greatest: number[] | null;
  codeLeast: number[];
  codeGreatest: number[];
  axes: { mean: number[]; components: [number[], number[] | null]; shares: [number, number] };
}

/** byId finds an element that page.html has. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element ${id}`);
  return found as T;
}

export function readPage(): Page {
  const page = JSON.parse(byId("page").textContent ?? "") as Page;
  // Float32 is written in as few digits as tell it from others: 0.1 is no float64.
  const { scaling } = page;
  scaling.lo = Math.fround(scaling.lo);
  scaling.hi = Math.fround(scaling.hi);
  scaling.shift = scaling.shift && Float32Array.from(scaling.shift);
  scaling.factor = scaling.factor && Float32Array.from(scaling.factor);
  return page;
}

/** hasBlob says whether the page has an array of a name. */
export function hasBlob(name: string): boolean {
  return document.getElementById("blob-" + name) !== null;
}

/** readBlob unpacks an array: base64, gzip, and the bytes of values apart. */
export async function readBlob(name: string): Promise<ArrayBuffer> {
  const element = byId("blob-" + name);
  const text = atob(element.textContent ?? "");
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
  element.textContent = ""; // it is read once
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const apart = new Uint8Array(await new Response(stream).arrayBuffer());
  const width = Number(element.dataset.width);
  if (width === 1) return apart.buffer;
  const n = apart.length / width;
  const out = new Uint8Array(apart.length);
  for (let k = 0; k < width; k++) {
    const plane = apart.subarray(k * n, (k + 1) * n);
    for (let i = 0, at = k; i < n; i++, at += width) out[at] = plane[i];
  }
  return out.buffer;
}
