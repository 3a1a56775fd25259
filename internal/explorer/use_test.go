package explorer_test

import (
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"aegis/internal/browsertest"
	"aegis/internal/explorer"
	"aegis/model"
)

// visitor uses a page and looks at what becomes of it.
type visitor struct {
	*browsertest.Tab
	given explorer.Given
}

// want fails where an expression is not true.
func (v *visitor) want(what, expression string) {
	v.Helper()
	if got := v.Text(expression); got != "true" {
		v.Errorf("%s: %s is %s", what, expression, got)
	}
}

// decoded holds what the page shows to what Go decodes of the same code.
func (v *visitor) decoded(what string) {
	v.Helper()
	var code []float32
	for _, value := range v.Floats("explorer.state.code", 32) {
		code = append(code, float32(value))
	}
	var labels []byte
	if v.given.Spec.Condition != "" {
		labels = []byte{byte(v.Number("explorer.state.label"))}
	}
	want, err := v.given.Model.Decode(context.Background(), code, labels...)
	if err != nil {
		v.Fatal(err)
	}
	got := v.Floats("explorer.model.undo(explorer.state.output)", 32)
	for i := range want {
		if !(math.Abs(got[i]-float64(want[i])) <= 1e-4*max(1, math.Abs(float64(want[i])))) {
			v.Fatalf("%s: value %d is %v; want %v", what, i, got[i], want[i])
		}
	}
}

// shown holds the brightness of a canvas of an image of one channel to a value.
func (v *visitor) shown(canvas string) {
	v.Helper()
	v.want("what is drawn", `(() => {
		const c = document.getElementById("`+canvas+`"), d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
		const [lo, hi] = explorer.page.shown, o = explorer.state.output;
		return o.length === c.width * c.height && o.every((x, i) => Math.abs(d[4 * i] - 255 * Math.min(Math.max((x - lo) / (hi - lo), 0), 1)) <= 1);
	})()`)
}

// TestUse uses every control once, as a person would: from a file and from a
// server, in a wide and in a narrow window, light and dark.
func TestUse(t *testing.T) {
	images := digits(t, 120)
	table := vectors(120, 9)
	for _, c := range []struct {
		name, preset  string
		bend          func(s *model.Spec)
		table         bool
		served, dark  bool
		width, height int64
	}{
		{name: "digits", preset: "fc3", width: 1280, height: 900},
		{name: "digits narrow", preset: "fc3", served: true, dark: true, width: 360, height: 740},
		{name: "conditional", preset: "cvae", served: true, width: 1100, height: 800, bend: func(s *model.Spec) { s.Latent = 4 }},
		{name: "table", preset: "table", table: true, width: 1280, height: 900, bend: func(s *model.Spec) { s.Latent = 3; standard(s, table) }},
		{name: "table narrow", preset: "table", table: true, dark: true, width: 360, height: 740, bend: func(s *model.Spec) { s.Latent = 1; standard(s, table) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := images
			if c.table {
				rows = table
			}
			g := given(t, c.preset, rows, c.bend)
			page := written(t, g)
			url := ""
			if c.served {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "text/html")
					_, _ = w.Write(page)
				}))
				t.Cleanup(server.Close)
				url = server.URL
			} else {
				url = browsertest.Saved(t, page)
			}
			v := &visitor{open(t, url, c.width, c.height), g}
			if c.dark {
				browsertest.Call(v.Tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
			}
			v.Picture(c.name)
			v.layout()
			v.map1()
			v.map2()
			v.fingers()
			v.tools()
			v.point1()
			v.way()
			if c.table {
				v.want("bars", `document.querySelectorAll("#bars .bar").length === explorer.model.size`)
			} else {
				v.draw()
			}
			v.noise()
			v.tabs()
			v.Picture(c.name + " used")
			v.Quiet(url, url+"/")
		})
	}
}

// point is the place of a row on the map.
func (v *visitor) point(row string) browsertest.Place {
	v.Helper()
	corner := v.At("#above", 0, 0)
	x := "explorer.map.toPixel(explorer.map.points.x[" + row + "], explorer.map.points.y[" + row + "])"
	return browsertest.Place{X: corner.X + v.Number(x+"[0]"), Y: corner.Y + v.Number(x+"[1]")}
}

