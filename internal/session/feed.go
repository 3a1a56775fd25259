package session

import "aegis/model/program"

// read writes a row as evaluation reads it, before it is corrupted: scaled, and
// drawn as 0 and 1 where the network learns from such rows.
func (t *trainer) read(dst []float32, show shown, row int32) {
	t.program.Scaling.Read(dst, show.from.Rows, int(row))
	if t.cfg.Binarize != "" {
		t.cfg.Binarized(dst, dst, uint64(t.cfg.Seed), show.set, int(row))
	}
}

// feed is what a forward part is asked about for rows of a set.
func (t *trainer) feed(show shown, rows []int32) program.Feed {
	if t.cfg.Binarize == "" {
		return program.Feed{Set: show.set, Rows: rows}
	}
	pixels := t.program.PixelCount()
	values := make([]float32, len(rows)*pixels)
	for i, row := range rows {
		t.read(values[i*pixels:][:pixels], show, row)
	}
	return program.Feed{Values: values, Labels: t.classesOf(show, rows)}
}
