// What the page shows: the map of codes first, then everything that asks the model.

import { worst } from "./bars";
import { paint } from "./draw";
import { Legend } from "./legend";
import type { Colouring } from "./legend";
import { CodeMap } from "./map";
import type { Model } from "./model";
import { NoisePanel } from "./noisy";
import { Pad } from "./pad";
import { byId } from "./page";
import type { Page } from "./page";
import { inWords, PointPanel } from "./point";
import { addSliders } from "./sliders";
import { State } from "./state";
import { Way } from "./way";

/** Explorer is the whole page. */
export interface Explorer {
  page: Page;
  map?: CodeMap;
  model?: Model;
  state?: State;
  ready: boolean;
}

declare global {
  interface Window {
    explorer?: Explorer; // for a console, and for tests
  }
}

/** MapView is the map with its legend, and what happens on it. */
export interface MapView {
  map: CodeMap;
  legend: Legend;
  events: { moved: (x: number, y: number) => void; picked: (row: number) => void; hovered: (row: number, x: number, y: number) => void };
  /** named writes the names of the axes, which say their share of the variance. */
  named: () => void;
}

/** openMap draws the points of codes. */
export function openMap(page: Page, codes: Float32Array, labels: Uint8Array | null): MapView {
  const events: MapView["events"] = { moved: () => {}, picked: () => {}, hovered: () => {} };
  const map = new CodeMap(page, codes, byId<HTMLCanvasElement>("points"), byId<HTMLCanvasElement>("above"), {
    moved: (x, y) => events.moved(x, y), picked: (row) => events.picked(row), hovered: (row, x, y) => events.hovered(row, x, y),
  });
  const legend = new Legend(page, map, labels);
  legend.show({ id: "class", name: "Class", values: null });
  return { map, legend, events, named: addMapTools(map, legend) };
}

/** openModel adds all that asks the model; what it returns shows what the model has learned since. */
export function openModel(view: MapView, model: Model, numbers: Uint32Array | null): { state: State; refresh: () => void } {
  const { map, events } = view;
  const { page } = model;
  const state = new State(model);
  new PointPanel(state, numbers);
  const range = addSliders(state);
  const way = new Way(state, map);
  if (page.shape[0] === 1 && Math.min(page.shape[1], page.shape[2]) >= 8) new Pad(state);
  new NoisePanel(state);
  state.onChange(() => {
    map.markers = [{ code: state.code, text: "", kind: "point" }, ...way.markers()];
    map.redrawAbove();
  });
  events.moved = (x, y) => state.setCode(map.plane.moved(state.code, x, y), "Decoded from the map");
  events.picked = (row) => state.setRow(row);
  events.hovered = card(model, numbers);
  state.setRow(0);
  const refresh = (): void => {
    range();
    state.refresh();
    way.refresh();
  };
  return { state, refresh };
}

/** addColourings fills the choice of colours: class, score, loss. What it returns takes other losses. */
export function addColourings(page: Page, legend: Legend, labels: Uint8Array | null, losses: Float64Array, scores: Float64Array | null): (losses: Float64Array) => void {
  const list: Colouring[] = [];
  if (labels) list.push({ id: "class", name: "Class", values: null });
  if (scores) list.push({ id: "score", name: "Score", values: scores });
  const loss: Colouring = { id: "loss", name: `Loss (${page.loss.words})`, values: losses };
  list.push(loss);
  const choice = byId<HTMLSelectElement>("colour");
  for (const c of list) choice.add(new Option(c.name, c.id));
  const show = (): void => legend.show(list.find((c) => c.id === choice.value) ?? null);
  choice.addEventListener("change", show);
  if (!labels) show();
  return (changed) => {
    loss.values = changed;
    if (choice.value === "loss") show();
  };
}

/** addMapTools wires what stands above the map; what it returns names the axes anew. */
function addMapTools(map: CodeMap, legend: Legend): () => void {
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
  return () => {
    map.axes.forEach((axis, k) => (x.options[k].text = y.options[k].text = axis.name));
    legend.place();
  };
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
