package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// scheme is a kind of secret source.
type scheme struct {
	// name is what stands before the colon, and form is how a whole source is written, for
	// messages.
	name, form string
	// pattern is the regular expression of what follows the colon.
	pattern string
	// read reads the value. Its error names the source and does not contain the value. It is
	// nil if a service keeps the value: see Remote.
	read func(*Resolver, context.Context, Source) (Value, error)
}

// schemes returns all kinds of secret sources.
func schemes() []scheme {
	return []scheme{
		{name: "env", form: "env:NAME", pattern: `[A-Za-z_][A-Za-z0-9_]*`, read: (*Resolver).variable},
		{name: "file", form: "file:PATH", pattern: `.+`, read: (*Resolver).file},
		{name: "gcp-secret-manager", form: "gcp-secret-manager:projects/P/secrets/S", pattern: `projects/[a-z0-9][a-z0-9.:-]*/secrets/[A-Za-z0-9_-]{1,255}(/versions/[A-Za-z0-9_-]{1,63})?`},
	}
}

// schemeOf returns the scheme with a name. Its error does not contain the name, which may
// be a part of a secret that was pasted in place of its source.
func schemeOf(name string) (scheme, error) {
	for _, s := range schemes() {
		if s.name == name {
			return s, nil
		}
	}
	return scheme{}, errors.New("not a secret source: write " + Forms())
}

// Forms returns how secret sources are written, for messages.
func Forms() string {
	var forms []string
	for _, s := range schemes() {
		forms = append(forms, s.form)
	}
	last := len(forms) - 1
	return strings.Join(forms[:last], ", ") + " or " + forms[last]
}

// Pattern returns a regular expression for secret sources.
func Pattern() string {
	var patterns []string
	for _, s := range schemes() {
		patterns = append(patterns, s.name+":"+s.pattern)
	}
	return "^(" + strings.Join(patterns, "|") + ")$"
}

// HasScheme reports whether text begins as a secret source does.
func HasScheme(text string) bool {
	name, _, found := strings.Cut(text, ":")
	_, err := schemeOf(name)
	return found && err == nil
}

// variable reads an environment variable.
func (r *Resolver) variable(_ context.Context, s Source) (Value, error) {
	value, ok := r.Lookup(s.Name)
	switch {
	case !ok:
		return Value{}, fmt.Errorf("the environment variable %s is not set", s.Name)
	case value == "":
		return Value{}, fmt.Errorf("the environment variable %s is empty", s.Name)
	}
	return NewValue([]byte(value)), nil
}

// file reads a file, which may be a pipe.
func (r *Resolver) file(ctx context.Context, s Source) (Value, error) {
	path := s.Name
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.Dir, filepath.FromSlash(path))
	}
	content, err := ReadFile(ctx, path, MaxSize+1)
	switch {
	case ctx.Err() != nil:
		return Value{}, ctx.Err()
	case err != nil:
		return Value{}, fmt.Errorf("read the secret %s: %w", s, err)
	case len(content) == 0:
		return Value{}, fmt.Errorf("the secret %s is empty", s)
	case len(content) > MaxSize:
		return Value{}, fmt.Errorf("the secret %s is larger than 1 MiB, more than Kubernetes allows", s)
	}
	return NewValue(content), nil
}

// ReadFile reads at most limit bytes of a file. It may be a pipe, such as /dev/fd/63 from a
// shell's <(...), which is read until its writer closes it. When ctx is done before, the
// error is that of ctx.
func ReadFile(ctx context.Context, path string, limit int64) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // opening a pipe does not wait for its writer
	if err != nil {
		return nil, err
	}
	defer file.Close()
	defer context.AfterFunc(ctx, func() { _ = file.SetReadDeadline(time.Unix(1, 0)) })()
	content, err := io.ReadAll(io.LimitReader(file, limit))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return content, err
}
