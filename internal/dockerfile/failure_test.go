package dockerfile

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// TestRealFailures makes a real buildkitd fail in every way that a user can cause.
func TestRealFailures(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	for _, c := range []struct {
		name, dockerfile string
		change           func(*Spec)
		// want is the error, with REG for the registry's address.
		want string
		// usage reports whether the error is a *source.Error, step whether it is a *BuildError.
		usage, step bool
	}{
		{name: "a step that fails", step: true, dockerfile: "FROM BASE\n# a comment\nRUN echo first && \\\n  echo $HOME && exit 3\n",
			want: "Dockerfile:3: [2/2] RUN echo first &&   echo $HOME && exit 3: it ended with exit code 3\nfirst\n/root"},
		{name: "a program that is not there", step: true, dockerfile: "FROM BASE\nRUN [\"nothing\"]\n", want: "Dockerfile:2: [2/2] RUN [\"nothing\"]: it ended with exit code 1\nrunc run failed: unable to start container process: exec: \"nothing\": executable file not found in $PATH"},
		{name: "a secret in the output", step: true, dockerfile: "FROM BASE\nRUN --mount=type=secret,id=token cat /run/secrets/token && exit 1\n",
			change: func(s *Spec) {
				s.Secrets = map[string]secret.Value{"token": secret.NewValue([]byte("hidden-value-1"))}
			},
			want: "Dockerfile:2: [2/2] RUN --mount=type=secret,id=token cat /run/secrets/token && exit 1: it ended with exit code 1\n***"},
		{name: "no Dockerfile command", dockerfile: "FROM BASE\nCOPPY a b\n", usage: true, want: "Dockerfile:2: unknown instruction: COPPY (did you mean COPY?)"},
		{name: "a flag that is not there", dockerfile: "FROM BASE\nRUN --mnt=a b\n", usage: true, want: "Dockerfile:2: unknown flag: --mnt (did you mean mount?)"},
		{name: "an instruction before FROM", dockerfile: "RUN a\n", usage: true, want: "Dockerfile:1: no build stage in current context"},
		{name: "an empty Dockerfile", dockerfile: "\n", usage: true, want: "Dockerfile:1: file with no instructions"},
		{name: "a stage that is not there", dockerfile: "FROM BASE AS build\n", change: func(s *Spec) { s.Target = "biuld" }, usage: true, want: "image app: Dockerfile has no stage biuld (did you mean build?)"},
		{name: "an argument without a value", dockerfile: "ARG IMAGE\nFROM $IMAGE\n", usage: true, want: "Dockerfile:2: the name of the base image is not valid: base name ($IMAGE) should not be blank (give the build arguments in it a value, or a default)"},
		{name: "a tag without a value", dockerfile: "ARG TAG\nFROM REG/base:${TAG}\n", usage: true, want: "Dockerfile:2: the name of the base image is not valid: failed to parse stage name \"REG/base:\": invalid reference format (give the build arguments in it a value, or a default)"},
		{name: "a base that is not there", dockerfile: "FROM REG/nobody:9\n", usage: true, want: "Dockerfile:1: the base image REG/nobody:9 was not found (check its name and tag, and that the credentials allow pulling it)"},
		{name: "a base whose registry is not there", dockerfile: "FROM 127.0.0.1:1/nobody:9\n", want: "Dockerfile:1: the base image 127.0.0.1:1/nobody:9 cannot be read: failed to do request: Head \"http://127.0.0.1:1/v2/nobody/manifests/9\": dial tcp 127.0.0.1:1: connect: connection refused"},
		{name: "a file that is not there", dockerfile: "FROM BASE\nCOPY src/nothing.txt /\n", usage: true, want: "Dockerfile:2: /src/nothing.txt does not exist in the build context (paths begin at the repository's root; .dockerignore, and slipway's rules on keys and tools' files, may exclude it)"},
		{name: "a file of another stage that is not there", dockerfile: "FROM BASE AS a\nFROM BASE\nCOPY --from=a /nothing.txt /\n", want: "Dockerfile:3: /nothing.txt does not exist in the source of COPY --from", usage: true},
		{name: "a secret that is not given", dockerfile: "FROM BASE\nRUN --mount=type=secret,id=token,required=true cat /run/secrets/token\n", usage: true, want: "Dockerfile:2: the step needs the secret token, but the image is built without it (list it under the image's secrets)"},
		{name: "an agent that is not given", dockerfile: "FROM BASE\nRUN --mount=type=ssh,required=true env\n", usage: true, want: "Dockerfile:2: the step needs an SSH agent, but the image is built without one (set ssh: true for the image)"},
		{name: "a variable substitution that fails", dockerfile: "FROM BASE\nARG A\nENV B=${A:?give A}\n", usage: true, want: "Dockerfile:3: Syntax error - can't find = in \"A}\". Must be of the form: name=value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := w.spec(map[string]string{"Dockerfile": strings.ReplaceAll(c.dockerfile, "REG/", w.registry+"/"), "a.txt": ""})
			if c.change != nil {
				c.change(&s)
			}
			told, err := w.fails(t, s)
			secrets := secret.NewMasker() // the caller's masker
			for _, value := range s.Secrets {
				secrets.Add(value)
			}
			var usage *source.Error
			var failed *BuildError
			if errors.As(err, &usage) != c.usage || errors.As(err, &failed) != c.step {
				t.Errorf("%T", err)
			}
			if got := strings.NewReplacer(w.registry, "REG", "[stage-0 ", "[").Replace(secrets.Mask(err.Error())); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			if strings.Contains(secrets.Mask(told.text()+err.Error()), "hidden-value") {
				t.Error("the secret is shown")
			}
		})
	}
}

