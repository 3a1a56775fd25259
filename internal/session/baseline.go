package session

import (
	"math"

	"aegis/data"
	"aegis/model"
	"aegis/model/program"
)

// meanImage is the mean of rows of images, as pixels.
func meanImage(images data.Images, rows []int32, pixels program.Range) []float64 {
	sums := make([]uint64, images.Size())
	for _, row := range rows {
		for p, v := range images.Image(int(row)) {
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

// meanLoss is the loss of answering the mean image to rows of images.
func meanLoss(loss model.Loss, mean []float64, images data.Images, rows []int32, pixels program.Range) float64 {
	factor, offset := pixels.Scale()
	var values [256]float64 // of bytes
	for v := range values {
		values[v] = float64(v)*float64(factor) + float64(offset)
	}
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
	sum := 0.0
	for _, row := range rows {
		for p, v := range images.Image(int(row)) {
			sum += at(p, values[v])
		}
	}
	return sum / float64(len(rows)) / float64(len(mean))
}
