package session

import (
	"math"

	"aegis/data"
	"aegis/model"
)

// meanRow is the mean of the rows that are trained on, as the network reads
// them.
func (t *trainer) meanRow() []float64 {
	scaling := t.program.Scaling
	if t.measured == nil {
		return meanImage(t.train.Rows, t.rows.split.Rows(), scaling.Pixels)
	}
	shift, factor := scaling.Columns(t.program.PixelCount())
	mean := make([]float64, len(shift))
	for p, c := range t.measured.Columns {
		mean[p] = (c.Mean - float64(shift[p])) * float64(factor[p])
	}
	return mean
}

// meanImage is the mean of rows of images, as pixels.
func meanImage(images data.Rows, rows []int32, pixels data.Range) []float64 {
	sums := make([]uint64, images.Size())
	for _, row := range rows {
		for p, v := range images.ByteRow(int(row)) {
			sums[p] += uint64(v)
		}
	}
	factor, offset := pixels.Scale()
	mean := make([]float64, len(sums))
	for p, sum := range sums {
		mean[p] = float64(sum)/float64(len(rows))*float64(factor) + float64(offset)
	}
	return mean
}

// meanLoss is the loss of answering the mean to some rows.
func meanLoss(loss model.Loss, mean []float64, from data.Rows, rows []int32, scaling data.Scaling) float64 {
	logs := make([][2]float64, len(mean)) // of the mean and of its complement, for bce
	for p, m := range mean {
		const least = -100 // as PyTorch bounds a logarithm
		logs[p] = [2]float64{max(least, math.Log(m)), max(least, math.Log(1-m))}
	}
	at := func(p int, x float64) float64 {
		d := math.Abs(x - mean[p])
		switch loss {
		case model.MAE:
			return d
		case model.Huber:
			if d > 1 {
				return d - 0.5
			}
			return d * d / 2
		case model.BCE:
			return -x*logs[p][0] - (1-x)*logs[p][1]
		}
		return d * d
	}
	sum, values := 0.0, make([]float32, len(mean))
	for _, row := range rows {
		scaling.Read(values, from, int(row))
		for p, v := range values {
			sum += at(p, float64(v))
		}
	}
	return sum / float64(len(rows)) / float64(len(mean))
}
