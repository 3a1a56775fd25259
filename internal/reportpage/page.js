"use strict";
(() => {
  // Light or dark: as the system has it, until somebody chooses.
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const remember = { get: () => null, set: () => {} };
  try {
    remember.get = () => localStorage.getItem("aegis-theme");
    remember.set = (v) => localStorage.setItem("aegis-theme", v);
    const kept = remember.get();
    if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  } catch { /* a browser may keep nothing for files */ }
  const theme = document.getElementById("theme");
  const label = () => { theme.textContent = isDark() ? "Light" : "Dark"; theme.setAttribute("aria-label", "Show the page " + (isDark() ? "light" : "dark")); };
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { remember.set(root.dataset.theme); } catch { /* as above */ }
    label();
  });
  dark.addEventListener("change", label);
  label();

  // What is folded is printed too.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open]):not(.unprinted)")];
    for (const d of opened) d.open = true;
  });
  addEventListener("afterprint", () => { for (const d of opened) d.open = false; });

  const data = document.getElementById("charts");
  if (!data) return;
  const charts = JSON.parse(data.textContent);
  const dashes = ["", "7 4", "2 3", "9 3 2 3", "", "5 2", "1 4", "12 4"];
  const make = (name, of = {}, text) => {
    const e = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [k, v] of Object.entries(of)) e.setAttribute(k, v);
    if (text !== undefined) e.textContent = text;
    return e;
  };
  const short = (v) => (v === 0 ? "0" : Math.abs(v) >= 1e5 || Math.abs(v) < 1e-3 ? v.toExponential(3) : String(Number(v.toPrecision(5))));

  // ticks are round numbers between two ends.
  function ticks(low, high, most, whole) {
    const raw = (high - low) / most;
    const power = 10 ** Math.floor(Math.log10(raw));
    let step = [1, 2, 5, 10].map((n) => n * power).find((s) => s >= raw) || power * 10;
    if (whole) step = Math.max(1, Math.round(step));
    const all = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) all.push(i * step);
    return all;
  }
  function powers(low, high) {
    const all = [];
    for (let p = Math.floor(Math.log10(low)); p <= Math.ceil(Math.log10(high)); p++) {
      for (const n of [1, 2, 5]) {
        const v = n * 10 ** p;
        if (v >= low * (1 - 1e-9) && v <= high * (1 + 1e-9)) all.push(v);
      }
    }
    return all.length > 1 ? all : ticks(low, high, 5, false).filter((v) => v > 0);
  }

  class Plot {
    constructor(at) {
      this.at = at;
      this.chart = charts[Number(at.dataset.chart)];
      this.figure = at.closest("figure");
      this.readout = this.figure.querySelector(".readout");
      const values = this.chart.lines.flatMap((l) => l.values).filter((v) => v !== null);
      this.positive = values.length > 0 && Math.min(...values) > 0;
      this.log = this.chart.log && this.positive;
      this.pointers = new Map();
      this.all();
      this.tools();
      this.svg = make("svg", { role: "img", tabindex: "0" });
      this.svg.setAttribute("aria-label", this.describe());
      at.append(this.svg);
      this.listen();
      new ResizeObserver(() => this.draw()).observe(at);
      addEventListener("beforeprint", () => this.draw());
    }

    describe() {
      const last = this.chart.lines.map((l) => {
        const seen = l.values.filter((v) => v !== null);
        return `${l.name} from ${short(seen[0])} to ${short(seen[seen.length - 1])}`;
      });
      return `${this.chart.title} over ${this.chart.x.length} epochs: ${last.join("; ")}. Arrow keys pan, plus and minus zoom, 0 shows all.`;
    }

    // all shows every epoch.
    all() {
      const x = this.chart.x;
      this.ends = [x[0], x[x.length - 1]];
      if (this.ends[0] === this.ends[1]) this.ends = [this.ends[0] - 0.5, this.ends[1] + 0.5];
      this.view = [...this.ends];
      this.range = null; // of values: those in view
    }

    tools() {
      const bar = this.figure.querySelector(".tools");
      const button = (text, name, act) => {
        const b = document.createElement("button");
        b.type = "button";
        b.textContent = text;
        b.setAttribute("aria-label", `${name}, ${this.chart.title}`);
        b.addEventListener("click", () => { act(b); this.draw(); });
        bar.append(b);
        return b;
      };
      button("+", "Zoom in", () => this.zoom(0.5));
      button("−", "Zoom out", () => this.zoom(2));
      button("←", "Pan left", () => this.pan(-0.25));
      button("→", "Pan right", () => this.pan(0.25));
      button("All", "Show all", () => this.all());
      if (this.positive) {
        const b = button("Logarithmic", "Logarithmic axis", () => { this.log = !this.log; this.range = null; b.setAttribute("aria-pressed", this.log); });
        b.setAttribute("aria-pressed", this.log);
      }
    }

    zoom(by, about = 0.5) {
      const [a, b] = this.view, width = b - a, least = Math.min(1, this.ends[1] - this.ends[0]) / 2;
      const to = Math.min(this.ends[1] - this.ends[0], Math.max(least, width * by));
      const middle = a + width * about;
      this.view = this.held([middle - to * about, middle + to * (1 - about)]);
      this.range = null;
    }
    pan(share) {
      const by = (this.view[1] - this.view[0]) * share;
      this.view = this.held([this.view[0] + by, this.view[1] + by]);
    }
    // held keeps a view between the ends.
    held([a, b]) {
      const width = b - a;
      if (a < this.ends[0]) [a, b] = [this.ends[0], this.ends[0] + width];
      if (b > this.ends[1]) [a, b] = [this.ends[1] - width, this.ends[1]];
      return [Math.max(a, this.ends[0]), Math.min(b, this.ends[1])];
    }

    // values are the least and the greatest value in view, with some room.
    values() {
      if (this.range) return this.range;
      const x = this.chart.x;
      let seen = this.chart.lines.flatMap((l) => l.values.filter((v, i) => v !== null && x[i] >= this.view[0] - 1 && x[i] <= this.view[1] + 1));
      if (seen.length === 0) seen = [0, 1];
      let low = Math.min(...seen), high = Math.max(...seen);
      if (this.log) {
        const room = Math.max((high / low) ** 0.05, 1.01);
        return [low / room, high * room];
      }
      const room = (high - low) * 0.05 || Math.abs(high) * 0.05 || 1;
      return [low - room, high + room];
    }

    draw() {
      const width = Math.max(240, Math.round(this.at.clientWidth || 640)), height = width < 500 ? 240 : 320;
      const box = { left: 62, right: width - 10, top: 10 + 18 * Math.ceil(this.chart.lines.length / (width < 500 ? 2 : 5)), bottom: height - 34 };
      this.box = box;
      const [low, high] = this.values(), to = this.log ? Math.log : (v) => v, back = this.log ? Math.exp : (v) => v;
      const px = (v) => box.left + ((v - this.view[0]) / (this.view[1] - this.view[0])) * (box.right - box.left);
      const py = (v) => box.bottom - ((to(v) - to(low)) / (to(high) - to(low))) * (box.bottom - box.top);
      this.px = px;
      this.fromX = (p) => this.view[0] + ((p - box.left) / (box.right - box.left)) * (this.view[1] - this.view[0]);
      this.fromY = (p) => back(to(low) + ((box.bottom - p) / (box.bottom - box.top)) * (to(high) - to(low)));
      this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      this.svg.dataset.from = this.view[0];
      this.svg.dataset.to = this.view[1];
      const parts = [];
      for (const v of this.log ? powers(low, high) : ticks(low, high, 5, false)) {
        parts.push(make("line", { class: "grid", x1: box.left, x2: box.right, y1: py(v), y2: py(v) }));
        parts.push(make("text", { x: box.left - 6, y: py(v) + 4, "text-anchor": "end" }, short(v)));
      }
      for (const v of ticks(...this.view, width < 500 ? 5 : 10, true)) {
        parts.push(make("line", { class: "grid", x1: px(v), x2: px(v), y1: box.bottom, y2: box.bottom + 4 }));
        parts.push(make("text", { x: px(v), y: box.bottom + 17, "text-anchor": "middle" }, String(v)));
      }
      parts.push(make("text", { x: (box.left + box.right) / 2, y: height - 3, "text-anchor": "middle" }, width < 500 ? "epoch" : `epoch; ${this.chart.label}`));
      const clip = `clip-${this.at.dataset.chart}`, hole = make("clipPath", { id: clip });
      hole.append(make("rect", { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top }));
      const group = make("g", { "clip-path": `url(#${clip})` });
      this.chart.lines.forEach((l, n) => this.line(l, n, px, py, group));
      this.cursor = make("line", { class: "cursor", y1: box.top, y2: box.bottom, visibility: "hidden" });
      this.dragged = make("rect", { class: "box", visibility: "hidden" });
      this.svg.replaceChildren(hole, ...parts, group, ...this.legend(width), this.cursor, this.dragged);
    }

    line(l, n, px, py, group) {
      const stroke = { fill: "none", style: `stroke: var(--c${n % 8})`, "stroke-width": 2, "stroke-dasharray": dashes[n % 8] };
      let d = "", pen = "M", points = 0;
      l.values.forEach((v, i) => {
        if (v === null) { pen = "M"; return; }
        d += `${pen}${px(this.chart.x[i]).toFixed(2)} ${py(v).toFixed(2)}`;
        pen = "L";
        points++;
      });
      group.append(make("path", { d, ...stroke }));
      if (points <= 60) {
        l.values.forEach((v, i) => { if (v !== null) group.append(make("circle", { cx: px(this.chart.x[i]), cy: py(v), r: 2.5, style: `fill: var(--c${n % 8})` })); });
      }
    }

    legend(width) {
      const across = width < 500 ? 2 : 5, each = (width - 70) / across;
      return this.chart.lines.flatMap((l, n) => {
        const x = 62 + (n % across) * each, y = 12 + 18 * Math.floor(n / across);
        return [
          make("line", { x1: x, x2: x + 26, y1: y - 4, y2: y - 4, style: `stroke: var(--c${n % 8})`, "stroke-width": 2.5, "stroke-dasharray": dashes[n % 8] }),
          make("text", { x: x + 32, y }, l.name),
        ];
      });
    }

    // place is where a pointer is, in the units of the drawing.
    place(e) {
      const r = this.svg.getBoundingClientRect();
      const width = Number(this.svg.getAttribute("viewBox").split(" ")[2]);
      return { x: ((e.clientX - r.left) * width) / r.width, y: ((e.clientY - r.top) * width) / r.width };
    }

    // tell says what the lines have at the epoch that is nearest.
    tell(x) {
      const want = this.fromX(x);
      let best = 0;
      this.chart.x.forEach((v, i) => { if (Math.abs(v - want) < Math.abs(this.chart.x[best] - want)) best = i; });
      const there = this.chart.lines.filter((l) => l.values[best] !== null).map((l) => `${l.name} ${short(l.values[best])}`);
      this.readout.textContent = `Epoch ${this.chart.x[best]}: ${there.join(", ")}`;
      const at = this.px(this.chart.x[best]);
      this.cursor.setAttribute("x1", at);
      this.cursor.setAttribute("x2", at);
      this.cursor.setAttribute("visibility", at >= this.box.left - 1 && at <= this.box.right + 1 ? "visible" : "hidden");
    }

    listen() {
      const s = this.svg;
      s.addEventListener("wheel", (e) => {
        if (!e.ctrlKey && !e.metaKey) return;
        e.preventDefault();
        this.zoom(e.deltaY < 0 ? 0.8 : 1.25, this.share(this.place(e).x));
        this.draw();
      }, { passive: false });
      s.addEventListener("keydown", (e) => {
        const acts = { ArrowLeft: () => this.pan(-0.25), ArrowRight: () => this.pan(0.25), "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.all() };
        if (!acts[e.key] || e.ctrlKey || e.metaKey || e.altKey) return;
        e.preventDefault();
        acts[e.key]();
        this.draw();
      });
      s.addEventListener("dblclick", () => { this.all(); this.draw(); });
      s.addEventListener("pointerdown", (e) => this.down(e));
      s.addEventListener("pointermove", (e) => this.move(e));
      s.addEventListener("pointerup", (e) => this.up(e));
      s.addEventListener("pointercancel", (e) => { this.pointers.delete(e.pointerId); this.start = null; });
      s.addEventListener("pointerleave", () => { if (!this.start) { this.cursor.setAttribute("visibility", "hidden"); this.readout.textContent = ""; } });
    }
    share(x) { return Math.min(1, Math.max(0, (x - this.box.left) / (this.box.right - this.box.left))); }

    down(e) {
      if (e.button !== 0) return;
      try { this.svg.setPointerCapture(e.pointerId); } catch { /* it is gone already */ }
      const at = this.place(e);
      this.pointers.set(e.pointerId, at);
      this.start = { ...at, view: [...this.view], pans: e.shiftKey || e.pointerType === "touch" };
      if (this.pointers.size === 2) this.spread = this.apart();
    }
    apart() {
      const [a, b] = [...this.pointers.values()];
      return Math.max(10, Math.abs(a.x - b.x));
    }
    move(e) {
      const at = this.place(e);
      if (this.pointers.has(e.pointerId)) this.pointers.set(e.pointerId, at);
      if (this.pointers.size === 2) {
        const now = this.apart(), [a, b] = [...this.pointers.values()];
        this.zoom(this.spread / now, this.share((a.x + b.x) / 2));
        this.spread = now;
        this.draw();
        return;
      }
      if (this.start && this.start.pans) {
        const by = ((this.start.x - at.x) / (this.box.right - this.box.left)) * (this.start.view[1] - this.start.view[0]);
        this.view = this.held([this.start.view[0] + by, this.start.view[1] + by]);
        this.draw();
      } else if (this.start) {
        for (const [k, v] of Object.entries({
          x: Math.min(at.x, this.start.x), y: Math.min(at.y, this.start.y), width: Math.abs(at.x - this.start.x), height: Math.abs(at.y - this.start.y), visibility: "visible",
        })) this.dragged.setAttribute(k, v);
      }
      this.tell(at.x);
    }
    up(e) {
      const start = this.start, at = this.place(e), two = this.pointers.size === 2;
      this.pointers.delete(e.pointerId);
      this.start = null;
      if (!start || start.pans || two) return;
      if (Math.abs(at.x - start.x) > 8) {
        const view = [this.fromX(Math.min(at.x, start.x)), this.fromX(Math.max(at.x, start.x))];
        const range = [this.fromY(Math.max(at.y, start.y)), this.fromY(Math.min(at.y, start.y))];
        this.view = this.held(view);
        this.range = Math.abs(at.y - start.y) > 24 ? range : null;
      }
      this.draw();
    }
  }
  for (const at of document.querySelectorAll("[data-chart]")) new Plot(at);
})();
