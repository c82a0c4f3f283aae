package dockerfile

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/moby/buildkit/solver/errdefs"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/source"
)

// explain turns BuildKit's error into one that says what is wrong, and where. A mistake of
// the user is a *source.Error, a step that ran and failed is a *BuildError. A base image or
// registry that cannot be reached is neither.
//
// BuildKit's errors contain the lines of the Dockerfile as types, and its statuses the
// failed step. The kind of mistake is only in the text, so the tests compare it with a real
// BuildKit.
func explain(ctx context.Context, s Spec, w *watcher, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if fault := new(panics.Error); errors.As(err, &fault) {
		return fault // a panic of slipway
	}
	text := brief(err.Error())
	at, cause := position(s, err), rewordedError{text, err}
	mistake := func(hint, format string, args ...any) error {
		return &source.Error{Position: at, Message: fmt.Sprintf(format, args...), Hint: hint, Err: cause}
	}
	failed := ""
	if w.failed != nil {
		failed = w.failed.name
	}
	if noStage.MatchString(text) {
		return &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: %s has no stage %s", s.Name, s.File, s.Target), Hint: nearestStage(text), Err: cause}
	}
	if noBase.MatchString(text) {
		return mistake("give the build arguments in it a value, or a default", "the name of the base image is not valid: %s", text)
	}
	if base, found := strings.CutPrefix(failed, "[internal] load metadata for "); found {
		if strings.HasSuffix(text, "not found") {
			return mistake("check its name and tag, and that the credentials allow pulling it", "the base image %s was not found", base)
		}
		return fmt.Errorf("%s: the base image %s cannot be read: %w", at, base, rewordedError{afterLast(text, base+": "), err})
	}
	if file := noFile.FindStringSubmatch(text); file != nil {
		if strings.Contains(failed, "--from=") {
			return mistake("", "%s does not exist in the source of COPY --from", file[1]+file[2])
		}
		return mistake("paths begin at the repository's root; .dockerignore, and slipway's rules on keys and tools' files, may exclude it", "%s does not exist in the build context", file[1]+file[2])
	}
	if id := noSecret.FindStringSubmatch(text); id != nil {
		return mistake("list it under the image's secrets", "the step needs the secret %s, but the image is built without it", id[1])
	}
	if noAgent.MatchString(text) {
		return mistake("set ssh: true for the image", "the step needs an SSH agent, but the image is built without one")
	}
	if at.Line > 0 && failed == "" { // no step has run
		return mistake("", "%s", text)
	}
	if code := exitCode.FindStringSubmatch(text); code != nil {
		return &BuildError{At: at, Step: failed, Output: w.output(), Err: rewordedError{"it ended with exit code " + code[1], err}}
	}
	if at.Line > 0 || instruction.MatchString(failed) {
		return &BuildError{At: at, Step: failed, Output: w.output(), Err: cause}
	}
	return fmt.Errorf("build image %s from %s: %w", s.Name, s.File, cause)
}

// The messages of BuildKit. The groups are the arguments of slipway's messages.
var (
	noStage   = lazyregexp.New(`target stage "?[^"]*"? could not be found`)
	noBase    = lazyregexp.New(`base name \(.*\) should not be blank|failed to parse stage name|^invalid reference format`)
	noFile    = lazyregexp.New(`"(/[^"]*)": not found$|lstat (/.*): no such file or directory$`)
	noSecret  = lazyregexp.New(`secret (\S+): not found$`)
	noAgent   = lazyregexp.New(`no SSH key "[^"]*" forwarded from the client`)
	exitCode  = lazyregexp.New(`exit code: (\d+)`)
	parseLine = lazyregexp.New(`dockerfile parse error(?: on)? line (\d+): `)
	stages    = lazyregexp.New(`did you mean (\S+)\?`)
	// preambles are prefixes of a message that say what BuildKit was doing. The position
	// says this better.
	preambles = lazyregexp.New(`^(?:failed to solve(?: with frontend \S+)?: |rpc error: code = \S+ desc = |failed to create LLB definition: |` +
		`dockerfile parse error(?: on)? line \d+: |failed to process "[^"]*": |failed to read dockerfile: )+`)
)

// brief returns a message without its preambles.
func brief(text string) string { return strings.TrimSpace(preambles.ReplaceAllString(text, "")) }

func afterLast(text, mark string) string {
	if at := strings.LastIndex(text, mark); at >= 0 {
		return text[at+len(mark):]
	}
	return text
}

// rewordedError is an error with another message. The wrapped error is available to
// errors.Is and errors.As, and not printed.
type rewordedError struct {
	text string
	err  error
}

func (m rewordedError) Error() string { return m.text }

func (m rewordedError) Unwrap() error { return m.err }

func nearestStage(text string) string {
	if m := stages.FindStringSubmatch(text); m != nil {
		return "did you mean " + m[1] + "?"
	}
	return "stages are named by FROM image AS name"
}

// position returns the position in the Dockerfile that an error is about. If a step failed
// because of another, it is the innermost one.
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
	if m := parseLine.FindStringSubmatch(err.Error()); at.Line == 0 && m != nil { // BuildKit before 0.8 has the line in the message only
		at.Line, _ = strconv.Atoi(m[1])
	}
	return at
}
