package browsertest

import (
	"encoding/json"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Place is a pixel of the window.
type Place struct{ X, Y float64 }

// At scrolls an element into view and returns the place of a share of it.
func (b *Tab) At(selector string, x, y float64) Place {
	b.Helper()
	script, _ := json.Marshal(selector)
	p, err := chromedp.Run(b.Context, chromedp.Evaluate[[]float64](`(() => {
		const e = document.querySelector(`+string(script)+`);
		e.scrollIntoView({ block: "center" });
		const r = e.getBoundingClientRect();
		return [r.left, r.top, r.width, r.height];
	})()`))
	if err != nil || len(p) != 4 || p[2] == 0 {
		b.Fatalf("%s: %v, %v", selector, p, err)
	}
	return Place{p[0] + x*p[2], p[1] + y*p[3]}
}

// Mouse is one event of the mouse.
func (b *Tab) Mouse(kind input.DispatchMouseEventType, p Place, options ...chromedp.MouseOption) {
	b.Helper()
	b.Do(chromedp.MouseEvent(kind, p.X, p.Y, options...))
}

// Click moves the mouse to a place and clicks.
func (b *Tab) Click(p Place) {
	b.Helper()
	b.Mouse(input.DispatchMouseEventTypeMouseMoved, p)
	b.Do(chromedp.MouseClickXY(p.X, p.Y))
}

// Press clicks an element.
func (b *Tab) Press(selector string) {
	b.Helper()
	b.Click(b.At(selector, 0.5, 0.5))
}

// Drag goes along places with the button down.
func (b *Tab) Drag(modifier chromedp.Modifier, way ...Place) {
	b.Helper()
	held := func(p *input.DispatchMouseEventParams) {
		p.Button, p.Buttons, p.Modifiers = input.MouseButtonLeft, 1, int64(modifier)
	}
	b.Mouse(input.DispatchMouseEventTypeMouseMoved, way[0])
	b.Mouse(input.DispatchMouseEventTypeMousePressed, way[0], held, func(p *input.DispatchMouseEventParams) { p.ClickCount = 1 })
	for i := range way[1:] {
		for step := 1.0; step <= 4; step++ {
			from, to := way[i], way[i+1]
			b.Mouse(input.DispatchMouseEventTypeMouseMoved, Place{from.X + (to.X-from.X)*step/4, from.Y + (to.Y-from.Y)*step/4}, held)
		}
	}
	b.Mouse(input.DispatchMouseEventTypeMouseReleased, way[len(way)-1], func(p *input.DispatchMouseEventParams) {
		p.Button, p.ClickCount, p.Modifiers = input.MouseButtonLeft, 1, int64(modifier)
	})
}

// Touch moves fingers along ways of one length.
func (b *Tab) Touch(fingers ...[]Place) {
	b.Helper()
	send := func(kind input.DispatchTouchEventType, step int) {
		e := input.DispatchTouchEventParams{Type: kind, TouchPoints: []*input.TouchPoint{}}
		if kind != input.DispatchTouchEventTypeTouchEnd {
			for id, way := range fingers {
				e.TouchPoints = append(e.TouchPoints, &input.TouchPoint{X: way[step].X, Y: way[step].Y, ID: new(float64(id))})
			}
		}
		Call(b, input.DispatchTouchEvent, e)
	}
	send(input.DispatchTouchEventTypeTouchStart, 0)
	for step := 1; step < len(fingers[0]); step++ {
		send(input.DispatchTouchEventTypeTouchMove, step)
	}
	send(input.DispatchTouchEventTypeTouchEnd, 0)
}

// Keys types on an element that is focused first.
func (b *Tab) Keys(selector, keys string, modifiers ...kb.Modifier) {
	b.Helper()
	b.At(selector, 0, 0)
	script, _ := json.Marshal(selector)
	b.Evaluate("document.querySelector(" + string(script) + ").focus()")
	b.Do(chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...)))
}
