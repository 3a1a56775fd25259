// The page of a network that trains: it hears what happens, and fetches looks at
// what the network has come to.

import { Curves } from "./curves";
import type { Metrics } from "./curves";
import { number, paint } from "./draw";
import { Model } from "./model";
import { byId, hasBlob, readBlob } from "./page";
import type { Page } from "./page";
import { addColourings, openMap, openModel } from "./view";
import type { Explorer, MapView } from "./view";

interface Progress {
  epoch: number;
  epochs: number;
  rows: number;
  totalRows: number;
  loss: number;
  imagesPerSecond: number;
}

interface Hello {
  run: string;
  out: string;
  device: string;
  what: string;
  among: number;
  epochs: number;
  curve: Array<[number, number]> | null;
  metrics: Metrics[] | null;
}

interface News {
  progress?: Progress;
  metrics?: Metrics[];
  look?: number;
  failed?: string;
  end?: { status: string; text?: string; out: string };
}

/** Look is what the network makes of the rows at a moment: see Encode in live.go. */
interface Look {
  version: number;
  epoch: number;
  step: number;
  rows: number;
  delta: number;
  codeLeast: number[];
  codeGreatest: number[];
  axes: Page["axes"];
  rebuilt: number;
  weights: number;
}

/** Looks fetches looks and shows them. */
class Looks {
  shown = 0; // version
  private wanted = 0;
  private busy = false;
  private view: MapView | null = null;
  private model: Model | null = null;
  private refresh: () => void = () => {};
  private recolour: (losses: Float64Array) => void = () => {};

  constructor(
    private readonly explorer: Explorer,
    private readonly labels: Uint8Array | null,
    private readonly rows: Uint8Array | Float32Array,
    private readonly numbers: Uint32Array | null,
    private readonly done: () => void,
  ) {}

  /** all says that the newest look is shown. */
  get all(): boolean {
    return !this.busy && this.shown >= this.wanted;
  }

  /** want asks for a look of a version or a newer one. */
  want(version: number): void {
    this.wanted = Math.max(this.wanted, version);
    if (!this.busy && this.shown < this.wanted) void this.fetch();
  }

  private async fetch(): Promise<void> {
    this.busy = true;
    try {
      const answer = await fetch("look", { cache: "no-store" });
      if (!answer.ok) throw new Error(`look: ${answer.status}`);
      this.show(await answer.arrayBuffer());
    } catch {
      this.wanted = this.shown; // it is fetched when the next one is there
    }
    this.busy = false;
    this.done();
    this.want(this.wanted);
  }

  private show(bytes: ArrayBuffer): void {
    const { page } = this.explorer;
    const length = new DataView(bytes).getUint32(0, true);
    const look = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length))) as Look;
    let at = 4 + length;
    const losses = new Float64Array(bytes.slice(at, (at += 8 * page.n)));
    const codes = new Float32Array(bytes.slice(at, (at += 4 * page.n * page.latent)));
    const size = this.rows.length / page.n;
    const rebuilt = new Float32Array(bytes.slice(at, (at += 4 * look.rebuilt * size)));
    const weights = look.weights > 0 ? new Float32Array(bytes.slice(at, at + 4 * look.weights)) : null;
    page.codeLeast = look.codeLeast;
    page.codeGreatest = look.codeGreatest;
    page.axes = look.axes;
    page.loss.delta = look.delta;
    if (this.view) this.update(codes, losses, weights);
    else this.begin(codes, losses, weights);
    this.paint(rebuilt, size);
    this.shown = look.version;
    byId("live-look").textContent = `${this.model?.image ? "Above the input, below what is rebuilt of it" : "Left the row, right what is rebuilt of it, a cell for each column"}; step ${look.step}, ${look.rows > 0 ? `within epoch ${look.epoch + 1}` : `after epoch ${look.epoch}`}`;
    this.explorer.ready = true;
  }

  /** begin opens the page with the first look. */
  private begin(codes: Float32Array, losses: Float64Array, weights: Float32Array | null): void {
    const { explorer, labels } = this;
    const view = (this.view = openMap(explorer.page, codes, labels));
    explorer.map = view.map;
    byId("explored").hidden = false;
    this.recolour = addColourings(explorer.page, view.legend, labels, losses, null);
    this.model = new Model(explorer.page, weights ?? new Float32Array(0), this.rows, labels, null);
    if (!weights) {
      byId("panels").hidden = true;
      byId("live-large").hidden = false;
      return;
    }
    explorer.model = this.model;
    const opened = openModel(view, this.model, this.numbers);
    explorer.state = opened.state;
    this.refresh = opened.refresh;
  }

  private update(codes: Float32Array, losses: Float64Array, weights: Float32Array | null): void {
    this.view?.map.setCodes(codes);
    this.view?.named();
    this.recolour(losses);
    if (weights) this.model?.setWeights(weights);
    this.refresh();
  }

  /** paint shows the first rows and what the network makes of them. */
  private paint(rebuilt: Float32Array, size: number): void {
    const host = byId("live-pairs"), { model } = this;
    if (!model) return;
    const { page } = model;
    host.classList.toggle("vectors", !model.image);
    for (let k = 0; k < rebuilt.length / size; k++) {
      if (!host.children[k]) {
        const pair = document.createElement("div");
        for (const what of ["input", "rebuilt"]) {
          const canvas = document.createElement("canvas");
          canvas.setAttribute("role", "img");
          canvas.setAttribute("aria-label", `Row ${this.numbers ? this.numbers[k] : k}, ${what}`);
          pair.append(canvas);
        }
        host.append(pair);
        paint(pair.children[0] as HTMLCanvasElement, page, model.row(k));
      }
      paint(host.children[k].children[1] as HTMLCanvasElement, page, rebuilt.subarray(k * size, (k + 1) * size));
    }
  }
}

