package verb

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"aegis"
	"aegis/data"
)

// detected is what --json prints.
type detected struct {
	Rows      int             `json:"rows"`
	Anomalies int             `json:"anomalies"`
	Formula   string          `json:"score"`
	Threshold aegis.Threshold `json:"threshold"`
	FittedOn  int             `json:"fitted_on"`
	Known     *known          `json:"known,omitempty"`
	Out       string          `json:"out,omitempty"`
}

// known is how scores go with what is known of the rows.
type known struct {
	NormalClass string  `json:"normal_class"`
	Anomalies   int     `json:"anomalies"`
	ROCAUC      float64 `json:"roc_auc"`
	PRAUC       float64 `json:"pr_auc"` // average precision
	F1          float64 `json:"f1"`     // at the threshold
	Precision   float64 `json:"precision"`
	Recall      float64 `json:"recall"`
	BestF1      float64 `json:"best_f1"` // of all thresholds
}

// report is what is gathered of findings.
type report struct {
	detected
	scores []float64
	labels []byte // nil: there are none
	lines  bool   // rows are lines of a table
}

// findings writes what is found of each row, and says how good it is.
func (d *detecting) findings(ctx context.Context, r *aegis.Run, m *aegis.Model, detector *aegis.Detector, rows data.Reader) error {
	names := d.normality(r, m).of(rows)
	if err := names.check(); err != nil {
		return err
	}
	maps, err := d.newHeat(m, detector)
	if err != nil {
		return err
	}
	defer maps.drop()
	first, rows, err := peek(rows, max(1, someValues/max(1, rows.Shape().Size())))
	if err != nil {
		return err
	}
	found := &report{detected: detected{Formula: detector.Formula(), Threshold: detector.Threshold(), FittedOn: detector.FittedOn(), Out: d.out}, lines: detector.OfLines()}
	vectors := m.Spec().Image[0] == 0
	columns := d.columns(first, vectors)
	put := func(t *table) error {
		return d.each(ctx, "detect", detector, rows, func(c data.Chunk, i int, f aegis.Finding) error {
			found.add(f, c.Labels, i)
			if err := maps.add(ctx, c, i, f); err != nil {
				return err
			}
			if t == nil {
				return nil
			}
			return d.line(t, names, c, i, found.Rows-1, f, vectors, first)
		})
	}
	if d.out == "" && d.json {
		err = put(nil)
	} else {
		err = d.write(d.process, columns, d.length(rows), put)
	}
	if err != nil {
		return err
	}
	if err := maps.finish(ctx); err != nil {
		return err
	}
	found.judge(names)
	return d.tell(found)
}

// length is how many findings there will be, −1 where that is unknown.
func (d *detecting) length(rows data.Reader) int { return data.Len(rows) }

// columns are those of the table of findings.
func (d *detecting) columns(first data.Chunk, vectors bool) []column {
	columns := numbers("row")
	if first.Names != nil {
		columns = append(columns, column{name: "file", text: true})
	}
	columns = append(columns, numbers("score", "anomalous")...)
	if first.Labels != nil {
		columns = append(columns, column{name: "class", text: true})
	}
	if vectors {
		columns = append(columns, column{name: "columns", text: true}, column{name: "values", text: true}, column{name: "expected", text: true})
	}
	return columns
}

// line writes a finding.
func (d *detecting) line(t *table, names normality, c data.Chunk, i, row int, f aegis.Finding, vectors bool, first data.Chunk) error {
	t.double(float64(row))
	if first.Names != nil {
		t.text(c.Names[i])
	}
	t.float(float32(f.Score))
	if f.Anomalous {
		t.double(1)
	} else {
		t.double(0)
	}
	if first.Labels != nil {
		t.text(names.class(c.Labels[i]))
	}
	if vectors {
		var columns, values, expected []string
		for _, reason := range f.Columns {
			name := reason.Name
			if name == "" {
				name = strconv.Itoa(reason.Column + 1)
			}
			columns = append(columns, name)
			values = append(values, strconv.FormatFloat(reason.Value, 'g', 6, 64))
			expected = append(expected, strconv.FormatFloat(reason.Expected, 'g', 6, 64))
		}
		for _, list := range [][]string{columns, values, expected} {
			t.text(strings.Join(list, ";"))
		}
	}
	return t.endRow()
}

// add counts a finding in.
func (r *report) add(f aegis.Finding, labels []byte, i int) {
	r.Rows++
	if f.Anomalous {
		r.Anomalies++
	}
	if labels != nil {
		r.scores, r.labels = append(r.scores, f.Score), append(r.labels, labels[i])
	}
}

// judge sets scores beside what is known, where there are rows of both kinds.
func (r *report) judge(names normality) {
	anomalies := make([]bool, len(r.labels))
	for i, label := range r.labels {
		normal, known := names.isNormal(label)
		if !known {
			return
		}
		anomalies[i] = !normal
	}
	ranking, err := aegis.Rank(r.scores, anomalies)
	if err != nil { // of one kind, or of none
		return
	}
	at, best := ranking.At(exceeds(r.Threshold.Value)), ranking.Best()
	r.Known = &known{
		NormalClass: names.normalName(), ROCAUC: ranking.ROCAUC(), PRAUC: ranking.AveragePrecision(),
		F1: at.F1, Precision: at.Precision, Recall: at.Recall, BestF1: best.F1,
	}
	for _, strange := range anomalies {
		if strange {
			r.Known.Anomalies++
		}
	}
}

// tell says what was found.
func (d *detecting) tell(r *report) error {
	if d.json {
		return printJSON(d.process.Stdout, r.detected)
	}
	how := string(r.Threshold.How)
	if r.Threshold.Rate > 0 {
		how = fmt.Sprintf("%s %.3g", how, r.Threshold.Rate)
	}
	what := "rows"
	if r.lines {
		what = "lines"
	}
	d.say("%d of %d %s exceed the threshold %.5g (%s)", r.Anomalies, r.Rows, what, r.Threshold.Value, how)
	if k := r.Known; k != nil {
		d.say("%d are not %s: ROC-AUC %.4f, PR-AUC %.4f; at the threshold F1 %.3f, precision %.3f, recall %.3f; best F1 %.3f",
			k.Anomalies, k.NormalClass, k.ROCAUC, k.PRAUC, k.F1, k.Precision, k.Recall, k.BestF1)
	}
	return nil
}
