package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
)

// The schemes of secret sources.
const (
	SchemeEnv           = "env"
	SchemeFile          = "file"
	SchemeSecretManager = "gcp-secret-manager"
)

// maxSize is the maximum size of a Secret in Kubernetes, in bytes; etcd's limit of 1.5 MiB
// per request is higher. See kubernetes.io/docs/concepts/configuration/secret.
const maxSize = 1 << 20

// Source is the source of a value, such as env:TOKEN.
type Source struct{ Scheme, Name string }

// String returns the source as it is written in the configuration. It does not contain
// the value.
func (s Source) String() string { return s.Scheme + ":" + s.Name }

var (
	envName       = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	secretManager = regexp.MustCompile(`^projects/[^/]+/secrets/[^/]+(/versions/[^/]+)?$`)
)

// ParseSource parses env:NAME, file:PATH or
// gcp-secret-manager:projects/P/secrets/S[/versions/V]. Its error does not contain text.
func ParseSource(text string) (Source, error) {
	scheme, name, _ := strings.Cut(text, ":")
	s := Source{scheme, name}
	valid := false
	switch scheme {
	case SchemeEnv:
		valid = envName.MatchString(name)
	case SchemeFile:
		valid = name != ""
	case SchemeSecretManager:
		valid = secretManager.MatchString(name)
	}
	if !valid {
		// The text is not shown, as it may be the secret itself, pasted in place.
		return Source{}, errors.New("not a secret source: write env:NAME, file:PATH or gcp-secret-manager:projects/P/secrets/S")
	}
	return s, nil
}

// Resolver reads values from their sources. It reads each source only once, so that the
// value that was checked is the one that is used. It is safe for concurrent use.
type Resolver struct {
	// Dir is the directory that relative paths of files start from.
	Dir string
	// Lookup returns an environment variable, as os.LookupEnv does.
	Lookup func(string) (string, bool)

	mu   sync.Mutex
	held map[Source]Value
}

// Resolve returns the value of s. It returns an error that names the source if an
// environment variable is unset or empty, if a file cannot be read, is empty or larger
// than 1 MiB, and for Secret Manager, which is not built yet. It returns the error of ctx
// if that is done before.
func (r *Resolver) Resolve(ctx context.Context, s Source) (Value, error) {
	defer panics.At("the secret " + s.String())
	if err := ctx.Err(); err != nil {
		return Value{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if value, have := r.held[s]; have {
		return value, nil
	}
	value, err := r.read(ctx, s)
	if err != nil {
		return Value{}, err
	}
	if r.held == nil {
		r.held = map[Source]Value{}
	}
	r.held[s] = value
	return value, nil
}

func (r *Resolver) read(ctx context.Context, s Source) (Value, error) {
	switch s.Scheme {
	case SchemeEnv:
		value, ok := r.Lookup(s.Name)
		switch {
		case !ok:
			return Value{}, fmt.Errorf("the environment variable %s is not set", s.Name)
		case value == "":
			return Value{}, fmt.Errorf("the environment variable %s is empty", s.Name)
		}
		return NewValue([]byte(value)), nil
	case SchemeFile:
		return r.file(ctx, s)
	}
	return Value{}, fmt.Errorf("%s is not supported by this version of slipway", s.Scheme)
}

// file reads a file. It may be a pipe, such as file:/dev/fd/63 from a shell's <(...),
// which is read until its writer closes it or ctx is done.
func (r *Resolver) file(ctx context.Context, s Source) (Value, error) {
	path := s.Name
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.Dir, filepath.FromSlash(path))
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // opening a pipe does not wait for its writer
	if err != nil {
		return Value{}, fmt.Errorf("read the secret %s: %w", s, err)
	}
	defer file.Close()
	defer context.AfterFunc(ctx, func() { _ = file.SetReadDeadline(time.Unix(1, 0)) })()
	content, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	switch {
	case ctx.Err() != nil:
		return Value{}, ctx.Err()
	case err != nil:
		return Value{}, fmt.Errorf("read the secret %s: %w", s, err)
	case len(content) == 0:
		return Value{}, fmt.Errorf("the secret %s is empty", s)
	case len(content) > maxSize:
		return Value{}, fmt.Errorf("the secret %s is larger than 1 MiB, more than Kubernetes allows", s)
	}
	return NewValue(content), nil
}