// layout: the map is drawn, the title is text, nothing sticks out.
func (v *visitor) layout() {
	v.Until("explorer.map.drawMs > 0")
	v.want("the map has colours", `(() => {
		const c = document.getElementById("points"), d = new Uint32Array(c.getContext("2d").getImageData(0, 0, c.width, c.height).data.buffer);
		return new Set(d).size > 4;
	})()`)
	v.want("the title", `document.querySelector("h1").textContent === 'a <b> & "c"'`)
	v.want("nothing sticks out", "document.documentElement.scrollWidth <= innerWidth")
	v.want("a row is shown", "explorer.state.row === 0 && explorer.state.judged !== null")
}

// map1: hover, click, drag.
func (v *visitor) map1() {
	v.Mouse(input.DispatchMouseEventTypeMouseMoved, v.point("7"))
	v.want("hover shows a row", `!document.getElementById("card").hidden && document.getElementById("card-text").textContent.startsWith("row ") && explorer.map.hover >= 0`)
	row := v.Text("explorer.map.hover")
	v.Click(v.point(row))
	v.want("a click picks it", "explorer.state.row === "+row)
	v.want("its score", "Math.abs(explorer.state.judged.score / explorer.model.judge(explorer.state.input, explorer.state.label).score - 1) < 1e-5")
	v.decoded("a row")
	v.Drag(0, v.At("#above", 0.4, 0.4), v.At("#above", 0.6, 0.5), v.At("#above", 0.62, 0.7))
	v.want("a drag decodes", "explorer.state.row === -1 && explorer.state.input === null")
	want := "explorer.map.plane.place(explorer.state.code)"
	p := "explorer.map.toPixel(..." + want + ")"
	if corner, at := v.At("#above", 0, 0), v.At("#above", 0.62, 0.7); v.Number("explorer.page.latent") > 1 &&
		(math.Abs(v.Number(p+"[0]")+corner.X-at.X) > 1 || math.Abs(v.Number(p+"[1]")+corner.Y-at.Y) > 1) {
		v.Errorf("the point is at %s, %s of the map; want it under the mouse", v.Text(p+"[0]"), v.Text(p+"[1]"))
	}
	v.decoded("a drag")
	if v.Number("explorer.page.shape[0]") == 1 {
		v.shown("output")
	}
}

// map2: pan, wheel and keys.
func (v *visitor) map2() {
	origin := "explorer.map.toPixel(0, 0)[0]"
	scale := "(explorer.map.toPixel(1, 0)[0] - explorer.map.toPixel(0, 0)[0])"
	before, code := v.Number(origin), v.Text("explorer.state.code")
	v.Drag(kb.ModifierShift, v.At("#above", 0.5, 0.5), v.At("#above", 0.4, 0.5))
	if moved := v.Number(origin); !(moved < before-20) || v.Text("explorer.state.code") != code {
		v.Errorf("Shift and a drag move the map from %v to %v", before, moved)
	}
	v.Evaluate("before = " + scale)
	v.Mouse(input.DispatchMouseEventTypeMouseWheel, v.At("#above", 0.5, 0.5), func(p *input.DispatchMouseEventParams) { p.DeltaX, p.DeltaY = 0.01, -240 })
	v.Until(scale + " > before * 1.2")
	for _, k := range []struct{ keys, becomes string }{
		{"+", scale + " > before * 1.2"},
		{"-", scale + " < before / 1.2"},
		{"0", scale + " === " + scale},
		{kb.ArrowRight, "explorer.state.what === 'Decoded from the map'"},
		{kb.ArrowUp, "explorer.state.row === -1"},
		{kb.Enter, "explorer.state.row >= 0 || explorer.map.nearest(0, 0) < 0"},
	} {
		v.Evaluate("before = " + scale)
		v.Keys("#above", k.keys)
		v.want("key "+k.keys, k.becomes)
	}
	v.Evaluate("before = " + origin)
	v.Keys("#above", kb.ArrowLeft, kb.ModifierShift)
	v.want("Shift and an arrow", origin+" > before")
	v.Keys("#above", "0")
}

// fingers: one decodes, two zoom.
func (v *visitor) fingers() {
	a, b, c, d := v.At("#above", 0.4, 0.5), v.At("#above", 0.6, 0.5), v.At("#above", 0.2, 0.5), v.At("#above", 0.8, 0.5)
	scale := "(explorer.map.toPixel(1, 0)[0] - explorer.map.toPixel(0, 0)[0])"
	v.Evaluate("before = " + scale + "; explorer.state.setRow(3)")
	v.Touch([]browsertest.Place{a, {X: (a.X + c.X) / 2, Y: a.Y}, c}, []browsertest.Place{b, {X: (b.X + d.X) / 2, Y: b.Y}, d})
	v.want("two fingers zoom", scale+" > before * 2 && explorer.state.row === 3")
	v.Keys("#above", "0")
	v.Touch([]browsertest.Place{a, {X: (a.X + b.X) / 2, Y: a.Y}, b, {X: b.X, Y: b.Y + 20}})
	v.want("a finger decodes", "explorer.state.row === -1")
	v.decoded("a finger")
}

