package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/registry/registrytest"
)

func testPushesOnce(t *testing.T, f *registrytest.Faults, r *registry.Client, i *Image) {
	planned, err := Plan(t.Context(), r, i.Recipe, nil)
	if err != nil || planned.UpToDate || planned.Reference.DigestStr() != i.Digest.String() || planned.Size != i.Size {
		t.Errorf("planned before the push: %+v, %v", planned, err)
	}
	i.ledger = openLedger(t.TempDir())
	f.InterceptWith(nil)
	var seen []registry.Progress
	pushed, err := Push(t.Context(), r, i.Recipe, []string{"v1", "latest", "v1"}, func(p registry.Progress) { seen = append(seen, p) })
	must(t, err)
	requests, received := f.Log()
	if pushed.UpToDate || pushed.BytesTotal != i.Size || pushed.BytesSent != received || pushed.Layers != i.Layers {
		t.Errorf("%+v; the registry received %d bytes of %d", pushed, received, i.Size)
	}
	if want := r.Prefix + "/" + i.Name + "@" + i.Digest.String(); pushed.Reference.String() != want {
		t.Errorf("reference %s; want %s", pushed.Reference, want)
	}
	if last := seen[len(seen)-1]; last.Layers != i.Layers || last.Total != i.Layers || last.Bytes != last.BytesTotal || last.Bytes == 0 {
		t.Errorf("the last progress is %+v of %d", last, i.Size)
	}
	if !slices.IsSortedFunc(seen, func(a, b registry.Progress) int { return a.Layers - b.Layers }) {
		t.Errorf("progress goes back: %+v", seen)
	}
	wantOrder(t, requests)
	if diff := cmp.Diff([]string{"latest", "v1"}, wantComplete(t, r, i)); diff != "" {
		t.Error(diff)
	}

	f.InterceptWith(nil)
	again := pushAll(t, r, i, "v1", "latest")
	requests, received = f.Log()
	if !again.UpToDate || again.BytesSent != 0 || received != 0 || again.Reference.String() != pushed.Reference.String() || again.BytesTotal != i.Size {
		t.Errorf("%+v; the registry received %d bytes", again, received)
	}
	for _, request := range requests {
		if !strings.HasPrefix(request, "HEAD ") && !strings.HasPrefix(request, "GET ") {
			t.Errorf("what is up to date is changed by %s", request)
		}
	}
	if len(requests) > 4 { // the credentials, the image, and each tag
		t.Errorf("%d requests for what is up to date: %v", len(requests), requests)
	}
	planned, err = Plan(t.Context(), r, i.Recipe, []string{"v1", "v2", "latest"})
	if err != nil || !planned.UpToDate || planned.Reference != pushed.Reference || !slices.Equal(planned.MissingTags, []string{"v2"}) {
		t.Errorf("planned after the push: %+v, %v", planned, err)
	}
}

// wantOrder checks that blobs are sent before manifests.
func wantOrder(t *testing.T, requests []string) {
	t.Helper()
	var order []string
	for _, request := range requests {
		kind := ""
		switch {
		case strings.HasPrefix(request, "PUT ") && strings.Contains(request, "/manifests/"):
			kind = "manifest"
		case strings.HasPrefix(request, "PUT "):
			kind = "blob"
		}
		if kind != "" && (len(order) == 0 || order[len(order)-1] != kind) {
			order = append(order, kind)
		}
	}
	if diff := cmp.Diff([]string{"blob", "manifest"}, order); diff != "" {
		t.Errorf("order: %s", diff)
	}
}

