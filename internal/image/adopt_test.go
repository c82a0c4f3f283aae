package image

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/registry/registrytest"
)

// testAdopt checks that images that another builder has pushed by digest, as BuildKit does,
// become images of slipway: annotated and attested before they have a tag, and one image
// whatever the commit.
func testAdopt(t *testing.T, f *registrytest.Faults, r *registry.Client) {
	f.InterceptWith(nil)
	platform := v1.Platform{OS: "linux", Architecture: "arm64"}
	made := func(platform v1.Platform) v1.Image {
		image := mutate.ConfigMediaType(mutate.MediaType(baseImage(t, platform), types.OCIManifestSchema1), types.OCIConfigJSON)
		annotated, _ := mutate.Annotations(image, map[string]string{"builder": "told"}).(v1.Image)
		return annotated
	}
	image, unknown := made(platform), v1.Platform{OS: "unknown", Architecture: "unknown"}
	index := mutate.IndexMediaType(mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &platform}},
		mutate.IndexAddendum{Add: made(unknown), Descriptor: v1.Descriptor{Platform: &unknown}}), types.OCIImageIndex)
	repository, err := r.Reference("team/adopted")
	must(t, err)
	at := func(digest v1.Hash, err error) (name.Digest, v1.Hash) {
		must(t, err)
		return repository.Digest(digest.String()), digest
	}
	one, oneDigest := at(image.Digest())
	must(t, remote.Write(one, image, options(t, r)...))
	many, manyDigest := at(index.Digest())
	must(t, remote.WriteIndex(many, index, options(t, r)...))

	third := made(platform)
	other, otherDigest := at(third.Digest())
	must(t, remote.Write(other, third, options(t, r)...))

	s := Spec{Name: "team/adopted", Platforms: []v1.Platform{platform}, Source: "https://git.example.com/a"}
	var told []Subject
	var turn sync.Mutex
	attest := func(s Subject) ([]registry.Artifact, error) {
		turn.Lock()
		defer turn.Unlock()
		told = append(told, s)
		text, err := json.Marshal(s)
		return []registry.Artifact{{Type: "application/spdx+json", Document: text}}, err
	}
	for what, built := range map[string]v1.Hash{"image": oneDigest, "index": manyDigest} {
		told = nil
		f.InterceptWith(nil)
		adopted, err := Adopt(t.Context(), r, s, built, []string{what}, attest, nil)
		must(t, err)
		if adopted.Found || adopted.BytesTotal < 4000 || adopted.Layers != 2 {
			t.Errorf("%s: %+v", what, adopted)
		}
		requests, _ := f.Log()
		for _, request := range requests[len(requests)-2:] {
			if !strings.HasPrefix(request, "PUT ") || !strings.Contains(request, "/manifests/"+what) && !strings.Contains(request, "/manifests/inputs-") {
				t.Errorf("%s: the tags are not what comes last: %v", what, requests)
			}
		}
		there, err := remote.Get(adopted.Reference, options(t, r)...)
		must(t, err)
		must(t, whole(there))
		var manifest struct{ Annotations map[string]string }
		must(t, json.Unmarshal(there.Manifest, &manifest))
		want := map[string]string{
			"org.opencontainers.image.source": s.Source, "org.opencontainers.image.title": "adopted", annotationInputs: manifest.Annotations[annotationInputs],
		}
		if what == "image" {
			want["builder"] = "told"
		}
		if diff := cmp.Diff(want, manifest.Annotations); diff != "" {
			t.Error(what, diff)
		}
		last := told[len(told)-1]
		if last.Digest != adopted.Reference.DigestStr() || (len(last.Variants) == 1) != (what == "index") || (last.Platform == "linux/arm64") != (what == "image") || len(told) != 1+len(last.Variants) {
			t.Errorf("%s: asked about %+v", what, told)
		}
		referrers, err := remote.Referrers(adopted.Reference, options(t, r)...)
		must(t, err)
		if manifest, err := referrers.IndexManifest(); err != nil || len(manifest.Manifests) != 1 {
			t.Errorf("%s has the referrers %+v, %v", what, manifest, err)
		}

		// Another commit of the same content finds the image.
		told = nil
		f.InterceptWith(nil)
		again, err := Adopt(t.Context(), r, s, built, []string{what}, attest, nil)
		must(t, err)
		if requests, _ := f.Log(); !again.Found || !again.UpToDate || again.Reference != adopted.Reference || len(told) > 0 || len(requests) > 3 {
			t.Errorf("%s: %+v by %v", what, again, requests)
		}
		moved, err := Adopt(t.Context(), r, s, built, []string{what, "v2-" + what}, attest, nil)
		must(t, err)
		if !moved.Found || moved.UpToDate || moved.Reference != adopted.Reference {
			t.Errorf("%s: %+v", what, moved)
		}
	}
	testAdoptedChanges(t, r, s, oneDigest)
	if _, err := Adopt(t.Context(), r, s, v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}, nil, attest, nil); err == nil || !strings.Contains(err.Error(), "was not found in the registry") {
		t.Error(err)
	}
	f.InterceptWith(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost && (r.Method != http.MethodPut || strings.Contains(r.URL.Path, "/blobs/")) {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	})
	_, err = Adopt(t.Context(), r, s, otherDigest, []string{"never"}, attest, nil)
	f.InterceptWith(nil)
	if tagged, askErr := r.Tagged(t.Context(), s.Name, "never"); err == nil || askErr != nil || tagged != nil {
		t.Errorf("what cannot be attested is adopted: %v, %v, %v", err, tagged, askErr)
	}
}

// testAdoptedChanges checks that planning and adopting an image report what changed,
// including for an image whose ingredients are the same but whose digest differs.
func testAdoptedChanges(t *testing.T, r *registry.Client, s Spec, built v1.Hash) {
	t.Helper()
	for n, c := range []struct {
		made          Ingredients
		planned, told []string
	}{
		{Ingredients{Base: "a@1", Files: map[string]string{"Dockerfile": "1"}}, nil, nil},
		{Ingredients{Base: "a@2", Files: map[string]string{"Dockerfile": "2", "a.py": "1"}}, []string{"Dockerfile", "a.py (new)"}, []string{"the base", "Dockerfile", "a.py (new)"}},
		{Ingredients{Base: "a@2", Files: map[string]string{"Dockerfile": "2", "a.py": "1"}}, nil, []string{"the output of its steps for the same files"}},
	} {
		s.Source = fmt.Sprint("https://git.example.com/changed/", n) // another image with the same content
		planned, err := Changes(t.Context(), r, s, c.made)
		must(t, err)
		adopted, err := Adopt(t.Context(), r, s, built, []string{"changed"}, nil, func() (Ingredients, error) { return c.made, nil })
		must(t, err)
		if diff := cmp.Diff(c.planned, planned) + cmp.Diff(c.told, adopted.Changed); diff != "" {
			t.Errorf("%d: %s", n, diff)
		}
	}
}
