package table

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"strconv"
	"testing"

	"aegis/data"
)

const benchRows, benchColumns = 100_000, 30

// benchText is a table of numbers with nine digits.
func benchText() []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var text []byte
	for j := range benchColumns {
		text = append(strconv.AppendInt(append(text, 'c'), int64(j), 10), ',')
	}
	text[len(text)-1] = '\n'
	for range benchRows {
		for range benchColumns {
			text = append(strconv.AppendFloat(text, r.NormFloat64(), 'g', 9, 64), ',')
		}
		text[len(text)-1] = '\n'
	}
	return text
}

// BenchmarkRead reads 100,000 lines of 30 numbers whole, twice as it has to.
func BenchmarkRead(b *testing.B) {
	text := benchText()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Read(context.Background(), bytes.NewReader(text), "t.csv", Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkImpute does so where medians are taken of every column.
func BenchmarkImpute(b *testing.B) {
	text := benchText()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Read(context.Background(), bytes.NewReader(text), "t.csv", Options{Impute: "median"}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReader streams them.
func BenchmarkReader(b *testing.B) {
	text := benchText()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r, err := NewReader(context.Background(), bytes.NewReader(text), "t.csv", Options{})
		if err != nil {
			b.Fatal(err)
		}
		drainBench(b, r)
	}
}

// BenchmarkParquet streams as many rows of twelve columns.
func BenchmarkParquet(b *testing.B) {
	rows := make([]all, benchRows)
	for i := range rows {
		rows[i] = allOf(i)
	}
	file := parquetOf(b, rows, benchRows)
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		r, err := NewParquetReader(context.Background(), bytes.NewReader(file), int64(len(file)), "t.parquet",
			Options{Columns: []string{"u32", "u64", "i64", "f32", "f64", "n", "d", "d32", "opt"}})
		if err != nil {
			b.Fatal(err)
		}
		drainBench(b, r)
	}
}

func drainBench(b *testing.B, r data.Reader) {
	for {
		if _, err := r.Next(1024); err == io.EOF {
			return
		} else if err != nil {
			b.Fatal(err)
		}
	}
}
