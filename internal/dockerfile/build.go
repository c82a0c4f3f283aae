package dockerfile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session"
	"github.com/tonistiigi/fsutil"

	"github.com/slipway-ci/slipway/internal/panics"
)

// Output says where an image goes.
type Output struct {
	// Repository is the reference without a tag: gcr.io/acme/team/api.
	Repository string
	// Tags are moved to the image when all of it is there. One that has it already
	// is left alone, so that it may be immutable. Without any the image is there by
	// its digest, and with a Docker daemon under dockerTag, which it demands.
	Tags []string
	// PlainHTTP says that the registry of Repository has no TLS.
	PlainHTTP bool
	// Keychain has the credentials of that registry and of those of the bases;
	// none when nil. BuildKit is given those of the registries that it asks for,
	// over the session.
	Keychain authn.Keychain
	// Transport is that of slipway's own requests to the registry; the default
	// one when nil.
	Transport http.RoundTripper
}

// Builder is a BuildKit that has been found. It may build several images at once.
type Builder struct {
	// Name says which BuildKit it is, for messages.
	Name string
	// dial connects to it. Each build has a connection of its own: a build that is
	// cancelled and does not end is ended with it.
	dial func(context.Context) (*client.Client, error)
	// near tells that this machine's loopback is the builder's as well.
	near bool
	// docker is the daemon that the BuildKit is part of; nil for one of its own.
	docker *docker
	// testOnlyNetwork is that of the steps, for a daemon that has been given none.
	testOnlyNetwork string
	// beat is how often it is asked whether it is still there while it builds, and how
	// long it may take to say so; 30 s when zero.
	beat time.Duration
}

// dockerTag is the tag under which a Docker daemon pushes an image that gets none.
const dockerTag = "slipway-docker"

// patience is how long a cancelled build may take to end by itself.
const patience = 500 * time.Millisecond

// Build builds an image and puts it into its registry, and tells progress, from one
// goroutine, what happens; progress may be nil.
//
// What is wrong with the configuration, or with the Dockerfile before anything of it
// runs, is a *source.Error; a step that failed is a *BuildError. The tags move last,
// after the registry has been asked for the manifest: a build that fails or is
// cancelled leaves them where they were. A cancelled build returns within a second.
func (b *Builder) Build(ctx context.Context, s Spec, o Output, progress func(Progress)) (*Built, error) {
	s, err := s.normal()
	if err != nil {
		return nil, err
	}
	target, err := newTarget(s, o)
	if err != nil {
		return nil, err
	}
	built := &Built{}
	solve := func(ctx context.Context, export client.ExportEntry, services ...session.Attachable) (map[string]string, error) {
		w := newWatcher(progress)
		response, err := b.solve(ctx, s, o, export, w, services)
		built.Steps, built.Cached = w.counts()
		built.Bases = w.bases()
		if err != nil {
			return nil, explain(ctx, s, w, err)
		}
		return response.ExporterResponse, nil
	}
	digest, err := b.deliver(ctx, s, target, solve)
	if err != nil {
		return nil, err
	}
	if err := target.tag(ctx, digest); err != nil {
		return nil, err
	}
	built.Digest, built.Reference = digest, target.repository.Digest(digest.String()).String()
	return built, nil
}

// solver builds, and exports what it built; the services are there for the exporter.
type solver func(context.Context, client.ExportEntry, ...session.Attachable) (map[string]string, error)

// deliver brings the image into its repository, without a tag where that can be.
//
// BuildKit pushes what it built itself where it can, as it knows which layers the
// registry has. It cannot where the registry is on this machine's loopback and the
// builder is elsewhere, which is not always known before: a container or a virtual
// machine has a loopback of its own. The registry is therefore asked for the image
// afterwards, and when it has not got it, BuildKit hands the image to slipway, which
// sends it; nothing is built twice.
func (b *Builder) deliver(ctx context.Context, s Spec, t *target, solve solver) (v1.Hash, error) {
	if b.docker != nil && !b.docker.containerd {
		return b.docker.deliver(ctx, s, t, solve)
	}
	if t.loopback() && !b.near {
		return t.receive(ctx, s, solve)
	}
	name := t.repository.String()
	attributes := imageAttributes(s, client.ExporterImage)
	attributes["push"] = "true"
	attributes["registry.insecure"] = strconv.FormatBool(t.plainHTTP)
	if b.docker == nil {
		attributes["push-by-digest"] = "true"
	} else {
		// Docker names what it keeps, and refuses to push that by digest.
		tag := dockerTag
		if len(t.tags) > 0 {
			tag = t.tags[0]
		}
		name = t.repository.Tag(tag).String()
	}
	attributes["name"] = name
	response, err := solve(ctx, client.ExportEntry{Type: client.ExporterImage, Attrs: attributes})
	if err != nil {
		if t.loopback() && strings.Contains(err.Error(), "connection refused") {
			return t.receive(ctx, s, solve)
		}
		return v1.Hash{}, err
	}
	digest, err := exported(response)
	if err != nil {
		return v1.Hash{}, err
	}
	if there, err := t.has(ctx, digest); err != nil || there {
		return digest, err
	}
	return t.receive(ctx, s, solve)
}

