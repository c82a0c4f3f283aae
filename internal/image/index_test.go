package image

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/registry/registrytest"
	"github.com/slipway-ci/slipway/internal/testenv"
)

var both = []v1.Platform{{OS: "linux", Architecture: "arm64"}, {OS: "linux", Architecture: "amd64"}}

// indexSpec returns the spec of an image for two platforms, on a base that is an index.
func indexSpec(t *testing.T, r *registry.Client, name, dir string, files ...string) Spec {
	t.Helper()
	s := filesSpec(dir, files...)
	s.Name, s.Platforms, s.Base = name, both, pushIndex(t, r, "bases/"+strings.ReplaceAll(name, "/", "-"), "amd64", "arm64")
	return s
}

// readIndex returns the images of an index by platform.
func readIndex(t *testing.T, r *registry.Client, pushed *Pushed) map[string]v1.Image {
	t.Helper()
	there, err := remote.Get(pushed.Reference, options(t, r)...)
	must(t, err)
	must(t, whole(there))
	index, err := there.ImageIndex()
	must(t, err)
	manifest, err := index.IndexManifest()
	must(t, err)
	images := map[string]v1.Image{}
	for _, m := range manifest.Manifests {
		images[m.Platform.String()], err = index.Image(m.Digest)
		must(t, err)
	}
	return images
}

// An index has the images that its platforms would have separately. Shared layers are sent
// once, and unchanged layers are not sent at all.
func testIndex(t *testing.T, f *registrytest.Faults, r *registry.Client) {
	f.InterceptWith(nil)
	tree := many(20)
	tree["src/model.bin"] = strings.Repeat("weights ", 1<<18)
	s := indexSpec(t, r, "team/index", tree.write(t), "src")
	prepare := func(s Spec) *Recipe {
		recipe, err := Prepare(t.Context(), s, r)
		must(t, err)
		return recipe
	}
	recipe := prepare(s)
	documents, turn := map[string]Subject{}, sync.Mutex{}
	recipe.Attest = func(s Subject) ([]registry.Artifact, error) {
		turn.Lock()
		defer turn.Unlock()
		documents[s.Digest] = s
		text, err := json.Marshal(s)
		return []registry.Artifact{{Type: "application/spdx+json", Document: text}}, err
	}
	planned, err := Plan(t.Context(), r, recipe, nil)
	must(t, err)
	f.InterceptWith(nil)
	pushed := pushAll(t, r, &Image{Recipe: recipe}, "v1")
	requests, received := f.Log()
	if planned.UpToDate || planned.Reference != pushed.Reference || planned.Size != pushed.BytesTotal || planned.Layers != pushed.Layers {
		t.Errorf("planned %+v, and pushed %+v", planned, pushed)
	}
	if received != pushed.BytesSent || received > pushed.BytesTotal*3/4+5000 {
		t.Errorf("the registry received %d bytes of %d; %d were sent", received, pushed.BytesTotal, pushed.BytesSent)
	}
	tags := slices.IndexFunc(requests, func(request string) bool {
		return strings.HasPrefix(request, "PUT ") && (strings.HasSuffix(request, "/manifests/v1") || strings.Contains(request, "/manifests/inputs-"))
	})
	if tags != len(requests)-2 {
		t.Errorf("tags come before all else is there: %s", strings.Join(requests, "\n"))
	}
	images := readIndex(t, r, pushed)
	want := &Image{Recipe: recipe}
	want.Digest, err = v1.NewHash(pushed.Reference.DigestStr())
	must(t, err)
	if diff := cmp.Diff([]string{"v1"}, wantComplete(t, r, want)); diff != "" {
		t.Error(diff)
	}

	subjects := []string{pushed.Reference.DigestStr()}
	for _, platform := range both {
		alone := s
		alone.Name, alone.Platforms = "team/alone-"+platform.Architecture+"/index", []v1.Platform{platform}
		one := build(t, alone, r)
		digest, err := images[platform.String()].Digest()
		must(t, err)
		if digest != one.Digest {
			t.Errorf("%s is %s, and %s by itself", platform, digest, one.Digest)
		}
		subjects = append(subjects, digest.String())
		config, err := images[platform.String()].ConfigFile()
		must(t, err)
		if config.Architecture != platform.Architecture {
			t.Errorf("%s is for %s", platform, config.Architecture)
		}
	}
	for _, digest := range subjects {
		told := documents[digest]
		if (told.Platform == "") != (digest == subjects[0]) || (len(told.Variants) == 2) != (digest == subjects[0]) || told.Base == "" {
			t.Errorf("asked about %s: %+v", digest, told)
		}
		index, err := remote.Referrers(pushed.Reference.Context().Digest(digest), options(t, r)...)
		must(t, err)
		if manifest, err := index.IndexManifest(); err != nil || len(manifest.Manifests) != 1 {
			t.Errorf("%s has the referrers %+v, %v", digest, manifest, err)
		}
	}

	f.InterceptWith(nil)
	again := pushAll(t, r, &Image{Recipe: prepare(s)}, "v1")
	requests, received = f.Log()
	if !again.UpToDate || again.Reference != pushed.Reference || again.BytesTotal != pushed.BytesTotal || again.Layers != pushed.Layers || received > 0 || len(requests) > 4+1 { // one more for the base
		t.Errorf("%+v by %d bytes and %v", again, received, requests)
	}
	if planned, err := Plan(t.Context(), r, prepare(s), nil); err != nil || !planned.UpToDate || planned.Reference != pushed.Reference || planned.Size != pushed.BytesTotal {
		t.Errorf("planned after the push: %+v, %v", planned, err)
	}
	tree["src/part3/file3.py"] = "print('new')\n"
	s.Dir = tree.write(t)
	slices.Reverse(s.Platforms)
	f.InterceptWith(nil)
	changed := pushAll(t, r, &Image{Recipe: prepare(s)}, "v2")
	if requests, received = f.Log(); changed.Found || received > 64<<10 || len(requests) > 30 {
		t.Errorf("one changed file: %d bytes of %+v by %d requests:\n%s", received, changed, len(requests), strings.Join(requests, "\n"))
	}
	testIndexElsewhere(t, f, r, s, pushed, changed)
}

