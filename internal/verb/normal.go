package verb

import (
	"slices"

	"aegis"
	"aegis/data"
)

// normality tells by the names of classes which rows are normal.
type normality struct {
	form  data.Form
	given string      // the class that a user or the run says is normal; empty: none
	rows  data.Reader // whose labels they are; nil: the model's own
}

// normal returns what tells normal rows: the class that is given, or that the
// run was trained on.
func (d *detecting) normality(r *aegis.Run, m *aegis.Model) normality {
	n := normality{form: m.Spec().Form, given: d.normal}
	if c, ok := r.Config(); n.given == "" && ok {
		n.given = c.NormalClass
	}
	return n
}

// of is the same of the labels of rows that are read, which may have further
// classes.
func (n normality) of(rows data.Reader) normality {
	n.rows = rows
	return n
}

// class is what a label is called.
func (n normality) class(label byte) string {
	if n.rows != nil {
		if names := data.ClassNames(n.rows); int(label) < len(names) {
			return names[label]
		}
	}
	return n.form.ClassName(label)
}

// usual are what normal rows are often called.
func usual() []string {
	return []string{"normal", "Normal", "NORMAL", "good", "ok", "benign", "inlier", "false", "no"}
}

// isNormal tells whether a label is that of normal rows; known says that it can
// be told.
func (n normality) isNormal(label byte) (normal, known bool) {
	name := n.class(label)
	if n.given != "" {
		return name == n.given, true
	}
	names := n.form.Classes
	if n.rows != nil {
		if more := data.ClassNames(n.rows); more != nil {
			names = more
		}
	}
	if len(names) == 2 && slices.Contains(names, "0") {
		return name == "0", true
	}
	known = slices.ContainsFunc(names, func(name string) bool { return slices.Contains(usual(), name) })
	return slices.Contains(usual(), name), known
}

// normalName is what normal rows are called.
func (n normality) normalName() string {
	if n.given != "" {
		return n.given
	}
	for label := range 256 {
		if normal, known := n.isNormal(byte(label)); normal && known {
			return n.class(byte(label))
		}
	}
	return "normal"
}

// check says why the class that is given cannot be one of rows.
func (n normality) check() error {
	if n.given == "" || n.rows != nil && data.ClassNames(n.rows) != nil {
		return nil
	}
	if _, ok := n.rows.(data.Named); ok { // its names are known as they come
		return nil
	}
	_, err := n.form.Class(n.given)
	return err
}

// normalRows reads the normal rows, where it can be told which are.
type normalRows struct {
	data.Reader
	names normality
}

// Len is not known before the rows are read.
func (o *normalRows) Len() int { return -1 }

func (o *normalRows) Next(n int) (data.Chunk, error) {
	for {
		c, err := o.Reader.Next(n)
		if err != nil || c.Labels == nil {
			return c, err
		}
		var rows []int32
		for i, label := range c.Labels {
			if normal, known := o.names.isNormal(label); normal || !known {
				rows = append(rows, int32(i))
			}
		}
		if len(rows) > 0 {
			picked, _, err := data.ReadAll(data.NewPickReader(c.Set, rows))
			return data.Chunk{Set: picked}, err
		}
	}
}