// A runner that has only the tree and the registry sends one layer after one file has
// changed, in few requests, however many layers the base has.
func testIncrement(t *testing.T, f *registrytest.Faults, r *registry.Client) {
	f.InterceptWith(nil)
	base := put(t, r, "bases/many-layers", func(ref name.Reference) error {
		image, err := random.Image(512, 20)
		if err == nil {
			image, err = mutate.ConfigFile(image, withPlatform(t, image))
		}
		if err != nil {
			return err
		}
		return remote.Write(ref, image, options(t, r)...)
	})
	tree := many(200)
	for i := range 10 {
		tree[fmt.Sprintf("src/data%d.bin", i)] = strings.Repeat(fmt.Sprint(i), 1<<20)
	}
	prepared := func() *Recipe {
		s := filesSpec(tree.write(t), "src")
		s.Name, s.Base = "team/increment", base
		recipe, err := Prepare(t.Context(), s, r)
		must(t, err)
		return recipe
	}
	_, err := Push(t.Context(), r, prepared(), []string{"one"}, nil)
	must(t, err)
	tree["src/part3/file3.py"] = "print('new')\n"
	recipe := prepared()
	f.InterceptWith(nil)
	pushed, err := Push(t.Context(), r, recipe, []string{"two"}, nil)
	must(t, err)
	requests, received := f.Log()
	if pushed.Layers < 20+4 || received > pushed.BytesTotal/3+32<<10 || pushed.BytesSent != received {
		t.Errorf("%d bytes of %d are sent: %+v", received, pushed.BytesTotal, pushed)
	}
	// The requests are: credentials; the image and the last pushed image; of the base the
	// credentials, manifest and configuration; two each to begin and send the layer and the
	// configuration; three tags.
	if len(requests) > 13 {
		t.Errorf("%d requests: %s", len(requests), strings.Join(requests, "\n"))
	}
	there, err := remote.Image(pushed.Reference, options(t, r)...)
	must(t, err)
	must(t, validate.Image(there))
}

func withPlatform(t *testing.T, image v1.Image) *v1.ConfigFile {
	t.Helper()
	config, err := image.ConfigFile()
	must(t, err)
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	return config
}

// What has arrived is not sent again, whether the push is repeated after a failure or its
// manifest was refused for another reason.
func testInterruptedPushResumes(t *testing.T, f *registrytest.Faults, r *registry.Client) {
	tree := files{"model.bin": strings.Repeat("0123456789abcdef", registry.MemoryLimit/16+1), "small.txt": "small"}
	prepared := func(dir string) *Recipe {
		s := filesSpec(dir, "model.bin", "small.txt")
		s.Name = "team/arrived" + fmt.Sprint(len(dir))
		recipe, err := Prepare(t.Context(), s, r)
		must(t, err)
		return recipe
	}
	streams := func() (n int) {
		requests, _ := f.Log()
		for _, request := range requests {
			if strings.HasPrefix(request, "PATCH ") {
				n++
			}
		}
		return n
	}
	refusing := func(code int, body string, times int32) func(int, http.ResponseWriter, *http.Request) bool {
		var refused atomic.Int32
		return func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "/manifests/") || refused.Add(1) > times {
				return false
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
			return true
		}
	}
	dir := tree.write(t)
	f.InterceptWith(refusing(http.StatusForbidden, "", 100))
	if _, err := Push(t.Context(), r, prepared(dir), []string{"v1"}, nil); err == nil || streams() != 1 {
		t.Fatalf("%v after %d streams", err, streams())
	}
	f.InterceptWith(nil)
	pushed, err := Push(t.Context(), r, prepared(dir), []string{"v1"}, nil)
	must(t, err)
	if streams() > 0 || pushed.BytesSent > 16<<10 {
		t.Errorf("what has arrived is sent again: %+v", pushed)
	}
	other := (files{"a/b": "1", "model.bin": strings.Repeat("fedcba9876543210", registry.MemoryLimit/16+1), "small.txt": "small"}).write(t)
	f.InterceptWith(refusing(http.StatusBadRequest, `{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}`, 1))
	recipe := prepared(other)
	recipe.Name += "-again"
	if _, err := Push(t.Context(), r, recipe, []string{"v1"}, nil); err != nil || streams() != 1 {
		t.Errorf("%v after %d streams", err, streams())
	}
	f.InterceptWith(nil)
}

