package session

// curve gathers the training loss as means over windows of steps, a fixed
// number of windows an epoch.
type curve struct {
	window, epochSteps int
	steps              int
	sum                float64
	count              int
	at, loss           []float64 // at: epochs, the middle of a window
}

const windowsPerEpoch = 40

func newCurve(rows, batch int) curve {
	steps := (rows + batch - 1) / batch
	return curve{window: max(1, steps/windowsPerEpoch), epochSteps: steps}
}

func (c *curve) add(losses []float32) {
	for _, v := range losses {
		c.steps++
		c.sum += float64(v)
		if c.count++; c.count == c.window {
			c.at = append(c.at, (float64(c.steps)-float64(c.count)/2)/float64(c.epochSteps))
			c.loss = append(c.loss, c.sum/float64(c.count))
			c.sum, c.count = 0, 0
		}
	}
}
