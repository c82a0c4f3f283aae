package tasks

import (
	"net/http"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// spec says what to build.
func (p *project) spec(i *config.Image, target v1.Platform) image.Spec {
	spec := image.Spec{
		Name: i.Name, Dir: p.config.Dir, Kind: i.Kind(), Base: i.Base, Files: i.Files,
		Workdir: i.Workdir, User: i.User, Env: i.Env, Entrypoint: i.Entrypoint, Command: i.Command,
		Platforms: platforms(i, target), At: p.config.At("images", i.Name), Place: p.placeIn(i), Environ: p.Environ,
		Notice: func(n image.Notice) { p.notice(i.Name, n) },
		Watch:  func(to http.RoundTripper) http.RoundTripper { return secret.Watch(to, p.Secrets) },
	}
	switch {
	case i.Go != nil:
		spec.Main, spec.Base = i.Go.Main, i.Go.Base
	case i.Python != nil:
		spec.Base, spec.Requirements, spec.Python, spec.Interpreter = i.Python.Base, i.Python.Requirements, i.Python.Version, i.Python.Interpreter
		spec.Extras, spec.Groups, spec.FromSource, spec.Wheels = i.Python.Extras, i.Python.Groups, i.Python.FromSource, i.Python.Wheels
	}
	spec.Source = p.revision().Source
	spec.Owner = owner(i.Owner)
	return spec
}

// placeIn gives where an image of slipway.yaml names a path.
func (p *project) placeIn(i *config.Image) func(named string) source.Position {
	places := map[string]source.Position{}
	note := func(named string, keys ...string) {
		places[path.Clean(filepath.ToSlash(named))] = p.config.At(append([]string{"images", i.Name}, keys...)...)
	}
	if i.Go != nil {
		note(i.Go.Main, "go", "main")
	}
	if i.Python != nil {
		note(i.Python.Requirements, "python", "requirements")
	}
	for n, file := range i.Files {
		note(file, "files", strconv.Itoa(n))
	}
	return func(named string) source.Position {
		if at, ok := places[path.Clean(named)]; ok {
			return at
		}
		return p.config.At("images", i.Name)
	}
}

// platforms gives those that slipway.yaml names, whose form the configuration has
// checked, or else that of the place where jobs run.
func platforms(i *config.Image, target v1.Platform) []v1.Platform {
	if len(i.Platforms) == 0 {
		return []v1.Platform{target}
	}
	all := make([]v1.Platform, len(i.Platforms))
	for n, text := range i.Platforms {
		if named, err := v1.ParsePlatform(text); err == nil {
			all[n] = *named
		}
	}
	return all
}

// owner reads UID[:GID], which the configuration has checked.
func owner(text string) image.Owner {
	user, group, grouped := strings.Cut(text, ":")
	var o image.Owner
	o.User, _ = strconv.Atoi(user)
	if o.Group = o.User; grouped {
		o.Group, _ = strconv.Atoi(group)
	}
	return o
}