// TestRealCancel cancels a build during a long step.
func TestRealCancel(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	s := w.spec(map[string]string{"Dockerfile": "FROM BASE\nRUN echo here; sleep 60\n"})
	ctx, cancel := context.WithCancel(t.Context())
	var cancelled time.Time
	_, err := w.builder.Build(ctx, s, w.output("never", "latest"), func(p Progress) {
		if p.Line == "here" {
			cancelled = time.Now()
			cancel()
		}
	})
	if took := time.Since(cancelled); took > 30*time.Second { // the step takes 60 s
		t.Errorf("it took %v to end", took)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if _, err := remote.Head(w.reference("never:latest")); err == nil {
		t.Error("the tag is there")
	}
}

// TestRealRegistryFails has the registry refuse the last upload. The tag must not move, and
// the next build must succeed.
func TestRealRegistryFails(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	for _, near := range []bool{true, false} {
		w.builder.sharesLoopback = near
		repository := map[bool]string{true: "pushed", false: "received"}[near]
		s := w.spec(map[string]string{"Dockerfile": "FROM BASE\nCOPY a.txt /\n", "a.txt": "one"})
		_, before, _ := w.build(t, s, repository)
		for _, refuse := range []string{"/blobs/uploads/", "/manifests/sha256:", "/manifests/latest"} {
			write(t, s.Dir, map[string]string{"a.txt": "changed for " + refuse})
			w.refusing(func(r *http.Request) int {
				if r.Method != http.MethodGet && r.Method != http.MethodHead && strings.Contains(r.URL.Path, repository+refuse) {
					return http.StatusForbidden
				}
				return 0
			})
			built, err := w.builder.Build(t.Context(), s, w.output(repository, "latest"), nil)
			if err == nil || !strings.Contains(err.Error(), "403") || !strings.Contains(err.Error(), repository) {
				t.Errorf("%s is refused: %v, %v", refuse, built, err)
			}
			w.refusing(nil)
			if now, err := remote.Head(w.reference(repository + ":latest")); err != nil || now.Digest != before.Digest {
				t.Errorf("%s is refused and the tag has moved: %v, %v", refuse, now, err)
			}
		}
		if _, after, _ := w.build(t, s, repository); after.Digest == before.Digest {
			t.Error("the last change is not in the image")
		}
	}
}