// tools: what stands above and below the map.
func (v *visitor) tools() {
	for i, by := range []string{"score", "loss"} {
		v.Evaluate("before = explorer.map.points.colour.join()")
		v.Keys("#colour", kb.ArrowDown)
		v.want("colour "+by, `document.getElementById("colour").value === "`+by+`" && (explorer.page.detector.formula === "likelihood" || explorer.map.points.colour.join() !== before) && document.querySelector("#legend .scale") !== null`)
		if i == 0 {
			v.Picture(strings.ReplaceAll(v.Name(), "/", " ") + " score")
		}
	}
	v.Keys("#colour", kb.ArrowUp+kb.ArrowUp)
	v.Press("#legend button")
	v.want("a class is hidden", `explorer.map.points.hidden.some((h) => h === 1) && document.querySelector("#legend button").getAttribute("aria-pressed") === "false"`)
	v.Keys("#legend button", " ")
	v.want("and shown", "explorer.map.points.hidden.every((h) => h === 0)")
	v.Evaluate("before = explorer.map.points.x.join()")
	v.Keys("#axis-x", kb.ArrowDown)
	v.want("axes", "explorer.map.points.x.join() !== before")
	v.Keys("#axis-y", kb.ArrowDown)
	v.want("axes are two", `document.getElementById("axis-x").value !== document.getElementById("axis-y").value`)
	scale := "(explorer.map.toPixel(1, 0)[0] - explorer.map.toPixel(0, 0)[0])"
	for _, k := range []struct{ button, becomes string }{{"#zoom-in", " > before"}, {"#zoom-out", " < before"}} {
		v.Evaluate("before = " + scale)
		v.Press(k.button)
		v.want(k.button, scale+k.becomes)
	}
	v.Press("#drag-map")
	v.Evaluate("before = explorer.map.toPixel(0, 0)[0]; code = String(explorer.state.code)")
	v.Drag(0, v.At("#above", 0.3, 0.3), v.At("#above", 0.5, 0.4))
	v.want("a drag moves the map", "explorer.map.toPixel(0, 0)[0] > before + 20 && String(explorer.state.code) === code")
	v.Press("#drag-point")
	v.Press("#zoom-fit")
	v.want("fit", "explorer.map.dragMovesMap === false")
}

// point1: the row's number, the class, sliders.
func (v *visitor) point1() {
	v.Evaluate(`document.getElementById("row").value = ""`)
	v.Keys("#row", "17\r")
	v.want("a row by its number", `explorer.state.row === 17 && document.getElementById("told").textContent.startsWith("row 17, class ")`)
	v.Keys("#row", kb.Backspace+kb.Backspace+"9999\r")
	v.want("a row that is none", "explorer.state.row === 17")
	v.Evaluate("before = explorer.state.code[0]")
	v.Keys("#z1", kb.ArrowRight+kb.ArrowRight)
	v.want("a slider by keys", `explorer.state.code[0] !== before && explorer.state.row === -1`)
	v.decoded("a slider")
	v.Drag(0, v.At("#z1", 0.5, 0.5), v.At("#z1", 0.8, 0.5))
	v.want("a slider by the mouse", `Math.abs((explorer.state.code[0] - explorer.page.codeLeast[0]) / (explorer.page.codeGreatest[0] - explorer.page.codeLeast[0]) - 0.8) < 0.1`)
	if v.Text("explorer.page.conditional") == "true" {
		v.Evaluate("before = String(explorer.state.output)")
		v.Keys("#class", kb.ArrowDown)
		v.want("another class", "String(explorer.state.output) !== before")
		v.decoded("another class")
	}
	v.Keys("#sliders-section summary", "\r")
	v.want("a section is closed", `!document.getElementById("sliders-section").open`)
	v.Press("#sliders-section summary")
}

