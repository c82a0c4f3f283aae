package image

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/registry/registrytest"
)

// TestRegistryContract checks what Push promises with every registry. internal/registry has
// a contract of its own.
func TestRegistryContract(t *testing.T) {
	t.Parallel()
	registrytest.Each(t, func(t *testing.T, name string, h http.Handler) {
		reset := "src"
		if name == "docker-registry" {
			reset = "src/part0/file0.py" // a push takes ten times as long with this registry
		}
		contract(t, h, reset)
	})
}

// contract runs the suite. reset is the path of the tree whose image is pushed once for
// each request.
func contract(t *testing.T, h http.Handler, reset string) {
	f := &registrytest.Faults{Next: h}
	r := serve(t, f)
	dir := many(40).write(t)
	count := 0
	// fresh returns a function that returns the image under a name that the registry does
	// not know yet.
	fresh := func(made *Image) func() *Image {
		return func() *Image {
			count++
			one, recipe := *made, *made.Recipe
			recipe.Name, recipe.ledger = fmt.Sprintf("team/train%d", count), openLedger(t.TempDir())
			one.Recipe = &recipe
			return &one
		}
	}
	named := fresh(build(t, filesSpec(dir, "src"), r))
	t.Run("PushesOnce", func(t *testing.T) { testPushesOnce(t, f, r, named()) })
	t.Run("Increment", func(t *testing.T) { testIncrement(t, f, r) })
	t.Run("OneMoreTag", func(t *testing.T) { testAdditionalTag(t, f, r, named()) })
	t.Run("SendsWhatIsMissing", func(t *testing.T) { testSendsOnlyMissingBlobs(t, f, r, dir, named()) })
	t.Run("LostBlobIsSentAgain", func(t *testing.T) { testLostBlob(t, f, r, named()) })
	t.Run("BlobVanishesBeforeTheManifest", func(t *testing.T) { testBlobsVanish(t, f, r, named()) })
	t.Run("WhatHasArrivedStays", func(t *testing.T) { testInterruptedPushResumes(t, f, r) })
	t.Run("MountsTheBase", func(t *testing.T) { testMount(t, f, r, dir) })
	t.Run("KnowsNoHead", func(t *testing.T) { testWithoutHead(t, f, r, dir) })
	t.Run("ResetAtEachRequest", func(t *testing.T) { testResets(t, f, r, fresh(build(t, filesSpec(dir, reset), r))) })
	t.Run("Unreadable", func(t *testing.T) { testUnreadable(t, f, r, named()) })
	t.Run("Cancelled", func(t *testing.T) { testCancelled(t, f, r, named) })
	t.Run("ImmutableTag", func(t *testing.T) { testImmutable(t, f, r, named(), named()) })
	t.Run("Attestations", func(t *testing.T) { testAttestations(t, f, r, named) })
	t.Run("Changed", func(t *testing.T) { testChanged(t, f, r) })
	t.Run("Index", func(t *testing.T) { testIndex(t, f, r) })
	t.Run("Adopt", func(t *testing.T) { testAdopt(t, f, r) })
	t.Run("IndexResets", func(t *testing.T) { testIndexResets(t, f, r, dir) })
	t.Run("AtTheSameTime", func(t *testing.T) { testConcurrentPushes(t, f, r, named()) })
	t.Run("List", func(t *testing.T) { testList(t, f, r, dir) })
}

func pushAll(t *testing.T, r *registry.Client, i *Image, tags ...string) *Pushed {
	t.Helper()
	pushed, err := Push(t.Context(), r, i.Recipe, tags, nil)
	must(t, err)
	return pushed
}

// wantComplete checks that each tag points to a complete image, and returns the tags.
func wantComplete(t *testing.T, r *registry.Client, i *Image) []string {
	t.Helper()
	repository, err := r.Reference(i.Name)
	must(t, err)
	tags, err := remote.List(repository, options(t, r)...)
	if registry.Status(err) == http.StatusNotFound {
		return nil
	}
	must(t, err)
	// After an interrupted request, docker-registry lists a tag that has no manifest, or
	// one that cannot be read.
	tags = slices.DeleteFunc(tags, func(tag string) bool {
		_, err := remote.Get(repository.Tag(tag), options(t, r)...)
		return registry.Status(err) == http.StatusNotFound || registry.Status(err) == http.StatusInternalServerError || strings.HasPrefix(tag, "sha256-")
	})
	for _, tag := range tags {
		there, err := remote.Get(repository.Tag(tag), options(t, r)...)
		must(t, err)
		if err := whole(there); err != nil {
			t.Errorf("tag %s points to something incomplete: %v", tag, err)
		}
		if there.Digest != i.Digest && !strings.HasPrefix(tag, layersTagPrefix) {
			t.Errorf("tag %s points to %s; want %s", tag, there.Digest, i.Digest)
		}
	}
	tags = slices.DeleteFunc(tags, func(tag string) bool { return strings.HasPrefix(tag, "inputs-") || strings.HasPrefix(tag, "slipway-") })
	slices.Sort(tags)
	return tags
}

// whole reads all of an image or of an index.
func whole(there *remote.Descriptor) error {
	if there.MediaType.IsIndex() {
		index, err := there.ImageIndex()
		if err != nil {
			return err
		}
		return validate.Index(index)
	}
	image, err := there.Image()
	if err != nil {
		return err
	}
	return validate.Image(image)
}
