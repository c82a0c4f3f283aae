package build

import (
	"context"
	"errors"
	"net/http"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/blobcache"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/machine"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// kind describes a kind of image of slipway.yaml.
type kind struct {
	// builder returns the builder of an image of this kind.
	builder func(*imageBuild) image.Builder
	// parameters returns the settings of an image in slipway.yaml, for its provenance. Of
	// variables it returns only the names, because their values may be secret.
	parameters func(*config.Image) map[string]any
	// digestUnknown reports whether the digest of an image is only known after it has been
	// built.
	digestUnknown bool
}

// kinds are all kinds of images, by their names in package config.
var kinds = map[string]kind{
	"dockerfile": {dockerfileBuilder, dockerfileParameters, true},
	"files":      {filesBuilder, filesParameters, false},
	"go":         {goBuilder, goParameters, false},
	"python":     {pythonBuilder, pythonParameters, false},
}

// imageBuild is an image of slipway.yaml to build, with the inputs that the builders of all
// kinds need.
type imageBuild struct {
	image.Order
	to     *platform.Platform
	config *config.Image
	// places are the positions in slipway.yaml of the paths that it names.
	places map[string]source.Position
}

// Builder returns the builder of an image. below is the image of slipway.yaml that it is built on,
// by digest, or nil. The builder calls notice to report its progress.
func Builder(to *platform.Platform, i *config.Image, below *name.Digest, notice func(image.Notice)) image.Builder {
	p, o := to.Project, order(to, i, below, notice)
	o.Revision = p.Revision()
	o.Source = o.Revision.Source
	if !p.NoAttestations {
		o.Attest = attester(p, i, o.Source)
	}
	return kinds[i.Kind()].builder(o)
}

// order returns what Builder needs, except for what git says about the tree.
func order(to *platform.Platform, i *config.Image, below *name.Digest, notice func(image.Notice)) *imageBuild {
	p := to.Project
	o := &imageBuild{to: to, config: i, places: map[string]source.Position{}}
	o.Spec = image.Spec{
		Name: i.Name, Dir: p.Config.Dir, Kind: i.Kind(), Base: i.Base, OwnBase: below, Files: i.Files, Hidden: project.SecretFiles(p.Config),
		Workdir: i.Workdir, User: i.User, Owner: owner(i.Owner), Env: i.Env, Entrypoint: i.Entrypoint, Command: i.Command,
		Platforms: platforms(i, to.Target), At: p.Config.At("images", i.Name), PositionOf: o.place, Environ: p.Environ,
		Notice: notice, Bases: bases(), Now: p.Now,
		Watch: func(to http.RoundTripper) http.RoundTripper { return secret.Watch(to, p.Secrets) },
	}
	o.System, o.SystemMirrors, o.UpgradeSystem, o.FrozenSystem = i.System, p.Config.SystemMirrors, p.UpgradeSystem, p.FrozenLock()
	o.AptSources = p.Config.AptSources
	o.SystemAt = map[string]source.Position{"": p.Config.At("images", i.Name, "system")}
	for n, name := range i.System {
		o.SystemAt[name] = p.Config.At("images", i.Name, "system", strconv.Itoa(n))
	}
	for n, file := range i.Files {
		o.note(file, "files", strconv.Itoa(n))
	}
	o.To = to.Registry
	o.Tags = func() []string { return tags(p, i) }
	o.ConfirmTags = func(ctx context.Context, tags []string) []string { return confirmTags(ctx, p, i, tags) }
	return o
}

// basesLimit is how much of bases is kept on a machine, in bytes.
const basesLimit = 10 << 30

// bases returns where bases are kept on this machine. It keeps nothing if the user has no
// directory for caches.
func bases() blobcache.Cache {
	dir, err := machine.Shared("bases")
	if err != nil {
		return blobcache.Cache{}
	}
	return blobcache.New(dir, basesLimit)
}

// Check returns, joined, an error for each missing input of images: files of the working
// tree and, unless the project is offline, values of build secrets.
func Check(ctx context.Context, p *project.Project, images []*config.Image) error {
	to := platform.New(p)
	var errs []error
	for _, i := range images {
		builder := kinds[i.Kind()].builder(order(to, i, nil, Notices(p, i.Name))) // git may still be running
		errs = append(errs, builder.Check(ctx))
	}
	return errors.Join(errs...)
}

// CheckTools returns an error if the build of an image needs a program that is not on this
// machine, other than BuildKit.
func CheckTools(ctx context.Context, p *project.Project, i *config.Image) error {
	return Builder(platform.New(p), i, nil, Notices(p, i.Name)).CheckTools(ctx)
}

// Bases returns the references of the images that the build of an image reads in registries, as
// far as they are known before.
func Bases(ctx context.Context, p *project.Project, i *config.Image) ([]string, error) {
	if i.OwnBase() != "" {
		return nil, nil // it is built before
	}
	return Builder(platform.New(p), i, nil, Notices(p, i.Name)).Bases(ctx)
}

// DigestUnknown reports whether the digest of an image is only known after it has been
// built.
func DigestUnknown(i *config.Image) bool { return kinds[i.Kind()].digestUnknown }

// note records the position of a path in slipway.yaml. keys lead to it from the image.
// The first position of a path is kept.
func (o *imageBuild) note(named string, keys ...string) {
	named = path.Clean(filepath.ToSlash(named))
	if _, known := o.places[named]; !known {
		o.places[named] = o.to.Config.At(append([]string{"images", o.config.Name}, keys...)...)
	}
}

// place returns the position of a path in slipway.yaml, or else that of the image.
func (o *imageBuild) place(named string) source.Position {
	if at, ok := o.places[path.Clean(named)]; ok {
		return at
	}
	return o.At
}

// platforms returns the platforms that slipway.yaml names for an image, or else target,
// the platform that jobs run on. Package config has checked their form.
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

// owner parses UID[:GID]. The group defaults to the UID. Package config has checked the
// form.
func owner(text string) image.Owner {
	user, group, grouped := strings.Cut(text, ":")
	var o image.Owner
	o.User, _ = strconv.Atoi(user)
	if o.Group = o.User; grouped {
		o.Group, _ = strconv.Atoi(group)
	}
	return o
}
