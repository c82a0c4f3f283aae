// Artifact makes the files of a release that are slipway's own, when goreleaser.yaml says so:
//
//	artifact program PROGRAM VERSION COMMIT TIME DIST: the wheel and the SBOM of a program, if its digest is right
//	artifact provenance TAG COMMIT CHECKSUMS FILE: the provenance of all files
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/release"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "artifact:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 6 && args[0] == "program":
		return program(args[1], args[2], args[3], args[4], args[5])
	case len(args) == 5 && args[0] == "provenance":
		checksums, err := os.ReadFile(args[3])
		if err != nil {
			return err
		}
		text, err := release.Provenance(args[1], args[2], string(checksums), os.Getenv)
		if err != nil {
			return err
		}
		return os.WriteFile(args[4], text, 0o644)
	}
	return errors.New("usage: artifact program PROGRAM VERSION COMMIT TIME DIST, or artifact provenance TAG COMMIT CHECKSUMS FILE")
}

// program writes the wheel and the SBOM of a program. It runs in the root of the repository.
// That of a tag must have the digest in action/digests.txt, or nothing is published.
func program(path, version, commit, at, dist string) error {
	created, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return fmt.Errorf("the time of the commit: %w", err)
	}
	p, err := release.Open(path, release.Source{Version: version, Revision: commit, Created: created})
	if err != nil {
		return err
	}
	if p.Tag != "" {
		digests, err := release.ReadDigests(".")
		if err != nil {
			return err
		}
		if err := digests.CheckProgram(p); err != nil {
			return err
		}
	}
	if _, err := p.WriteWheel(".", filepath.Join(dist, "wheels")); err != nil {
		return err
	}
	sbom, err := p.SBOM()
	if err != nil {
		return err
	}
	dir := filepath.Join(dist, "sboms")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	name := fmt.Sprintf("slipway_%s_%s_%s.spdx.json", strings.TrimPrefix(p.Version, "v"), p.OS, p.Arch)
	return os.WriteFile(filepath.Join(dir, name), sbom, 0o644)
}
