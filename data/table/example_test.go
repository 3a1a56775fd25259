package table_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"strings"

	"aegis/data/table"
)

func ExampleRead() {
	const text = `place;temperature;humidity
north;20,5;40
south;21,5;
north;19,5;50
`
	s, err := table.Read(context.Background(), strings.NewReader(text), "rooms.csv", table.Options{Impute: "mean"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Columns)
	for i := range s.Train.N {
		fmt.Println(s.Train.FloatRow(i))
	}
	for _, note := range s.Notes {
		fmt.Println(note)
	}
	// Output:
	// [place=north place=south temperature humidity]
	// [1 0 20.5 40]
	// [0 1 21.5 45]
	// [1 0 19.5 50]
	// rooms.csv: columns are separated by ';'
	// rooms.csv: numbers have a comma before their decimals
	// rooms.csv: column "place": 2 categories
	// rooms.csv: column "humidity": 1 missing values become 45
}

// Rows of another file are read by the form of those that a model was trained
// on, some at a time.
func ExampleNewReader() {
	ctx := context.Background()
	trained, err := table.Read(ctx, strings.NewReader("a,kind\n1,x\n2,y\n"), "train.csv", table.Options{})
	if err != nil {
		log.Fatal(err)
	}
	r, err := table.NewReader(ctx, strings.NewReader("kind,other,a\ny,9,3\nx,9,4\nz,9,5\n"), "new.csv", table.Options{Form: trained.Table})
	if err != nil {
		log.Fatal(err)
	}
	for {
		rows, err := r.Next(100)
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(rows.Floats)
	}
	// Output:
	// table: new.csv: row 2 (line 4), column "kind": want one of the categories "x", "y", got "z"; leave the row out, or train a model with rows that have it
}

func ExampleWindows() {
	s, err := table.Read(context.Background(), strings.NewReader("load,heat\n1,10\n2,20\n3,30\n"), "metrics.csv", table.Options{Window: 2})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Columns)
	fmt.Println(s.Train.FloatRow(0))
	fmt.Println(s.Train.FloatRow(1))
	// Output:
	// [load@0 heat@0 load@1 heat@1]
	// [1 10 2 20]
	// [2 20 3 30]
}
