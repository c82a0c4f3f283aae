// Command quickstart is the program of slipway's quick start. It stands for the training
// code of a team, and is written in Go so that its image needs no base image. The first
// argument is the step of the pipeline to run:
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
	return fmt.Errorf("unknown step %q: the steps are process-data, train and serve", args[0])
}
