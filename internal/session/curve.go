package session

// curve gathers the training loss as means over windows of steps, a fixed number
// of windows an epoch, of a long run fewer. A checkpoint has it, so that a run
// that goes on draws all of it.
type curve struct {
	From   int       `json:"from,omitempty"` // the step that it starts at, of a run that goes on from a file without one
	Window int       `json:"window"`         // steps
	Steps  int       `json:"steps"`          // since From
	Sum    float64   `json:"sum"`            // of the losses of the window in progress
	Count  int       `json:"count"`          // its steps
	Loss   []float32 `json:"loss"`           // means over the windows

	epochSteps int
}

const (
	windowsPerEpoch = 40
	mostWindows     = 4096 // then each two become one: no picture shows as many
)

func newCurve(rows, batch int) curve {
	steps := stepsOf(rows, batch)
	return curve{Window: max(1, steps/windowsPerEpoch), epochSteps: steps}
}

// stepsOf is how many steps an epoch has.
func stepsOf(rows, batch int) int { return (rows + batch - 1) / batch }

func (c *curve) add(losses []float32) {
	for _, v := range losses {
		c.Steps++
		c.Sum += float64(v)
		if c.Count++; c.Count < c.Window {
			continue
		}
		c.Loss = append(c.Loss, float32(c.Sum/float64(c.Count)))
		c.Sum, c.Count = 0, 0
		if len(c.Loss) == mostWindows {
			c.halve()
		}
	}
}

// halve makes each two windows one.
func (c *curve) halve() {
	for i := range len(c.Loss) / 2 {
		c.Loss[i] = (c.Loss[2*i] + c.Loss[2*i+1]) / 2
	}
	c.Loss, c.Window = c.Loss[:len(c.Loss)/2], 2*c.Window
}

// points are the middles of the windows, in epochs, and the losses there.
func (c *curve) points() (at, loss []float64) {
	for i, v := range c.Loss {
		at = append(at, (float64(c.From)+(float64(i)+0.5)*float64(c.Window))/float64(c.epochSteps))
		loss = append(loss, float64(v))
	}
	return at, loss
}
