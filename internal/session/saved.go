package session

import (
	"fmt"
	"strings"

	"aegis/internal/run"
)

// saved is what of a run lies in its files, and what does not.
type saved struct {
	out              string
	replacing        bool    // the earlier run is still in its place
	made             *moment // of the best model, nil before there is one
	model, state     *moment // that are in their files, nil: there is none
	noModel, noState *moment // that are in no file, nil: nothing is missing
}

// saved returns what lies in the files now.
func (c *checkpoints) saved() saved {
	s := saved{out: c.dir.Out(), replacing: c.dir.Replacing(), model: c.files[run.ModelFile], state: c.files[run.LastFile]}
	if c.model.tensors != nil {
		s.made = &c.model.moment
	}
	if c.pending {
		s.noModel = &c.model.moment
	}
	if c.unsaved {
		s.noState = &c.state.moment
	}
	return s
}

// String says it in words.
func (s saved) String() string {
	earlier := fmt.Sprintf("the earlier run in %s is as it was", s.out)
	switch {
	case s.replacing && s.made == nil:
		return "no epoch has finished; " + earlier
	case s.replacing:
		return fmt.Sprintf("epoch %d could not be saved; %s", s.made.epoch, earlier)
	case s.made == nil:
		return "no model was made yet in " + s.out
	}
	there, missing := things(s.model, s.state), things(s.noModel, s.noState)
	text := "nothing is saved in " + s.out
	if there != nil {
		text = fmt.Sprintf("%s %s saved in %s", strings.Join(there, " and "), are(there), s.out)
	}
	if missing != nil {
		text += fmt.Sprintf("; %s %s not", strings.Join(missing, " and "), are(missing))
	}
	return text
}

// things names a model and a state. A model of no finished epoch is that of its
// step, and the state of that step has it.
func things(model, state *moment) (names []string) {
	switch {
	case model == nil || model.epoch == 0 && state != nil && state.step == model.step:
	case model.epoch == 0:
		names = append(names, fmt.Sprintf("the model of step %d", model.step))
	default:
		names = append(names, fmt.Sprintf("the model of epoch %d", model.epoch))
	}
	if state != nil {
		names = append(names, fmt.Sprintf("the state of step %d", state.step))
	}
	return names
}

func are(things []string) string {
	if len(things) > 1 {
		return "are"
	}
	return "is"
}
