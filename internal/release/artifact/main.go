// Artifact makes the files of a release that are slipway's own, when goreleaser.yaml says so:
//
//	artifact program PROGRAM VERSION COMMIT TIME DIST: the wheel, the SBOM and the notices of a program, if its digest is right
//	artifact provenance TAG COMMIT CHECKSUMS FILE: the provenance of all files
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/release"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "artifact:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 6 && args[0] == "program":
		return program(ctx, args[1], args[2], args[3], args[4], args[5])
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

// program writes the wheel, the SBOM and the notices of a program. It runs in the root of the repository.
// That of a tag must have the digest in action/digests.txt, or nothing is published.
func program(ctx context.Context, path, version, commit, at, dist string) error {
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
	notices, err := p.Notices(ctx, ".")
	if err != nil {
		return err
	}
	if _, err := p.WriteWheel(".", filepath.Join(dist, "wheels"), notices); err != nil {
		return err
	}
	platform := p.OS + "_" + p.Arch
	if err := write(filepath.Join(dist, "notices", platform, release.NoticesName), notices); err != nil {
		return err
	}
	sbom, err := p.SBOM()
	if err != nil {
		return err
	}
	return write(filepath.Join(dist, "sboms", "slipway_"+strings.TrimPrefix(p.Version, "v")+"_"+platform+".spdx.json"), sbom)
}

// write writes a file and creates its directory.
func write(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}