// testIndexElsewhere checks that listing, retagging and verifying handle an index.
func testIndexElsewhere(t *testing.T, f *registrytest.Faults, r *registry.Client, s Spec, first, second *Pushed) {
	listed, err := r.List(t.Context(), []string{s.Name})
	must(t, err)
	if len(listed) != 2 || listed[0].Size != first.BytesTotal && listed[0].Size != second.BytesTotal {
		t.Errorf("listed are %+v", listed)
	}
	retagged, err := r.Retag(t.Context(), []string{s.Name}, "v2", "release", false)
	must(t, err)
	tagged, err := r.Tagged(t.Context(), s.Name, "release")
	must(t, err)
	if len(retagged) != 1 || retagged[0].Reference != second.Reference || tagged == nil || *tagged != second.Reference {
		t.Errorf("retagged are %+v, %v", retagged, tagged)
	}

	// With Verify, what the registry has lost is sent again: a layer, or an image of the
	// index.
	thorough := *r
	thorough.Verify = true
	images := readIndex(t, r, second)
	digest, err := images["linux/arm64"].Digest()
	must(t, err)
	layers, err := images["linux/arm64"].Layers()
	must(t, err)
	layer, err := layers[len(layers)-1].Digest()
	must(t, err)
	recipe, err := Prepare(t.Context(), s, r)
	must(t, err)
	lose(f, layer)
	if pushed := pushAll(t, &thorough, &Image{Recipe: recipe}, "v2"); pushed.Found || pushed.Reference != second.Reference {
		t.Errorf("the lost layer was not sent: %+v", pushed)
	}
	var asked atomic.Int32
	f.InterceptWith(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/manifests/"+digest.String()) {
			return false
		}
		asked.Add(1)
		w.WriteHeader(http.StatusNotFound)
		return true
	})
	if pushed := pushAll(t, &thorough, &Image{Recipe: recipe}, "v2"); pushed.Found || asked.Load() != 1 {
		t.Errorf("the lost image was not sent: %+v", pushed)
	}
	f.InterceptWith(nil)
	if pushed := pushAll(t, &thorough, &Image{Recipe: recipe}, "v2"); !pushed.UpToDate {
		t.Errorf("it is not up to date then: %+v", pushed)
	}
}

// No tag points to an index that lacks an image, wherever a push is interrupted.
func testIndexResets(t *testing.T, f *registrytest.Faults, r *registry.Client, dir string) {
	f.InterceptWith(nil)
	s := indexSpec(t, r, "team/reset", dir, "src/part0/file0.py")
	made, err := Prepare(t.Context(), s, r)
	must(t, err)
	count := 0
	fresh := func() *Image {
		count++
		one := *made
		one.Name = fmt.Sprintf("team/reset%d", count)
		one.parts = slices.Clone(made.parts)
		for n, part := range made.parts {
			copied := *part
			copied.Name, copied.ledger = one.Name, openLedger(t.TempDir())
			one.parts[n] = &copied
		}
		return &Image{Recipe: &one}
	}
	first := pushAll(t, r, fresh(), "v1")
	digest, err := v1.NewHash(first.Reference.DigestStr())
	must(t, err)
	f.InterceptWith(nil)
	pushAll(t, r, fresh(), "v1")
	requests, _ := f.Log()
	step := 1
	if !testenv.Thorough() {
		step = 5
	}
	for k := 1; k <= len(requests)+1; k += step {
		down := fresh()
		f.InterceptWith(func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n >= k {
				registrytest.Reset(w, r)
			}
			return n >= k
		})
		_, err := Push(t.Context(), r, down.Recipe, []string{"v1"}, nil)
		f.InterceptWith(nil)
		down.Digest = digest
		if tags := wantComplete(t, r, down); err == nil && len(tags) != 1 {
			t.Errorf("resets from request %d on: no error, and tags %v", k, tags)
		}
		pushAll(t, r, down, "v1")
		if diff := cmp.Diff([]string{"v1"}, wantComplete(t, r, down)); diff != "" {
			t.Errorf("after resets from request %d on: %s", k, diff)
		}
	}
}
