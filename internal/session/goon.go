package session

import (
	"errors"
	"fmt"

	"aegis/internal/run"
	"aegis/internal/train"
)

// openEarlier reads the run that goes on, nil where one starts, and takes its
// directory where it goes on there.
func (j *journal) openEarlier(o Options, kind string) (e *earlier, err error) {
	from, err := o.resumes()
	if err != nil || from == "" {
		return nil, err
	}
	if o.inPlace(from) {
		j.dir, err = run.Reopen(from)
	} else {
		err = run.Busy(from)
	}
	if err != nil {
		return nil, elsewhere(err)
	}
	return openEarlier(from, kind)
}

// takeOver says why a run does not go on, by what is other in its configuration;
// rows are those of an epoch. What it has come to is the journal's then.
func (j *journal) takeOver(e *earlier, rows, epochs int, d differences) error {
	if err := e.fits(j.course, rows, d); err != nil {
		return err
	}
	j.course.Best, j.epochs = e.course.Best, e.epochs
	switch drawn := e.course.Curve; {
	case drawn != nil:
		drawn.epochSteps = j.curve.epochSteps
		j.curve = *drawn
	case j.curve.Window > 0:
		j.curve.From = int(e.course.Step)
	}
	at := e.course.Position
	if j.enough = j.exhausted(at); !e.complete() { // its pictures and its summary are left
		return nil
	}
	switch {
	case at.Epoch > epochs:
		return &nothingLeft{e.from, fmt.Sprintf("it has %d epochs already, and %d are wanted%s", at.Epoch, epochs, d.unused())}
	case at.Epoch == epochs:
		return &nothingLeft{e.from, fmt.Sprintf("it has finished %d epochs of %d%s", at.Epoch, epochs, d.unused())}
	case j.enough:
		return &nothingLeft{e.from, fmt.Sprintf("it ended with epoch %d, and validation was best in epoch %d%s", at.Epoch, e.course.Best.Epoch, d.unused())}
	}
	return nil
}

// complete says that a run was not killed behind its last step, and has its model.
func (e *earlier) complete() bool {
	var s Summary
	if e.model.tensors == nil {
		return false
	}
	return run.ReadSummary(e.from, &s) == nil && s.Status == Finished && s.Epochs == e.course.Epoch
}

// nothingLeft says that a run that was to go on has nothing left to train.
type nothingLeft struct{ dir, why string }

func (n *nothingLeft) Error() string {
	return fmt.Sprintf("nothing is left to train of the run in %s: %s", n.dir, n.why)
}

// summary is what the run left, with why it stays as it is.
func (n *nothingLeft) summary() (*Summary, error) {
	var s Summary
	err := run.ReadSummary(n.dir, &s)
	s.NothingLeft = n.Error()
	return &s, err
}

// goOn gives the machine the state of a run that goes on, and says from where.
func (j *journal) goOn(e *earlier) (notes []string, err error) {
	if err := j.machine.SetState(e.state); err != nil {
		return nil, fmt.Errorf("aegis: resume %s: %w", e.from, err)
	}
	at := e.course.Position
	j.writer.state = checkpoint{e.state.Tensors, &e.course, moment{at.Epoch, at.Step}}
	if j.plateau != nil && e.course.Plateau != nil {
		was := e.course.Plateau
		j.plateau.Best, j.plateau.Bad, j.plateau.Factor = was.Best, was.Bad, was.Factor
	}
	j.writer.model = e.model
	j.writer.files = map[string]*moment{run.LastFile: &j.writer.state.moment}
	if e.model.tensors == nil { // without the model of an epoch it is that of the state
		j.writer.model = checkpoint{j.writer.modelOf(e.state), nil, moment{e.course.bestEpoch(), at.Step}}
		j.writer.pending, j.writer.unsaved = true, true // the state says which the best is
	} else {
		j.writer.files[run.ModelFile] = &j.writer.model.moment
	}
	j.savedStep = at.Step
	notes = append(notes, fmt.Sprintf("the run in %s goes on from step %d, behind epoch %d", e.from, at.Step, at.Epoch))
	if e.lost != nil {
		notes = append(notes, fmt.Sprintf("the model of epoch %d, the best so far, was replaced by that of an epoch which the state has not come to: the best is counted anew from here on", e.lost.Epoch))
	}
	now := j.machine.Arithmetic()
	switch {
	case !e.known:
		notes = append(notes, "its version kept neither what computed it nor a fingerprint of its data: these are taken to be the same, and the last bits can differ from those of a run that was not interrupted")
	case now != e.course.Arithmetic:
		notes = append(notes, fmt.Sprintf("it was computed by %s, and is by %s now: the last bits will differ from those of a run that was not interrupted", e.course.Arithmetic, now))
	}
	return notes, nil
}

// stands is where training starts, and how many epochs there are to be.
func (j *journal) stands(e *earlier, epochs int) (train.Position, int) {
	switch {
	case e == nil:
		return train.Position{}, epochs
	case j.enough:
		epochs = e.course.Epoch
	}
	return e.course.Position, epochs
}

// fill writes the configuration into a run's directory, and what an earlier run
// left where it goes on.
func (j *journal) fill(e *earlier, settings []run.Setting) error {
	if e == nil {
		return j.dir.WriteConfig(settings)
	}
	if same, err := sameFile(e.from, j.dir.Out()); err != nil || same {
		return errors.Join(err, j.dir.CutMetrics(len(e.epochs)), j.dir.WriteConfig(settings))
	}
	return errors.Join(j.dir.WriteConfig(settings), e.copyTo(j.dir))
}
