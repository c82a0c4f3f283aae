package dockerfile

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// explain makes BuildKit's error one that says what is wrong, where. What a user
// wrote wrongly is a *source.Error, a step that ran and failed a *BuildError.
//
// BuildKit's errors carry the Dockerfile's lines and the failed step as types; what
// kind of mistake it was stands in their text only, which the tests hold against a
// real BuildKit.
func explain(ctx context.Context, s Spec, w *watcher, masker *secret.Masker, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	text := masker.Mask(plain(err))
	at := position(s, err)
	mistake := func(hint, format string, args ...any) error {
		return &source.Error{Position: at, Message: fmt.Sprintf(format, args...), Hint: hint, Err: masked{text, err}}
	}
	switch {
	case strings.Contains(text, "target stage") && strings.Contains(text, "could not be found"):
		return &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: %s has no stage %s", s.Name, s.File, s.Target), Hint: nearestStage(text),
			Err: masked{text, err}}
	case noBase.MatchString(text):
		return mistake("give the build argument that it is made of a value, or a default", "the base image has no name: %s", last(text))
	case isParse(err, text):
		return mistake("", "%s", last(text))
	case missingBase.MatchString(text):
		return mistake("check its name and tag, and that the credentials may read it", "the base image %s does not exist: %s", missingBase.FindStringSubmatch(text)[1], last(text))
	case missingFile.MatchString(text):
		return mistake("paths are relative to the repository's root; .dockerignore and slipway's own rules may leave it out", "there is no %s in the context", missingFile.FindStringSubmatch(text)[1])
	case strings.Contains(text, "secret ") && strings.HasSuffix(text, ": not found"):
		return mistake("list it under the image's secrets", "%s", last(text))
	case missingSSH.MatchString(text):
		return mistake("set ssh: true for the image", "the step wants an SSH agent, and the image is built without one")
	}
	var exit *pb.ExecOp
	var solve *errdefs.SolveError
	if errors.As(err, &solve) && solve.Solve.Op != nil {
		exit = solve.Solve.Op.GetExec()
	}
	if exit != nil || at.Line > 0 {
		failure := &BuildError{At: at, Err: masked{last(text), err}}
		if w.failed != nil {
			failure.Step, failure.Output = w.failed.name, strings.Join(w.failed.last, "\n")
			if exit != nil {
				failure.Err = masked{ended(text), err}
			}
		}
		return failure
	}
	return fmt.Errorf("build image %s from %s: %w", s.Name, s.File, masked{text, err})
}

var (
	noBase      = regexp.MustCompile(`base name \(.*\) should not be blank|failed to parse stage name|invalid reference format`)
	missingBase = regexp.MustCompile(`failed to resolve source metadata for (\S+):.*not found|(?:^|: )(\S+): not found$`)
	missingFile = regexp.MustCompile(`(?:failed to calculate checksum of ref [^:]*:+[^:]*|lstat|stat|failed to compute cache key): (?:.*: )?"?(/[^":]+)"?: not found`)
	missingSSH  = regexp.MustCompile(`no SSH key|unset ssh|no ssh handler|ssh forward key \S+ not found|SSH.*not (?:enabled|found)`)
	exitCode    = regexp.MustCompile(`exit code: \d+`)
	stages      = regexp.MustCompile(`did you mean (\S+)\?`)
)

// masked is an error whose text has been masked; what it wraps can be told by its
// type, and is not printed.
type masked struct {
	text string
	err  error
}

func (m masked) Error() string { return m.text }

func (m masked) Unwrap() error { return m.err }

// plain gives an error's text without what every error of a solve begins with.
func plain(err error) string {
	text := err.Error()
	for _, prefix := range []string{"failed to solve: ", "rpc error: code = Unknown desc = ", "failed to solve: ", "dockerfile parse error on "} {
		if prefix == "dockerfile parse error on " {
			continue
		}
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}

// last gives the message without what was being done, which the place says.
func last(text string) string {
	text = regexp.MustCompile(`^dockerfile parse error(?: on)? line \d+: `).ReplaceAllString(text, "")
	text = regexp.MustCompile(`^failed to process "[^"]*": `).ReplaceAllString(text, "")
	return strings.TrimSpace(text)
}

// ended says how a step ended, without its whole command, which the step has.
func ended(text string) string {
	if code := exitCode.FindString(text); code != "" {
		return "it ended with " + strings.Replace(code, "code: ", "code ", 1)
	}
	return last(text)
}

func isParse(err error, text string) bool {
	return strings.HasPrefix(text, "dockerfile parse error") || strings.Contains(text, "failed to process ") || strings.Contains(text, "unknown instruction") ||
		strings.Contains(text, "the Dockerfile cannot be empty") || strings.Contains(text, "file with no instructions")
}

func nearestStage(text string) string {
	if m := stages.FindStringSubmatch(text); m != nil {
		return "did you mean " + m[1] + "?"
	}
	return "stages are named by FROM image AS name"
}

// position gives the place in the Dockerfile that an error is about; the innermost
// one, when a step failed because of another.
func position(s Spec, err error) source.Position {
	at := source.Position{File: s.File}
	for _, found := range errdefs.Sources(err) {
		if found.Info == nil || len(found.Ranges) == 0 {
			continue
		}
		if found.Info.Filename != "" {
			at.File = found.Info.Filename
		}
		start := found.Ranges[0].Start
		at.Line = int(start.Line)
		if start.Character > 0 {
			at.Column = int(start.Character) + 1
		}
		break
	}
	return at
}
