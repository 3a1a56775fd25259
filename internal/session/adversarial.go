package session

import (
	"fmt"
	"math"
)

// measureCodes takes down means and standard deviations of the codes of an
// adversarial network.
func (t *trainer) measureCodes(found *spread) {
	if !t.cfg.Adversarial() {
		return
	}
	means, variances := found.means(), found.variances()
	t.summary.CodeMeans, t.summary.CodeDeviations = nil, nil
	for i, v := range variances {
		if finite(means[i]) == nil || finite(v) == nil {
			t.summary.CodeMeans, t.summary.CodeDeviations = nil, nil
			return
		}
		t.summary.CodeMeans = append(t.summary.CodeMeans, means[i])
		t.summary.CodeDeviations = append(t.summary.CodeDeviations, math.Sqrt(v))
	}
}

// farFromPrior warns where codes have not the mean and the deviation of the prior
// that they are held to.
func farFromPrior(means, deviations, prior []float64) (warnings []string) {
	const off, least, most = 0.5, 0.6, 1.5 // of the prior's deviation
	far, worst, distance := 0, 0, 0.0
	for i, want := range prior[:min(len(prior), len(means))] {
		d := max(math.Abs(means[i])/want/off, math.Log(deviations[i]/want)/math.Log(most), math.Log(deviations[i]/want)/math.Log(least))
		if d <= 1 {
			continue
		}
		if far++; d > distance {
			worst, distance = i, d
		}
	}
	if far == 0 {
		return nil
	}
	return []string{fmt.Sprintf("codes are far from their prior in %d of %d dimensions (dimension %d has mean %.2f and standard deviation %.2f, the prior 0 and %.2f), "+
		"so that its draws decode badly: try more epochs, or another learning rate", far, len(means), worst+1, means[worst], deviations[worst], prior[worst])}
}