// way: between two rows.
func (v *visitor) way() {
	v.Evaluate("explorer.state.setRow(1); first = explorer.state.code.slice()")
	v.Press("#way-from")
	v.Evaluate("explorer.state.setRow(4); last = explorer.state.code.slice()")
	v.Press("#way-to")
	v.want("a strip", `!document.getElementById("strip").hidden && explorer.map.path.length === 9 && explorer.map.markers.length === 3`)
	v.Press("#strip button:nth-child(5)")
	v.want("half way", "explorer.state.code.every((z, i) => Math.abs(z - (first[i] + last[i]) / 2) < 1e-5)")
	v.decoded("half way")
	v.Keys("#way-at", kb.Home)
	v.want("its beginning", "explorer.state.code.every((z, i) => Math.abs(z - first[i]) < 1e-6)")
	v.Press("#way-play")
	v.Until(`Number(document.getElementById("way-at").value) > 0.2`)
	v.Press("#way-play")
	v.want("it stops", `document.getElementById("way-play").textContent === "Play"`)
	v.decoded("on the way")
}

// draw: by mouse, finger and keys.
func (v *visitor) draw() {
	v.Drag(0, v.At("#pad", 0.5, 0.2), v.At("#pad", 0.45, 0.5), v.At("#pad", 0.4, 0.85))
	v.Until(`explorer.state.what === "Drawn" && explorer.state.judged !== null`)
	v.want("it lies where digits do", `(() => {
		let mass = 0, x = 0, y = 0;
		const [lo, hi] = explorer.page.shown;
		explorer.state.input.forEach((s, i) => { s = (s - lo) / (hi - lo); mass += s; x += s * (i % 28); y += s * Math.floor(i / 28); });
		return mass > 10 && Math.abs(x / mass - 13.5) < 2 && Math.abs(y / mass - 13.5) < 2;
	})()`)
	v.decoded("what is drawn")
	v.shown("pad-output")
	v.want("it is scored", `/^Drawn: (score|loss)/.test(document.getElementById("told").textContent)`)
	v.Picture(strings.ReplaceAll(v.Name(), "/", " ") + " drawn")
	v.Press("#pad-clear")
	a, b := v.At("#pad", 0.3, 0.3), v.At("#pad", 0.7, 0.7)
	v.Evaluate("explorer.state.setRow(0)")
	v.Touch([]browsertest.Place{a, {X: (a.X + b.X) / 2, Y: a.Y}, b})
	v.Until(`explorer.state.what === "Drawn"`)
	v.Evaluate("explorer.state.setRow(0)")
	v.Keys("#pad", kb.Delete+" "+kb.ArrowDown+kb.ArrowDown+kb.ArrowDown+" ")
	v.Until(`explorer.state.what === "Drawn"`)
}

// noise: kinds, amounts, draws.
func (v *visitor) noise() {
	v.Evaluate("explorer.state.setRow(2)")
	told := `document.getElementById("noise-told").textContent`
	v.want("noise", told+`.startsWith("Root mean square error")`)
	for _, k := range []func(){func() { v.Keys("#noise-amount", kb.ArrowRight+kb.ArrowRight) }, func() { v.Press("#noise-again") }} {
		v.Evaluate("before = " + told)
		k()
		v.want("other noise", told+" !== before")
	}
	v.Keys("#noise-kind", kb.ArrowDown)
	v.want("another kind", `document.getElementById("noise-kind").value === "mask"`)
}

// tabs: the key Tab reaches every control, in the order in which they stand, and
// each has a name.
func (v *visitor) tabs() {
	v.Evaluate(`controls = [...document.querySelectorAll("button, select, input, summary, [tabindex]")].filter((e) => !e.disabled && e.checkVisibility());
		reached = []; document.addEventListener("focusin", (e) => reached.push(e.target)); document.activeElement.blur(); scrollTo(0, 0);
		nameless = controls.filter((e) => !(e.getAttribute("aria-label") || [...(e.labels ?? [])].map((l) => l.textContent.trim()).join("") || (e.tagName !== "SELECT" && e.textContent.trim())))`)
	v.want("each has a name", `nameless.length === 0 || nameless.map((e) => e.outerHTML).join()`)
	v.Evaluate(`controls[0].focus()`)
	for range int(v.Number("controls.length")) + 2 {
		v.Do(chromedp.KeyEvent(kb.Tab))
	}
	v.want("each is reached", `controls.every((e) => reached.includes(e)) || controls.filter((e) => !reached.includes(e)).map((e) => e.outerHTML).join()`)
	v.want("in order", `controls.every((e, i) => i === 0 || reached.indexOf(controls[i - 1]) < reached.indexOf(e))`)
}
