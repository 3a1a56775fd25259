package aegis_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"

	"aegis"
)

// Answer for a model over HTTP in a program of one's own, and stop it.
func ExampleNewServer() {
	defer inAFolderWithARun()()

	m, err := aegis.Load("runs/fc12")
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	server, err := aegis.NewServer(aegis.ServeOptions{MaxRows: 1000}, aegis.ServedModel{Name: "digits", Model: m})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := aegis.Listen("0", aegis.ListenOptions{Stopping: server.Stopping}) // a port of this machine alone
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- listener.Serve(ctx, server) }()

	black := strings.Repeat("0,", 783) + "0"
	answer, err := http.Post(fmt.Sprintf("http://%s/v1/models/digits/encode", listener.Addr()), "application/json", strings.NewReader(`{"rows":[[`+black+`]]}`))
	if err != nil {
		log.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Status, strings.Count(string(text), ",")+1, "values")
	_ = answer.Body.Close()

	stop() // what was accepted is answered
	fmt.Println(<-ended, server.Close(context.Background()))

	// Output:
	// 200 OK 12 values
	// <nil> <nil>
}

// Watch a run in the browser while it trains.
func ExampleNewWatch() {
	defer inAFolderWithARun()()

	listener, err := aegis.Listen("0", aegis.ListenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("a browser is to open http:// and the address", listener.Addr().Network())
	watch := aegis.NewWatch()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- listener.Serve(ctx, watch) }()

	cfg, err := aegis.NewConfig("fc12")
	if err != nil {
		log.Fatal(err)
	}
	cfg.Limit, cfg.TestLimit, cfg.Epochs = 200, 100, 1
	ds, err := aegis.OpenData(ctx, cfg, aegis.DataOptions{})
	if err != nil {
		log.Fatal(err)
	}
	summary, err := aegis.Train(ctx, cfg, ds, aegis.Options{Out: "runs/watched", Watch: watch})
	if err != nil {
		log.Fatal(err)
	}
	watch.Drain(ctx) // pages that are open have the end
	stop()
	fmt.Println(summary.Status, <-ended)

	// Output:
	// a browser is to open http:// and the address tcp
	// finished <nil>
}
