package tasks

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestVerify checks that build --verify finds a blob that a real registry has lost, and
// uploads it again. A damaged blob is reported, because docker-registry does not accept it
// again until it is removed.
func TestVerify(t *testing.T) {
	host, storage := testenv.StoredRegistry(t)
	env, said, _ := laptopWith(t, map[string]string{
		"slipway.yaml": "project: p\nregistry: " + host + "/acme\nimages: {api: {files: [src]}}\n", "src/a.py": strings.Repeat("print(1)\n", 100),
	})
	build := func(verify bool) (string, error) {
		t.Helper()
		result, err := Build(t.Context(), env, BuildOptions{Verify: verify})
		if err != nil {
			return "", err
		}
		return string(result.Images[0].Action), nil
	}
	want := func(action string, verify bool) {
		t.Helper()
		if got, err := build(verify); err != nil || got != action {
			t.Fatalf("%s, %v; want %s", got, err, action)
		}
	}
	want("pushed", false)
	reference, err := name.ParseReference(host+"/acme/api:slipway-layers-linux-amd64", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	there, err := remote.Image(reference)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := there.Layers()
	if err != nil || len(layers) == 0 {
		t.Fatal(layers, err)
	}
	digest, err := layers[len(layers)-1].Digest()
	if err != nil {
		t.Fatal(err)
	}
	blob := filepath.Join(storage, "docker", "registry", "v2", "blobs", "sha256", digest.Hex[:2], digest.Hex, "data")

	if err := os.Remove(blob); err != nil {
		t.Fatal(err)
	}
	want("up-to-date", false)
	want("pushed", true)
	if err := validate.Image(there); err != nil {
		t.Error(err)
	}
	want("up-to-date", true)

	if err := os.Truncate(blob, 10); err != nil {
		t.Fatal(err)
	}
	_, err = build(true)
	var damaged *registry.DamagedError
	if !errors.As(err, &damaged) || damaged.Has != 10 || !strings.Contains(err.Error(), "remove the blob from its storage") {
		t.Errorf("%v", err)
	}
	if !strings.Contains(said.String(), "the registry has only 10 of the ") {
		t.Errorf("it is not told: %s", said.String())
	}
	if err := os.Remove(blob); err != nil {
		t.Fatal(err)
	}
	want("pushed", true)
	want("up-to-date", true)
	if err := validate.Image(there); err != nil {
		t.Error(err)
	}
}
