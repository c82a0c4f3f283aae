package build

import (
	"context"
	"errors"
	"net/http"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// kind is a kind of image of slipway.yaml.
type kind struct {
	// builder gives what builds an image of this kind.
	builder func(*order) image.Builder
	// parameters gives what slipway.yaml says of an image, for its provenance. Of variables
	// only the names: their values may have come from anywhere.
	parameters func(*config.Image) map[string]any
	// unforeseen tells that an image is known only when it has been built.
	unforeseen bool
}

// kinds are all kinds of image, by what config calls them.
var kinds = map[string]kind{
	"dockerfile": {dockerfileBuilder, dockerfileParameters, true},
	"files":      {filesBuilder, filesParameters, false},
	"go":         {goBuilder, goParameters, false},
	"python":     {pythonBuilder, pythonParameters, false},
}

// order is an image of slipway.yaml that is to be built, with what the builders of all
// kinds are told of it.
type order struct {
	image.Order
	to     *platform.Platform
	config *config.Image
	// places are where slipway.yaml names paths of the tree.
	places map[string]source.Position
}

// Builder returns what builds an image. It calls notice with what happens.
func Builder(to *platform.Platform, i *config.Image, notice func(image.Notice)) image.Builder {
	p := to.Project
	o := &order{to: to, config: i, places: map[string]source.Position{}}
	o.Spec = image.Spec{
		Name: i.Name, Dir: p.Config.Dir, Kind: i.Kind(), Base: i.Base, Files: i.Files,
		Workdir: i.Workdir, User: i.User, Owner: owner(i.Owner), Env: i.Env, Entrypoint: i.Entrypoint, Command: i.Command,
		Platforms: platforms(i, to.Target), At: p.Config.At("images", i.Name), Place: o.place, Environ: p.Environ,
		Source: p.Revision().Source, Notice: notice,
		Watch: func(to http.RoundTripper) http.RoundTripper { return secret.Watch(to, p.Secrets) },
	}
	for n, file := range i.Files {
		o.note(file, "files", strconv.Itoa(n))
	}
	o.To, o.Revision = to.Registry, p.Revision()
	o.Tags = func() []string { return tags(p, i) }
	if !p.NoAttestations {
		o.Attest = attester(p, i, o.Source)
	}
	return kinds[i.Kind()].builder(o)
}

// Check returns, joined, errors for all that images are made of and that is missing: files of the
// working tree and, unless the project is offline, values of build secrets.
func Check(ctx context.Context, p *project.Project, images []*config.Image) error {
	to := platform.New(p)
	var errs []error
	for _, i := range images {
		errs = append(errs, Builder(to, i, Notices(p, i.Name)).Check(ctx))
	}
	return errors.Join(errs...)
}

// Unforeseen reports whether an image is known only when it has been built.
func Unforeseen(i *config.Image) bool { return kinds[i.Kind()].unforeseen }

// note keeps where slipway.yaml names a path: by keys of the image.
func (o *order) note(named string, keys ...string) {
	named = path.Clean(filepath.ToSlash(named))
	if _, known := o.places[named]; !known {
		o.places[named] = o.to.Config.At(append([]string{"images", o.config.Name}, keys...)...)
	}
}

func (o *order) place(named string) source.Position {
	if at, ok := o.places[path.Clean(named)]; ok {
		return at
	}
	return o.At
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
