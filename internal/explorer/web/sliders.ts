// A slider for each value of the code.

import { number } from "./draw";
import { byId } from "./page";
import type { State } from "./state";

/** addSliders adds them; what it returns gives them the ranges that codes have now. */
export function addSliders(state: State): () => void {
  const { page } = state.model;
  const host = byId("sliders");
  const sliders: Array<{ input: HTMLInputElement; output: HTMLOutputElement }> = [];
  for (let k = 0; k < page.latent; k++) {
    const line = document.createElement("div");
    line.className = "slider";
    const label = document.createElement("label");
    const input = document.createElement("input");
    const output = document.createElement("output");
    input.type = "range";
    input.id = `z${k + 1}`;
    label.htmlFor = input.id;
    label.textContent = input.id;
    output.htmlFor.add(input.id);
    input.addEventListener("input", () => {
      const code = state.code.slice();
      code[k] = Number(input.value);
      state.setCode(code, "Code as the sliders say");
    });
    line.append(label, input, output);
    host.append(line);
    sliders.push({ input, output });
  }
  const range = (): void =>
    sliders.forEach(({ input }, k) => {
      const span = page.codeGreatest[k] - page.codeLeast[k] || 1;
      input.min = String(page.codeLeast[k]);
      input.max = String(page.codeLeast[k] + span);
      input.step = String(span / 200);
    });
  range();
  state.onChange(() =>
    sliders.forEach(({ input, output }, k) => {
      if (document.activeElement !== input || Math.abs(Number(input.value) - state.code[k]) > Number(input.step)) input.value = String(state.code[k]);
      output.textContent = number(state.code[k]);
    }),
  );
  return range;
}
