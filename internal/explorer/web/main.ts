// The page: the map is there first, of codes alone; then weights and rows are
// unpacked, and everything else can be used.

import { worst } from "./bars";
import { paint } from "./draw";
import { Legend } from "./legend";
import type { Colouring } from "./legend";
import { CodeMap } from "./map";
import { Model } from "./model";
import { NoisePanel } from "./noisy";
import { Pad } from "./pad";
import { byId, hasBlob, readBlob, readPage } from "./page";
import type { Page } from "./page";
import { inWords, PointPanel } from "./point";
import { addSliders } from "./sliders";
import { State } from "./state";
import { Way } from "./way";

declare global {
  interface Window {
    explorer?: Explorer; // for a console, and for tests
  }
}

interface Explorer {
  page: Page;
  map: CodeMap;
  model?: Model;
  state?: State;
  ready: boolean;
}

/** codesOf are the codes in float32, from their 16 bits. */
async function codesOf(page: Page): Promise<Float32Array> {
  const steps = new Uint16Array(await readBlob("codes"));
  const z = page.latent;
  const out = new Float32Array(steps.length);
  for (let i = 0; i < out.length; i++) {
    const lo = page.codeLeast[i % z];
    out[i] = lo + (steps[i] / 65535) * (page.codeGreatest[i % z] - lo);
  }
  return out;
}

async function open(): Promise<void> {
  const page = readPage();
  byId("about").textContent = `${page.model}, codes of ${page.latent} values, ${page.n === page.of ? page.n : `${page.n} of ${page.of}`} rows`;
  if (typeof DecompressionStream === "undefined")
    throw new Error("This browser cannot unpack the page: it has no DecompressionStream. Chrome or Edge from 80, Safari from 16.4 and Firefox from 113 have it.");
  const labels = hasBlob("labels") ? new Uint8Array(await readBlob("labels")) : null;
  let state: State | undefined;
  const events = { moved: (_x: number, _y: number): void => {}, picked: (_row: number): void => {}, hovered: (_row: number, _x: number, _y: number): void => {} };
  const map = new CodeMap(page, await codesOf(page), byId<HTMLCanvasElement>("points"), byId<HTMLCanvasElement>("above"), {
    moved: (x, y) => events.moved(x, y), picked: (row) => events.picked(row), hovered: (row, x, y) => events.hovered(row, x, y),
  });
  const explorer: Explorer = { page, map, ready: false };
  window.explorer = explorer;
  const legend = new Legend(page, map, labels);
  legend.show({ id: "class", name: "Class", values: null });
  addMapTools(map, legend);
  await new Promise(requestAnimationFrame); // the map is seen before the rest is unpacked

  const [weights, rows, losses, scores, numbers] = await Promise.all([
    readBlob("weights"), readBlob("rows"), readBlob("losses"),
    hasBlob("scores") ? readBlob("scores") : null, hasBlob("numbers") ? readBlob("numbers") : null,
  ]);
  const scored = scores && new Float64Array(scores);
  const model = new Model(page, new Float32Array(weights), page.bytes ? new Uint8Array(rows) : new Float32Array(rows), labels, scored);
  explorer.model = model;
  explorer.state = state = new State(model);
  addColourings(page, legend, labels, new Float64Array(losses), scored);
  const numbered = numbers && new Uint32Array(numbers);
  const found = state;
  new PointPanel(found, numbered);
  addSliders(found);
  const way = new Way(found, map);
  if (page.shape[0] === 1 && Math.min(page.shape[1], page.shape[2]) >= 8) new Pad(found);
  new NoisePanel(found);
  found.onChange(() => {
    map.markers = [{ code: found.code, text: "", kind: "point" }, ...way.markers()];
    map.redrawAbove();
  });
  events.moved = (x, y) => found.setCode(map.plane.moved(found.code, x, y), "Decoded from the map");
  events.picked = (row) => found.setRow(row);
  events.hovered = card(model, numbered);
  found.setRow(0);
  explorer.ready = true;
}

