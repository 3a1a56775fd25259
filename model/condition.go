package model

import (
	"errors"
	"fmt"

	G "gorgonia.org/gorgonia"

	"aegis/model/program"
)

// Labels is the condition that is a row's class.
const Labels = "labels"

// mostClasses is as many as a label's byte tells apart.
const mostClasses = 256

var errNoClasses = errors.New("model: how many classes there are is not known yet; it comes from the dataset's labels")

// checkCondition says what is wrong with a condition.
func (s Spec) checkCondition() error {
	if s.Condition != "" && s.Condition != Labels {
		return fmt.Errorf("model: condition %q; want %s", s.Condition, Labels)
	}
	if s.Classes < 0 || s.Classes > mostClasses {
		return fmt.Errorf("model: %d classes; want 1 to %d", s.Classes, mostClasses)
	}
	return nil
}

// condition widens the layers that read a row's class: the first linear ones of
// both halves, which are convolutions' heads and what follows the code.
func (s Spec) condition(n network) {
	first := []*Layer{&n.encoder[0], &n.decoder[0]}
	if s.Family == Convolutional {
		first = []*Layer{&n.heads[0], &n.heads[1], &n.decoder[0]}
	}
	for _, l := range first {
		l.In, l.Classes = []int{l.In[0] + s.Classes}, s.Classes
	}
}

// labels returns the input of the rows' classes, the same one where it is read
// again.
func (g *graph) labels(classes int) *G.Node {
	for _, in := range g.Inputs {
		if in.Kind == program.InputLabels {
			return in.Node
		}
	}
	n := g.tensor(Labels, g.Batch(), classes)
	g.Inputs = append(g.Inputs, program.Input{Node: n, Kind: program.InputLabels})
	return n
}

// Reads returns the labels of rows where the network reads them, else nil: what is
// handed on with rows that may have labels.
func (s Spec) Reads(labels []byte) []byte {
	if s.Condition == "" {
		return nil
	}
	return labels
}
