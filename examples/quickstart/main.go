// Command quickstart is the program of slipway's quick start: what a team's own
// training code is, in Go so that its image needs no base. Its first argument says
// which of the pipeline's steps it is:
//
//	quickstart process-data --in FILE --out DIR
//	quickstart train --data DIR --artifacts DIR --outputs DIR --signing-key FILE ...
//	quickstart serve --data DIR --port N
package main

import (
	"errors"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("say which step to run: process-data, train or serve")
	}
	switch args[0] {
	case "process-data":
		return processData(args[1:])
	case "train":
		return train(args[1:])
	case "serve":
		return serve(args[1:])
	}
	return fmt.Errorf("there is no step %q: there are process-data, train and serve", args[0])
}
