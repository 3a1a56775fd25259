// The panel of noise: what the model makes of the point's input with noise.

import { Bars } from "./bars";
import { number, paint } from "./draw";
import { corrupted, kindsOf } from "./noise";
import type { Kind } from "./noise";
import { byId } from "./page";
import type { State } from "./state";

export class NoisePanel {
  private seed = 1;
  private readonly kind = byId<HTMLSelectElement>("noise-kind");
  private readonly amount = byId<HTMLInputElement>("noise-amount");
  private readonly bars: Bars | null = null;
  private readonly section = byId<HTMLDetailsElement>("noise-section");

  constructor(private readonly state: State) {
    const { model } = state;
    const kinds = kindsOf(model.page);
    for (const k of kinds) this.kind.add(new Option(k.name, k.kind));
    const [trained, amount] = model.page.corrupt.split(":");
    if (trained) this.kind.value = trained;
    const choose = (value?: number): void => {
      const k = kinds.find((one) => one.kind === this.kind.value) ?? kinds[0];
      this.amount.max = String(Math.max(k.most, value ?? 0));
      this.amount.value = String(value ?? k.usual);
    };
    choose(trained ? Number(amount) : undefined);
    if (model.image) byId("noise-trio").hidden = false;
    else this.bars = new Bars(model, byId("noise-bars"));
    this.kind.addEventListener("change", () => {
      choose();
      this.show();
    });
    this.amount.addEventListener("input", () => this.show());
    byId("noise-again").addEventListener("click", () => {
      this.seed++;
      this.show();
    });
    this.section.addEventListener("toggle", () => this.show());
    state.onChange(() => this.show());
  }

  private show(): void {
    byId("noise-value").textContent = Number(this.amount.value).toFixed(2);
    const { model, input, label, judged } = this.state;
    const told = byId("noise-told");
    if (!input || !judged) {
      told.textContent = "Choose a row on the map, or draw: noise is added to an input.";
      return;
    }
    if (!this.section.open) return;
    const noisy = corrupted(model.page, input, this.kind.value as Kind, Number(this.amount.value), this.seed);
    const restored = model.decode(model.encode(noisy, label), label);
    if (this.bars) this.bars.show(noisy, restored);
    else {
      paint(byId<HTMLCanvasElement>("noise-clean"), model.page, input);
      paint(byId<HTMLCanvasElement>("noise-noisy"), model.page, noisy);
      paint(byId<HTMLCanvasElement>("noise-restored"), model.page, restored);
    }
    const error = (a: Float32Array): number => Math.sqrt(a.reduce((sum, v, i) => sum + (v - input[i]) ** 2, 0) / a.length);
    told.textContent = `Root mean square error to the input: with noise ${number(error(noisy))}, denoised ${number(error(restored))}. The network ${
      model.page.corrupt ? "was trained to take away " + model.page.corrupt : "was not trained on noise"
    }.`;
  }
}
