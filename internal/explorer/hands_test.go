package explorer_test

import (
	"encoding/json"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// place is a pixel of the window.
type place struct{ X, Y float64 }

// at scrolls an element into view and returns the place of a share of it.
func (b *tab) at(selector string, x, y float64) place {
	b.Helper()
	script, _ := json.Marshal(selector)
	p, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]float64](`(() => {
		const e = document.querySelector(`+string(script)+`);
		e.scrollIntoView({ block: "center" });
		const r = e.getBoundingClientRect();
		return [r.left, r.top, r.width, r.height];
	})()`))
	if err != nil || len(p) != 4 || p[2] == 0 {
		b.Fatalf("%s: %v, %v", selector, p, err)
	}
	return place{p[0] + x*p[2], p[1] + y*p[3]}
}

// point is the place of a row on the map.
func (b *tab) point(row string) place {
	b.Helper()
	corner := b.at("#above", 0, 0)
	x := "explorer.map.toPixel(explorer.map.points.x[" + row + "], explorer.map.points.y[" + row + "])"
	return place{corner.X + b.number(x+"[0]"), corner.Y + b.number(x+"[1]")}
}

// mouse is one event of the mouse.
func (b *tab) mouse(kind input.DispatchMouseEventType, p place, options ...chromedp.MouseOption) {
	b.Helper()
	b.do(chromedp.MouseEvent(kind, p.X, p.Y, options...))
}

// click moves the mouse to a place and clicks.
func (b *tab) click(p place) {
	b.Helper()
	b.mouse(input.DispatchMouseEventTypeMouseMoved, p)
	b.do(chromedp.MouseClickXY(p.X, p.Y))
}

// press clicks an element.
func (b *tab) press(selector string) {
	b.Helper()
	b.click(b.at(selector, 0.5, 0.5))
}

// drag goes along places with the button down.
func (b *tab) drag(modifier chromedp.Modifier, way ...place) {
	b.Helper()
	held := func(p *input.DispatchMouseEventParams) {
		p.Button, p.Buttons, p.Modifiers = input.MouseButtonLeft, 1, int64(modifier)
	}
	b.mouse(input.DispatchMouseEventTypeMouseMoved, way[0])
	b.mouse(input.DispatchMouseEventTypeMousePressed, way[0], held, func(p *input.DispatchMouseEventParams) { p.ClickCount = 1 })
	for i := range way[1:] {
		for step := 1.0; step <= 4; step++ {
			from, to := way[i], way[i+1]
			b.mouse(input.DispatchMouseEventTypeMouseMoved, place{from.X + (to.X-from.X)*step/4, from.Y + (to.Y-from.Y)*step/4}, held)
		}
	}
	b.mouse(input.DispatchMouseEventTypeMouseReleased, way[len(way)-1], func(p *input.DispatchMouseEventParams) {
		p.Button, p.ClickCount, p.Modifiers = input.MouseButtonLeft, 1, int64(modifier)
	})
}

// touch moves fingers along ways of one length.
func (b *tab) touch(fingers ...[]place) {
	b.Helper()
	send := func(kind input.DispatchTouchEventType, step int) {
		e := input.DispatchTouchEventParams{Type: kind, TouchPoints: []*input.TouchPoint{}}
		if kind != input.DispatchTouchEventTypeTouchEnd {
			for id, way := range fingers {
				e.TouchPoints = append(e.TouchPoints, &input.TouchPoint{X: way[step].X, Y: way[step].Y, ID: new(float64(id))})
			}
		}
		called(b, input.DispatchTouchEvent, e)
	}
	send(input.DispatchTouchEventTypeTouchStart, 0)
	for step := 1; step < len(fingers[0]); step++ {
		send(input.DispatchTouchEventTypeTouchMove, step)
	}
	send(input.DispatchTouchEventTypeTouchEnd, 0)
}

// keys types on an element that is focused first.
func (b *tab) keys(selector, keys string, modifiers ...kb.Modifier) {
	b.Helper()
	b.at(selector, 0, 0)
	script, _ := json.Marshal(selector)
	b.evaluate("document.querySelector(" + string(script) + ").focus()")
	b.do(chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...)))
}

// until waits for an expression to be true.
func (b *tab) until(expression string) {
	b.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingTimeout(20*time.Second))); err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
}