func testAdditionalTag(t *testing.T, f *registrytest.Faults, r *registry.Client, i *Image) {
	pushAll(t, r, i)
	f.InterceptWith(nil)
	pushed := pushAll(t, r, i, "v1")
	manifest, err := i.V1.RawManifest()
	must(t, err)
	if _, received := f.Log(); pushed.UpToDate || received != int64(len(manifest)) {
		t.Errorf("a tag costs %d bytes: %+v", received, pushed)
	}
	wantComplete(t, r, i)
}

func testSendsOnlyMissingBlobs(t *testing.T, f *registrytest.Faults, r *registry.Client, dir string, i *Image) {
	pushAll(t, r, i, "v1")
	spec := filesSpec(dir, "src")
	spec.Env = map[string]string{"A": "1"}
	recipe, err := Prepare(t.Context(), spec, r) // it has the same layers
	must(t, err)
	recipe.Name, recipe.ledger = i.Name, openLedger(t.TempDir())
	changed := &Image{Recipe: recipe}
	f.InterceptWith(nil)
	pushed := pushAll(t, r, changed, "v2")
	if _, received := f.Log(); received > 8<<10 || pushed.BytesSent != received {
		t.Errorf("a change of the configuration sends %d bytes: %+v", received, pushed)
	}
}

func testMount(t *testing.T, f *registrytest.Faults, r *registry.Client, dir string) {
	f.InterceptWith(nil)
	spec := filesSpec(dir, "src/part0/file0.py")
	spec.Base = pushBase(t, r, "bases/mounted", v1.Platform{OS: "linux", Architecture: "amd64"})
	spec.Name = "team/mounted"
	recipe, err := Prepare(t.Context(), spec, r)
	must(t, err)
	f.InterceptWith(nil)
	pushed, err := Push(t.Context(), r, recipe, []string{"v1"}, nil)
	must(t, err)
	there, err := remote.Image(pushed.Reference, options(t, r)...)
	must(t, err)
	made := &Image{Recipe: recipe, V1: there}
	made.Digest, err = there.Digest()
	must(t, err)
	base := layerDigests(t, made)[:2]
	requests, received := f.Log()
	if received > 8<<10 {
		t.Errorf("%d bytes are sent of a base that the registry has: %v", received, requests)
	}
	read := 0
	for _, request := range requests {
		if strings.HasPrefix(request, "GET ") && strings.Contains(request, base[0].Hex) {
			read++
		}
	}
	if read != 1 { // to read its file system
		t.Errorf("the base is read %d times: %v", read, requests)
	}
	wantComplete(t, r, made)
}

// What is attached to an image is found through the referrers API, or by the tag that
// replaces it, and is there before any tag.
func testAttestations(t *testing.T, f *registrytest.Faults, r *registry.Client, named func() *Image) {
	i := named()
	i.Attest = func(s Subject) ([]registry.Artifact, error) {
		if s.Digest != i.Digest.String() || !strings.HasSuffix(s.Repository, i.Name) || s.Inputs != i.Inputs {
			t.Errorf("asked about %+v", s)
		}
		return []registry.Artifact{{Type: "application/spdx+json", Document: []byte(`{"a":1}`)}, {Type: "application/vnd.in-toto+json", Document: []byte(`{"b":2}`)}}, nil
	}
	f.InterceptWith(nil)
	pushed := pushAll(t, r, i, "v1")
	wantComplete(t, r, i)
	index, err := remote.Referrers(pushed.Reference, options(t, r)...)
	must(t, err)
	manifest, err := index.IndexManifest()
	must(t, err)
	got := map[string]string{}
	for _, m := range manifest.Manifests {
		repository := pushed.Reference.Context()
		artifact, err := remote.Image(repository.Digest(m.Digest.String()), options(t, r)...)
		must(t, err)
		layers, err := artifact.Layers()
		must(t, err)
		body, err := layers[0].Compressed()
		must(t, err)
		text, err := io.ReadAll(body)
		must(t, errors.Join(err, body.Close()))
		raw, err := artifact.RawManifest() // the index of go-containerregistry states another type
		must(t, err)
		var told struct{ ArtifactType string }
		must(t, json.Unmarshal(raw, &told))
		got[told.ArtifactType] = string(text)
	}
	if diff := cmp.Diff(map[string]string{"application/spdx+json": `{"a":1}`, "application/vnd.in-toto+json": `{"b":2}`}, got); diff != "" {
		t.Error(diff)
	}
	listed, err := r.List(t.Context(), []string{i.Name})
	must(t, err)
	if len(listed) != 1 {
		t.Errorf("attestations are listed as images: %+v", listed)
	}
	f.InterceptWith(nil)
	if again := pushAll(t, r, i, "v1"); !again.UpToDate || again.BytesSent > 0 {
		t.Errorf("%+v", again)
	}
	refused := named()
	refused.Attest = func(Subject) ([]registry.Artifact, error) { return nil, errors.New("cannot say") }
	if _, err := Push(t.Context(), r, refused.Recipe, []string{"v1"}, nil); err == nil || !strings.Contains(err.Error(), "cannot say") {
		t.Errorf("%v", err)
	}
	if tags := wantComplete(t, r, refused); len(tags) > 0 {
		t.Errorf("tags %v without attestations", tags)
	}
}

