package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/slipway-ci/slipway/internal/contextio"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/source"
)

// staleAge is the age from which a file in the cache belongs to a build that has ended.
const staleAge = 24 * time.Hour

// lastBuild describes the build that wrote a program. It is kept beside the program.
type lastBuild struct {
	// Program is the program's SHA-256 in hexadecimal. A program with another one did not
	// come from a build on this machine: it may have come with the tree.
	Program string
	// Sources are what the program was built from.
	Sources goSources
	// Digest is the digest of the sources. It is empty if they may have changed during the
	// build.
	Digest string `json:",omitempty"`
}

// currentProgram returns the program of the current sources. It runs the go command unless
// the last build's program was built from them.
func currentProgram(ctx context.Context, s Spec, dir string) (entry, error) {
	tool, err := findGo(s.Environ)
	if err != nil {
		return entry{}, err
	}
	target := filepath.Join(dir, "program")
	last := readLastBuild(target)
	e, err := readProgram(ctx, target)
	if err != nil || hex.EncodeToString(e.sum[:]) != last.Program {
		_ = os.Remove(target) // the go command would trust its build ID
		last.Digest = ""
	}
	before, _, err := last.Sources.digest(ctx, s, tool)
	if err != nil {
		before = ""
	}
	if before != "" && before == last.Digest {
		return e, nil
	}
	began := time.Now()
	sources, err := goBuildAndList(ctx, s, tool, target)
	if err != nil {
		return entry{}, err
	}
	if e, err = readProgram(ctx, target); err != nil {
		return entry{}, fmt.Errorf("read the program: %w", err)
	}
	last = lastBuild{Program: hex.EncodeToString(e.sum[:]), Sources: sources}
	// These are the sources that the go command read if they are the same as before, or if
	// their last change was before.
	after, changed, err := sources.digest(ctx, s, tool)
	if err == nil && (after == before || changed.Before(began.Add(-minStampAge))) {
		last.Digest = after
	}
	return e, last.write(target)
}

// goBuildAndList builds the program and lists its sources at the same time. If they cannot
// be listed, the list is empty.
func goBuildAndList(ctx context.Context, s Spec, tool, target string) (goSources, error) {
	var sources goSources
	group, ctx := panics.WithContext(ctx)
	group.Go(func() error { return goBuild(ctx, s, tool, target) })
	group.Go(func() error {
		if found, err := listGoSources(ctx, s, tool); err == nil {
			sources = found
		}
		return nil
	})
	return sources, group.Wait()
}

// lastBuildFile returns the file that describes the last build of a program.
func lastBuildFile(program string) string { return program + ".json" }

// readLastBuild returns the description of a program's last build. It is empty if there is
// none, or if it was not written on this machine.
func readLastBuild(program string) lastBuild {
	var b lastBuild
	text, err := readSigned(lastBuildFile(program))
	if err != nil || json.Unmarshal(text, &b) != nil {
		return lastBuild{}
	}
	return b
}

// write writes the description beside the program.
func (b lastBuild) write(program string) error {
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return writeSigned(lastBuildFile(program), text)
}

// readProgram returns a program's size and SHA-256.
func readProgram(ctx context.Context, path string) (entry, error) {
	file, err := source.Open(nil, path)
	if err != nil {
		return entry{}, err
	}
	defer file.Close()
	h := sha256.New()
	e := entry{mode: 0o755}
	if e.size, err = io.Copy(h, contextio.NewReader(ctx, file)); err != nil {
		return entry{}, err
	}
	h.Sum(e.sum[:0])
	return e, nil
}

// keepProgram links the program to a name that contains its hash, which later builds do not
// overwrite, and sets the entry's file to it. It removes the programs of builds that ended
// long ago.
func keepProgram(dir string, e *entry) error {
	e.file = "program-" + hex.EncodeToString(e.sum[:8])
	// Unlike filepath.Glob, this works if dir contains pattern characters.
	kept, err := fs.Glob(os.DirFS(dir), "program-*")
	if err != nil {
		return err
	}
	for _, old := range kept {
		path := filepath.Join(dir, old)
		if info, err := os.Stat(path); err == nil && old != e.file && time.Since(info.ModTime()) > staleAge {
			_ = os.Remove(path)
		}
	}
	target, name := filepath.Join(dir, "program"), filepath.Join(dir, e.file)
	if _, err := os.Stat(name); err == nil {
		_ = os.Remove(name) // it may be damaged, and linking is cheap
	}
	if err := os.Link(target, name); err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	return copyFile(target, name) // the file system does not support links
}

// copyFile copies a file.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
