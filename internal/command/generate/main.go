// Generate writes what is made from the table of commands:
//
//	go run ./internal/command/generate targets FILE   the targets for mage
//	go run ./internal/command/generate man DIR        the manual pages
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/command"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want targets FILE or man DIR, not %q", args)
	}
	switch what, to := args[0], args[1]; what {
	case "targets":
		text, err := command.Targets(command.Table())
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o644)
	case "man":
		return writeManual(to)
	default:
		return fmt.Errorf("want targets or man, not %s", what)
	}
}

// writeManual writes the manual pages into a directory, which it makes.
func writeManual(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range command.Manual(command.Table()) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
