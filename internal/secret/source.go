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
	"syscall"
)

// The places that values come from.
const (
	SchemeEnv           = "env"
	SchemeFile          = "file"
	SchemeSecretManager = "gcp-secret-manager"
)

// maxSize is what Kubernetes takes in one Secret, in bytes (etcd's limit of
// 1.5 MiB a request is above it): kubernetes.io/docs/concepts/configuration/secret.
const maxSize = 1 << 20

// Source says where a value comes from, such as env:TOKEN.
type Source struct{ Scheme, Name string }

// String gives the source as it is written. It holds no value.
func (s Source) String() string { return s.Scheme + ":" + s.Name }

var (
	envName       = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	secretManager = regexp.MustCompile(`^projects/[^/]+/secrets/[^/]+(/versions/[^/]+)?$`)
)

// ParseSource reads env:NAME, file:PATH or
// gcp-secret-manager:projects/P/secrets/S[/versions/V].
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
		// The text is not shown: it may be the secret itself, pasted in place.
		return Source{}, errors.New("not a secret source: write env:NAME, file:PATH or gcp-secret-manager:projects/P/secrets/S")
	}
	return s, nil
}

// Resolver reads values.
type Resolver struct {
	// Dir is what relative file: paths start from.
	Dir string
	// Lookup reads the environment.
	Lookup func(string) (string, bool)
}

// Resolve gives the value of s. An environment variable that is unset or empty,
// and a file that cannot be read or is empty or over 1 MiB, are errors that name
// the source.
func (r *Resolver) Resolve(ctx context.Context, s Source) (Value, error) {
	if err := ctx.Err(); err != nil {
		return Value{}, err
	}
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
		return r.file(s)
	}
	return Value{}, fmt.Errorf("%s is not built into this version of slipway", s.Scheme)
}

func (r *Resolver) file(s Source) (Value, error) {
	path := s.Name
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.Dir, filepath.FromSlash(path))
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe may be one to which nobody writes
	if err != nil {
		return Value{}, fmt.Errorf("read the secret %s: %w", s, err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	switch {
	case err != nil:
		return Value{}, fmt.Errorf("read the secret %s: %w", s, err)
	case len(content) == 0:
		return Value{}, fmt.Errorf("the secret %s is empty", s)
	case len(content) > maxSize:
		return Value{}, fmt.Errorf("the secret %s is larger than 1 MiB, more than Kubernetes takes", s)
	}
	return NewValue(content), nil
}