// exported gives the digest of what BuildKit exported.
func exported(response map[string]string) (v1.Hash, error) {
	digest, err := v1.NewHash(response["containerimage.digest"])
	if err != nil {
		return v1.Hash{}, fmt.Errorf("BuildKit named no digest of what it built: %w", err)
	}
	return digest, nil
}

// imageAttributes are those of an exporter, as documented in BuildKit's
// docs/attestations and README ("Output"): equal content gives equal bytes.
func imageAttributes(s Spec, exporter string) map[string]string {
	attributes := map[string]string{"oci-mediatypes": "true", "rewrite-timestamp": "true", "compression": "gzip"}
	for key, value := range s.Annotations {
		attributes["annotation."+key] = value
		if len(s.Platforms) > 1 {
			attributes["annotation-index."+key] = value
		}
	}
	if exporter == client.ExporterOCI {
		attributes["tar"] = "false"
	}
	return attributes
}

// frontendAttributes are those of the Dockerfile frontend, as documented in
// BuildKit's docs/reference/buildctl.md and frontend/dockerfile.
func frontendAttributes(s Spec) map[string]string {
	attributes := map[string]string{
		"filename":                    s.File,
		"platform":                    strings.Join(s.Platforms, ","),
		"build-arg:SOURCE_DATE_EPOCH": strconv.FormatInt(s.Created.Unix(), 10),
	}
	if s.Target != "" {
		attributes["target"] = s.Target
	}
	for key, value := range s.BuildArgs {
		attributes["build-arg:"+key] = value
	}
	for key, value := range s.Labels {
		attributes["label:"+key] = value
	}
	return attributes
}

// solve has BuildKit build and export. A fault of what BuildKit calls back ends it, and is
// its error.
func (b *Builder) solve(ctx context.Context, s Spec, o Output, export client.ExportEntry, w *watcher, services []session.Attachable) (*client.SolveResponse, error) {
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("read the tree: %w", err)
	}
	defer root.Close()
	files := newTree(root)
	files.git = s.Git
	ctx, end := panics.Until(ctx)
	defer end(nil)
	offered, err := attachables(ctx, s, o.Keychain)
	if err != nil {
		return nil, err
	}
	options := client.SolveOpt{
		Exports:       []client.ExportEntry{export},
		LocalMounts:   map[string]fsutil.FS{"context": guarded{files, ctx}, "dockerfile": guarded{files, ctx}},
		SharedKey:     sharedKey(s),
		Frontend:      "dockerfile.v0",
		FrontendAttrs: frontendAttributes(s),
		Session:       append(offered, services...),
	}
	if b.testOnlyNetwork != "" {
		options.FrontendAttrs["force-network-mode"] = b.testOnlyNetwork
		options.AllowedEntitlements = []string{"network." + b.testOnlyNetwork}
	}
	response, err := b.run(ctx, options, w)
	if fault := panics.Fault(ctx); fault != nil {
		return nil, fault // what BuildKit makes of it says less
	}
	return response, err
}

// run runs a build until it ends, or ctx does, or BuildKit does not answer any more.
func (b *Builder) run(ctx context.Context, options client.SolveOpt, w *watcher) (*client.SolveResponse, error) {
	c, err := b.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", b.Name, err)
	}
	defer c.Close()
	statuses := make(chan *client.SolveStatus)
	var watching panics.WaitGroup
	watching.Go(func() {
		var err error
		defer func() { // whoever builds is never kept waiting
			for range statuses {
			}
		}()
		defer panics.Keep(ctx, &err, "")
		w.watch(statuses)
	})
	var response *client.SolveResponse
	solved := make(chan error, 1)
	panics.Go(func() {
		var err error
		response, err = c.Solve(ctx, nil, options, statuses)
		solved <- err
	}, func(err error) { solved <- err })
	listening, stop := context.WithCancel(ctx)
	defer stop()
	select {
	case err = <-solved:
	case silent := <-b.silence(listening, c):
		_ = c.Close()
		err = errors.Join(silent, <-solved)
	case <-ctx.Done():
		select {
		case err = <-solved:
		case <-time.After(patience):
			_ = c.Close()
			err = errors.Join(ctx.Err(), <-solved)
		}
	}
	if fault := new(panics.Error); !errors.As(err, &fault) {
		watching.Wait()
	}
	return response, err
}

// sharedKey lets BuildKit compare a tree with what it received of the same one last
// time, and take the changed files only.
func sharedKey(s Spec) string {
	dir, err := filepath.Abs(s.Dir)
	if err != nil {
		dir = s.Dir
	}
	sum := sha256.Sum256([]byte("slipway\x00" + dir))
	return hex.EncodeToString(sum[:])
}

// newTarget reads where the image goes.
func newTarget(s Spec, o Output) (*target, error) {
	var options []name.Option
	if o.PlainHTTP {
		options = append(options, name.Insecure)
	}
	repository, err := name.NewRepository(o.Repository, options...)
	if err != nil {
		return nil, s.refuse("", "%q is no repository: %v", o.Repository, err)
	}
	for _, tag := range o.Tags {
		if _, err := name.NewTag(o.Repository+":"+tag, options...); err != nil {
			return nil, s.refuse("", "%q is no tag: %v", tag, err)
		}
	}
	return &target{repository: repository, tags: o.Tags, plainHTTP: o.PlainHTTP, keychain: o.Keychain, transport: o.Transport}, nil
}