func testConcurrentPushes(t *testing.T, f *registrytest.Faults, r *registry.Client, i *Image) {
	f.InterceptWith(nil)
	errs := make(chan error)
	for n := range 4 {
		go func() {
			_, err := Push(t.Context(), r, i.Recipe, []string{"v1", fmt.Sprint("n", n)}, nil)
			errs <- err
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff([]string{"n0", "n1", "n2", "n3", "v1"}, wantComplete(t, r, i)); diff != "" {
		t.Error(diff)
	}
}

func testList(t *testing.T, f *registrytest.Faults, r *registry.Client, dir string) {
	f.InterceptWith(nil)
	lister := *r
	lister.Prefix += "/listed"
	spec := filesSpec(dir, "src/part0")
	older := build(t, spec, nil)
	created := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	spec.Env = map[string]string{"A": "1"}
	newer := build(t, spec, nil)
	newer.Attest = func(Subject) ([]registry.Artifact, error) {
		return []registry.Artifact{{Type: "application/spdx+json", Document: []byte("{}"), Annotations: map[string]string{"org.opencontainers.image.created": created.Format(time.RFC3339)}}}, nil
	}
	pushAll(t, &lister, older, "v1")
	pushAll(t, &lister, newer, "v2", "latest")
	repository := lister.Prefix + "/train"
	want := []registry.Listed{
		{Repository: repository, Digest: newer.Digest.String(), Tags: []string{inputsTag(newer.Inputs), "latest", "v2"}, Size: newer.Size, Created: created},
		{Repository: repository, Digest: older.Digest.String(), Tags: []string{inputsTag(older.Inputs), "v1"}, Size: older.Size},
	}
	for what, names := range map[string][]string{"by name": {"train", "never-pushed"}, "all": nil} {
		got, err := lister.List(t.Context(), names)
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}

// Permanent errors are reported without a retry.
func TestPushToUnreachableRegistry(t *testing.T) {
	made, err := Prepare(t.Context(), filesSpec(files{"a": "1"}.write(t), "a"), nil)
	must(t, err)
	server := httptest.NewServer(nil)
	server.Close()
	_, err = Push(t.Context(), at127(server.URL), made, []string{"v1"}, nil)
	if err == nil || !strings.Contains(err.Error(), "connection refused") || !strings.Contains(err.Error(), "acme/ml/train") {
		t.Errorf("%v", err)
	}
	for tag, r := range map[string]*registry.Client{
		"bad tag": memory(t),
		"v1":      {Prefix: "https://gcr.io/acme"},
		"v2":      {Prefix: "Not/A Registry"},
	} {
		r.Pause = func(context.Context, time.Duration) error { return errors.New("it is tried again") }
		if _, err := Push(t.Context(), r, made, []string{tag}, nil); err == nil || strings.Contains(err.Error(), "tried again") {
			t.Errorf("%s: %v", tag, err)
		}
	}
}

func TestInputsTag(t *testing.T) {
	if got := inputsTag(strings.Repeat("ab", 32)); got != "inputs-abababababab" {
		t.Error(got)
	}
}
