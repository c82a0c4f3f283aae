package registry

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/slipway-ci/slipway/internal/registry/registrytest"
)

// Google's registries list, with a repository's tags, its children and the size and age of
// each image, so one request per repository is enough, nested repositories included. The
// responses have the format that Artifact Registry uses for both gcr.io and pkg.dev.
func TestListLikeGoogle(t *testing.T) {
	digest := func(c string) string { return "sha256:" + strings.Repeat(c, 64) }
	answers := map[string]string{
		"/v2/acme/ml/tags/list": `{"child":["train","alice"],"manifest":{},"name":"acme/ml","tags":[]}`,
		"/v2/acme/ml/train/tags/list": fmt.Sprintf(`{"child":[],"name":"acme/ml/train","tags":["abc","v1","slipway-layers-linux-amd64"],"manifest":{
			%q:{"imageSizeBytes":"1234","mediaType":"application/vnd.oci.image.manifest.v1+json","tag":["v1","abc"],"timeCreatedMs":"1772600767000","timeUploadedMs":"1772600800000"},
			%q:{"imageSizeBytes":"99","tag":["slipway-layers-linux-amd64"],"timeCreatedMs":"0","timeUploadedMs":"1772600800000"},
			%q:{"imageSizeBytes":"5","tag":["sha256-%s.sbom"],"timeCreatedMs":"0","timeUploadedMs":"1772600800000"},
			%q:{"imageSizeBytes":"7","tag":[],"timeCreatedMs":"0","timeUploadedMs":"1772600800000"}}}`,
			digest("1"), digest("2"), digest("3"), strings.Repeat("1", 64), digest("4")),
		"/v2/acme/ml/alice/tags/list":     `{"child":["try"],"manifest":{},"name":"acme/ml/alice","tags":[]}`,
		"/v2/acme/ml/alice/try/tags/list": fmt.Sprintf(`{"child":[],"name":"x","tags":["now"],"manifest":{%q:{"imageSizeBytes":"8","tag":["now"],"timeCreatedMs":"0","timeUploadedMs":"1772600800000"}}}`, digest("5")),
	}
	f := &registrytest.Faults{Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		text, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(text))
	})}
	r := serve(t, f)
	r.Transport = CachePings(r.Transport)
	got, err := r.List(t.Context(), nil)
	must(t, err)
	uploaded := time.UnixMilli(1772600800000).UTC()
	want := []Listed{
		{Repository: r.Prefix + "/alice/try", Digest: digest("5"), Tags: []string{"now"}, Size: 8, Created: uploaded},
		{Repository: r.Prefix + "/train", Digest: digest("1"), Tags: []string{"abc", "v1"}, Size: 1234, Created: time.UnixMilli(1772600767000).UTC()},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if requests, _ := f.Log(); len(requests) != 1+len(answers) {
		t.Errorf("%d requests: %v", len(requests), requests)
	}
	named, err := r.List(t.Context(), []string{"train", "never"})
	must(t, err)
	if diff := cmp.Diff(want[1:], named); diff != "" {
		t.Error(diff)
	}
}

// The size of an index covers all its images.
func TestListIndex(t *testing.T) {
	r := serve(t, registrytest.InMemory())
	many, err := r.Reference("many")
	must(t, err)
	s := newSample(t)
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: s.Image}, mutate.IndexAddendum{Add: newSample(t).Image})
	must(t, remote.WriteIndex(many.Tag("1"), index, r.options(t.Context())...))
	one, err := s.push(t.Context(), r, "one", "1")
	must(t, err)
	listed, err := r.List(t.Context(), nil)
	must(t, err)
	if len(listed) != 2 || listed[0].Size < 2*listed[1].Size || one.Context().String() != listed[1].Repository {
		t.Errorf("%+v", listed)
	}
}