/** openLive hears what training comes to, until its end. */
export async function openLive(explorer: Explorer, labels: Uint8Array | null): Promise<void> {
  const { page } = explorer;
  byId("live").hidden = false;
  byId("explored").hidden = true;
  const [bytes, numbers] = await Promise.all([readBlob("rows"), hasBlob("numbers") ? readBlob("numbers") : null]);
  const rows = page.bytes ? new Uint8Array(bytes) : new Float32Array(bytes);
  const curves = new Curves(byId<HTMLCanvasElement>("curves"));
  const state = byId("live-state"), title = document.title;
  const source = new EventSource("events");
  let run = "", ended = false;
  const leave = (): void => {
    if (ended && looks.all) source.close(); // the server waits for that
  };
  const looks = new Looks(explorer, labels, rows, numbers && new Uint32Array(numbers), leave);
  source.addEventListener("hello", (e) => {
    const hello = JSON.parse((e as MessageEvent<string>).data) as Hello;
    if (run && run !== hello.run) location.reload(); // another run has begun at this address
    run = hello.run;
    byId("about").textContent = `${page.model}, codes of ${page.latent} values, on ${hello.device}; ${page.n === hello.among ? page.n : `${page.n} of ${hello.among}`} ${hello.what}`;
    curves.begin(hello.epochs, hello.curve ?? [], hello.metrics ?? []);
    looks.shown = 0;
    state.textContent = "Training begins";
  });
  source.addEventListener("news", (e) => {
    const news = JSON.parse((e as MessageEvent<string>).data) as News;
    if (news.progress) {
      const p = news.progress, share = p.rows / Math.max(1, p.totalRows);
      curves.add(p.epoch - 1 + share, p.loss);
      state.textContent = `Epoch ${p.epoch} of ${p.epochs}, ${Math.round(100 * share)} %, loss ${number(p.loss)}, ${Math.round(p.imagesPerSecond)} rows a second`;
      document.title = `${p.epoch}/${p.epochs} ${title}`;
      byId<HTMLProgressElement>("live-progress").value = (p.epoch - 1 + share) / p.epochs;
    }
    for (const m of news.metrics ?? []) curves.epoch(m);
    if (news.failed) fail(`Training goes on, but is not shown any more: ${news.failed}`);
    if (news.look) looks.want(news.look);
    if (!news.end) return;
    ended = true;
    state.textContent = `Training has ended: ${news.end.status}${news.end.text ? `, ${news.end.text}` : ""}. The run lies in ${news.end.out}; this page keeps its last state.`;
    document.title = `${news.end.status}: ${title}`;
    leave();
  });
  source.addEventListener("error", () => {
    if (!ended) state.textContent = "The connection to the run is lost; it is tried again.";
  });
}

function fail(text: string): void {
  const error = byId("error");
  error.hidden = false;
  error.textContent = text;
}
