// The page: the map is there first, of codes alone; then weights and rows are
// unpacked, and everything else can be used.

import { openLive } from "./live";
import { Model } from "./model";
import { byId, hasBlob, readBlob, readPage } from "./page";
import type { Page } from "./page";
import { addColourings, openMap, openModel } from "./view";
import type { Explorer } from "./view";

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
  const explorer: Explorer = { page, ready: false };
  window.explorer = explorer;
  const labels = hasBlob("labels") ? new Uint8Array(await readBlob("labels")) : null;
  if (page.live) return openLive(explorer, labels);
  const view = openMap(page, await codesOf(page), labels);
  explorer.map = view.map;
  await new Promise(requestAnimationFrame); // the map is seen before the rest is unpacked

  const [weights, rows, losses, scores, numbers] = await Promise.all([
    readBlob("weights"), readBlob("rows"), readBlob("losses"),
    hasBlob("scores") ? readBlob("scores") : null, hasBlob("numbers") ? readBlob("numbers") : null,
  ]);
  const scored = scores && new Float64Array(scores);
  const model = new Model(page, new Float32Array(weights), page.bytes ? new Uint8Array(rows) : new Float32Array(rows), labels, scored);
  explorer.model = model;
  addColourings(page, view.legend, labels, new Float64Array(losses), scored);
  explorer.state = openModel(view, model, numbers && new Uint32Array(numbers)).state;
  explorer.ready = true;
}

open().catch((e: unknown) => {
  const error = byId("error");
  error.hidden = false;
  error.textContent = e instanceof Error ? e.message : String(e);
  if (!(e instanceof Error) || e.name !== "Error") console.error(e);
});
