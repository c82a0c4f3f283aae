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

// Output describes where an image is pushed.
type Output struct {
	// Repository is the reference without a tag, such as gcr.io/acme/team/api.
	Repository string
	// Tags are moved to the image once all of it is in the registry. A tag that the image
	// already has is not written again, so that tags may be immutable. Without Tags the
	// image is available by its digest only. A Docker daemon needs a tag, and then uses
	// dockerTag.
	Tags []string
	// PlainHTTP reports whether the registry of Repository has no TLS.
	PlainHTTP bool
	// Keychain has the credentials for that registry and for those of the base images. If
	// it is nil, there are none. BuildKit gets the credentials for the registries that it
	// asks for, over the session.
	Keychain authn.Keychain
	// Transport is used for slipway's own requests to the registry. If it is nil, the
	// default transport is used.
	Transport http.RoundTripper
}

// Builder is a connection to a BuildKit. It may build several images at once.
type Builder struct {
	// Name identifies the BuildKit in messages.
	Name string
	// dial connects to BuildKit. Each build has its own connection, so that closing it ends
	// a canceled build that does not end by itself.
	dial func(context.Context) (*client.Client, error)
	// sharesLoopback reports whether the builder shares this machine's loopback interface.
	sharesLoopback bool
	// docker is the daemon that the BuildKit is part of, or nil for a separate buildkitd.
	docker *docker
	// testOnlyNetwork is the network mode of the steps, for a buildkitd without a network.
	testOnlyNetwork string
	// pingInterval is the interval at which BuildKit is asked whether it is alive during a
	// build, and the timeout of each request. Zero means 30 s.
	pingInterval time.Duration
}

// dockerTag is the tag under which a Docker daemon pushes an image that has no tags.
const dockerTag = "slipway-docker"

// cancelWait is how long a canceled build may take to end by itself.
const cancelWait = 500 * time.Millisecond

// Build builds an image and pushes it to its registry. It calls progress from one goroutine
// with the events of the build. progress may be nil.
//
// An error in the configuration, or in the Dockerfile before a step runs, is a
// *source.Error. A step that fails is a *BuildError. The tags are moved last, once the
// manifest is in the registry, so that a build that fails or is canceled leaves them
// unchanged. When ctx is done, Build returns within a second.
func (b *Builder) Build(ctx context.Context, s Spec, o Output, progress func(Progress)) (*Built, error) {
	s, err := s.normalized()
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

// solver builds and exports the result. The session offers the services to the exporter.
type solver func(context.Context, client.ExportEntry, ...session.Attachable) (map[string]string, error)

// deliver pushes the image to its repository, without a tag if possible.
//
// BuildKit pushes what it built itself if it can, because it knows which layers the
// registry has. It cannot if the registry is on this machine's loopback interface and the
// builder is elsewhere. That is not always known before, because a container or a virtual
// machine has its own loopback interface. So deliver asks the registry for the image
// afterwards. If the registry does not have it, BuildKit transfers the image to slipway,
// which uploads it. Nothing is built twice.
func (b *Builder) deliver(ctx context.Context, s Spec, t *target, solve solver) (v1.Hash, error) {
	if b.docker != nil && !b.docker.containerd {
		return b.docker.deliver(ctx, s, t, solve)
	}
	if t.loopback() && !b.sharesLoopback {
		return t.receive(ctx, s, solve)
	}
	name := t.repository.String()
	attributes := imageAttributes(s, client.ExporterImage)
	attributes["push"] = "true"
	attributes["registry.insecure"] = strconv.FormatBool(t.plainHTTP)
	if b.docker == nil {
		attributes["push-by-digest"] = "true"
	} else {
		// Docker needs a name for an image that it keeps, and cannot push that one by digest.
		tag := dockerTag
		if len(t.tags) > 0 {
			tag = t.tags[0]
		}
		name = t.repository.Tag(tag).String()
	}
	attributes["name"] = name
	response, err := solve(ctx, client.ExportEntry{Type: client.ExporterImage, Attrs: attributes})
	if err != nil {
		if t.loopback() && refusesConnection(err) {
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

// exported returns the digest of the exported image.
func exported(response map[string]string) (v1.Hash, error) {
	digest, err := v1.NewHash(response["containerimage.digest"])
	if err != nil {
		return v1.Hash{}, fmt.Errorf("BuildKit did not return the digest of the image: %w", err)
	}
	return digest, nil
}

// imageAttributes returns the attributes of an exporter, with which equal content has equal
// bytes. They are documented in docs/attestations and README ("Output") of BuildKit.
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

// frontendAttributes returns the attributes of the Dockerfile frontend. They are documented
// in docs/reference/buildctl.md and frontend/dockerfile of BuildKit.
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

// solve runs a build and its export. If a function that BuildKit calls panics, the build
// ends, and solve returns the panic as its error.
func (b *Builder) solve(ctx context.Context, s Spec, o Output, export client.ExportEntry, w *watcher, services []session.Attachable) (*client.SolveResponse, error) {
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("read the tree: %w", err)
	}
	defer root.Close()
	files := newTree(root)
	files.git, files.hidden = s.Git, s.Hidden
	ctx, end := panics.WithCancelOnPanic(ctx)
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
	if fault := panics.Cause(ctx); fault != nil {
		return nil, fault // BuildKit's error has fewer details
	}
	return response, err
}

// run runs a build until it ends, ctx is done, or BuildKit no longer responds.
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
		defer func() { // Solve must never block on sending a status
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
	case silent := <-b.watchHealth(listening, c):
		_ = c.Close()
		err = errors.Join(silent, <-solved)
	case <-ctx.Done():
		select {
		case err = <-solved:
		case <-time.After(cancelWait):
			_ = c.Close()
			err = errors.Join(ctx.Err(), <-solved)
		}
	}
	if fault := new(panics.Error); !errors.As(err, &fault) {
		watching.Wait()
	}
	return response, err
}

// sharedKey returns the key by which BuildKit compares the tree with the one that it
// received last time, so that only changed files are sent.
func sharedKey(s Spec) string {
	dir, err := filepath.Abs(s.Dir)
	if err != nil {
		dir = s.Dir
	}
	sum := sha256.Sum256([]byte("slipway\x00" + dir))
	return hex.EncodeToString(sum[:])
}

// newTarget parses the repository and the tags of the output.
func newTarget(s Spec, o Output) (*target, error) {
	var options []name.Option
	if o.PlainHTTP {
		options = append(options, name.Insecure)
	}
	repository, err := name.NewRepository(o.Repository, options...)
	if err != nil {
		return nil, s.refuse("", "%q is not a valid repository: %v", o.Repository, err)
	}
	for _, tag := range o.Tags {
		if _, err := name.NewTag(o.Repository+":"+tag, options...); err != nil {
			return nil, s.refuse("", "%q is not a valid tag: %v", tag, err)
		}
	}
	return &target{repository: repository, tags: o.Tags, plainHTTP: o.PlainHTTP, keychain: o.Keychain, transport: o.Transport}, nil
}

// refusesConnection reports whether BuildKit could not connect to the registry. BuildKit
// is another process: the error of its system call arrives over gRPC as a text, without a
// code or a detail of its own.
func refusesConnection(err error) bool { return strings.Contains(err.Error(), "connection refused") }