/** addColourings fills the choice of colours: class, score, loss. */
function addColourings(page: Page, legend: Legend, labels: Uint8Array | null, losses: Float64Array, scores: Float64Array | null): void {
  const list: Colouring[] = [];
  if (labels) list.push({ id: "class", name: "Class", values: null });
  if (scores) list.push({ id: "score", name: "Score", values: scores });
  list.push({ id: "loss", name: `Loss (${page.loss.words})`, values: losses });
  const choice = byId<HTMLSelectElement>("colour");
  for (const c of list) choice.add(new Option(c.name, c.id));
  const show = (): void => legend.show(list.find((c) => c.id === choice.value) ?? null);
  choice.addEventListener("change", show);
  if (!labels) show();
}

/** addMapTools wires what stands above the map. */
function addMapTools(map: CodeMap, legend: Legend): void {
  const x = byId<HTMLSelectElement>("axis-x"), y = byId<HTMLSelectElement>("axis-y");
  map.axes.forEach((axis, k) => {
    x.add(new Option(axis.name, String(k)));
    y.add(new Option(axis.name, String(k)));
  });
  y.value = String(Math.min(1, map.axes.length - 1));
  let last = [x.value, y.value];
  const changed = (): void => {
    if (x.value === y.value) [x.value, y.value] = [last[1], last[0]]; // they change places
    last = [x.value, y.value];
    map.setAxes(Number(x.value), Number(y.value));
    legend.place();
  };
  x.addEventListener("change", changed);
  y.addEventListener("change", changed);
  const point = byId("drag-point"), whole = byId("drag-map");
  const drag = (movesMap: boolean): void => {
    map.dragMovesMap = movesMap;
    point.setAttribute("aria-pressed", String(!movesMap));
    whole.setAttribute("aria-pressed", String(movesMap));
    byId("above").classList.toggle("pans", movesMap);
  };
  point.addEventListener("click", () => drag(false));
  whole.addEventListener("click", () => drag(true));
  byId("zoom-in").addEventListener("click", () => map.zoomBy(1.4));
  byId("zoom-out").addEventListener("click", () => map.zoomBy(1 / 1.4));
  byId("zoom-fit").addEventListener("click", () => map.fit());
  legend.place();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => map.redraw());
}

/** card shows the row under the mouse beside it. */
function card(model: Model, numbers: Uint32Array | null): (row: number, x: number, y: number) => void {
  const host = byId("card"), text = byId("card-text"), frame = byId("map");
  const input = byId<HTMLCanvasElement>("card-input"), output = byId<HTMLCanvasElement>("card-output");
  (input.parentElement as HTMLElement).hidden = !model.image;
  let shown = -1;
  return (row, x, y) => {
    host.hidden = row < 0;
    if (row < 0) {
      shown = -1;
      return;
    }
    if (row !== shown) {
      shown = row;
      const values = model.row(row);
      const j = model.judgeRow(row);
      let words = inWords(model, numbers, row, j.loss, j.score, j.anomalous);
      if (model.image) {
        paint(input, model.page, values);
        paint(output, model.page, j.output);
      } else words += "\n" + worst(model, values, j.output, 5).join("\n");
      text.textContent = words;
      text.classList.toggle("strange", j.anomalous);
    }
    const box = frame.getBoundingClientRect();
    const left = x - box.left, top = y - box.top, gap = 18;
    host.style.left = `${left + gap + host.offsetWidth < box.width ? left + gap : Math.max(0, left - gap - host.offsetWidth)}px`;
    host.style.top = `${Math.min(Math.max(0, top - 40), Math.max(0, box.height - host.offsetHeight - 4))}px`;
  };
}

open().catch((e: unknown) => {
  const error = byId("error");
  error.hidden = false;
  error.textContent = e instanceof Error ? e.message : String(e);
  if (!(e instanceof Error) || e.name !== "Error") console.error(e);
});
