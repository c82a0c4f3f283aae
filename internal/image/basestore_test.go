package image

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	ggcr "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/registry/registrytest"
)

// diskBase writes a base for two platforms to a layout in dir.
func diskBase(t *testing.T, dir string) v1.ImageIndex {
	t.Helper()
	var index v1.ImageIndex = empty.Index
	for _, p := range both {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: baseImage(t, p), Descriptor: v1.Descriptor{Platform: &p}})
	}
	to, err := ggcr.Write(dir, empty.Index)
	must(t, err)
	must(t, to.AppendIndex(index))
	return index
}

// An image on a base on disk has the layers of that base, for each platform, and is the same
// wherever the base is.
func TestBaseOnDisk(t *testing.T) {
	t.Parallel()
	r := memory(t)
	tree := files{"a.py": "1"}.write(t)
	index := diskBase(t, filepath.Join(tree, "bases", "python"))
	s := filesSpec(tree, "a.py")
	s.Base, s.Platforms = "oci:bases/python", both
	made := pushSpec(t, s, r)
	for platform, image := range readIndex(t, r, made) {
		below, err := v1.ParsePlatform(platform)
		must(t, err)
		want, err := imageFor(index, *below)
		must(t, err)
		if diff := cmp.Diff(layersOf(t, want), layersOf(t, image)[:2]); diff != "" {
			t.Errorf("%s: %s", platform, diff)
		}
		manifest, err := image.Manifest()
		must(t, err)
		digest, err := index.Digest()
		must(t, err)
		if a := manifest.Annotations; a["org.opencontainers.image.base.digest"] != digest.String() || a["org.opencontainers.image.base.name"] != "" {
			t.Errorf("the annotations are %v", a)
		}
	}
	if recipe, err := Prepare(t.Context(), s, r); err != nil || !strings.HasPrefix(recipe.base.String(), "python@sha256:") {
		t.Errorf("attestations name the base %s, %v", recipe.base, err)
	}
	elsewhere := filepath.Join(t.TempDir(), "copy")
	must(t, os.CopyFS(elsewhere, os.DirFS(filepath.Join(tree, "bases", "python"))))
	s.Base = "oci:" + elsewhere
	if again := pushSpec(t, s, r); !again.UpToDate || again.Reference != made.Reference {
		t.Errorf("elsewhere it is %+v", again)
	}
	diskBase(t, elsewhere) // another base
	if again := pushSpec(t, s, r); again.UpToDate || again.Reference == made.Reference {
		t.Errorf("on another base it is %+v", again)
	}
}

// The archive of docker save is a base, too.
func TestBaseInArchive(t *testing.T) {
	t.Parallel()
	r := memory(t)
	tree := files{"a.py": "1"}.write(t)
	below := baseImage(t, v1.Platform{OS: "linux", Architecture: "amd64"})
	tag, err := name.NewTag("base:1")
	must(t, err)
	must(t, tarball.WriteToFile(filepath.Join(tree, "base.tar"), tag, below))
	s := filesSpec(tree, "a.py")
	s.Base = "archive:base.tar"
	made := build(t, s, r)
	if diff := cmp.Diff(layersOf(t, below), layersOf(t, made.V1)[:2]); diff != "" {
		t.Error(diff)
	}
}

// An image whose base is damaged, or is for another platform, is not made.
func TestBaseOnDiskRefused(t *testing.T) {
	t.Parallel()
	tree := files{"a.py": "1"}.write(t)
	s := filesSpec(tree, "a.py")
	s.Base = "oci:base"
	prepared := func(change func(dir string)) string {
		dir := filepath.Join(tree, "base")
		must(t, os.RemoveAll(dir))
		index := diskBase(t, dir)
		image, err := imageFor(index, v1.Platform{OS: "linux", Architecture: "amd64"})
		must(t, err)
		manifest, err := image.Manifest()
		must(t, err)
		layer := filepath.Join(dir, "blobs", "sha256", manifest.Layers[0].Digest.Hex)
		change(layer)
		f := &registrytest.Faults{Next: registrytest.InMemory()}
		r := serve(t, f)
		recipe, err := Prepare(t.Context(), s, r)
		if err == nil {
			_, err = Push(t.Context(), r, recipe, []string{"1"}, nil)
		}
		requests, _ := f.Log()
		if slices.ContainsFunc(requests, func(request string) bool {
			return strings.HasPrefix(request, "PUT") && strings.Contains(request, "/manifests/")
		}) {
			t.Errorf("a manifest was written: %v", err)
		}
		if err == nil {
			return ""
		}
		return err.Error()
	}
	for want, change := range map[string]func(layer string){
		"is damaged: the content of": func(layer string) { damage(t, layer) },
		"bytes instead of":           func(layer string) { must(t, os.WriteFile(layer, []byte("x"), 0o644)) },
		"lacks the blob":             func(layer string) { must(t, os.Remove(layer)) },
	} {
		if got := prepared(change); !strings.Contains(got, want) || !strings.Contains(got, "image train: the base oci:base ") || strings.Contains(got, "127.0.0.1") {
			t.Errorf("want %q, got %s", want, got)
		}
	}
	s.Platforms = []v1.Platform{{OS: "linux", Architecture: "s390x"}}
	if got := prepared(func(string) {}); !strings.Contains(got, "has no image for the platform linux/s390x, only for linux/arm64, linux/amd64") {
		t.Error(got)
	}
	s.Base = "oci:none"
	if err := Missing(s); err == nil || !strings.Contains(err.Error(), "the base oci:none does not exist") {
		t.Errorf("a base that does not exist: %v", err)
	}
}

// An image of the same slipway.yaml is a base by its digest, and is not named in the image.
func TestOwnBase(t *testing.T) {
	t.Parallel()
	r := memory(t)
	tree := files{"a.py": "1", "b.py": "2"}.write(t)
	lower := filesSpec(tree, "a.py")
	lower.Name = "team/lower"
	below := pushSpec(t, lower, r)
	there, err := remote.Image(below.Reference, options(t, r)...)
	must(t, err)
	upper := filesSpec(tree, "b.py")
	upper.Name, upper.Base, upper.OwnBase = "team/upper", "slipway://lower", &below.Reference
	made := build(t, upper, r)
	if diff := cmp.Diff(layersOf(t, there), layersOf(t, made.V1)[:1]); diff != "" {
		t.Error(diff)
	}
	manifest, err := made.V1.Manifest()
	must(t, err)
	if a := manifest.Annotations; a["org.opencontainers.image.base.digest"] != below.Reference.DigestStr() || a["org.opencontainers.image.base.name"] != "" {
		t.Errorf("the annotations are %v", a)
	}
}

// pushSpec pushes an image.
func pushSpec(t *testing.T, s Spec, r *registry.Client) *Pushed {
	t.Helper()
	recipe, err := Prepare(t.Context(), s, r)
	must(t, err)
	pushed, err := Push(t.Context(), r, recipe, nil, nil)
	must(t, err)
	return pushed
}

// imageFor returns the image of an index for a platform.
func imageFor(index v1.ImageIndex, platform v1.Platform) (v1.Image, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	chosen, _ := digestForPlatform(manifest, platform)
	return index.Image(*chosen)
}

// layersOf returns the diffIDs of an image's layers, as its configuration has them, after reading
// the layers.
func layersOf(t *testing.T, image v1.Image) []string {
	t.Helper()
	layers, err := image.Layers()
	must(t, err)
	var all []string
	for _, l := range layers {
		diffID, err := l.DiffID()
		must(t, err)
		content, err := l.Uncompressed()
		must(t, err)
		have, _, err := v1.SHA256(content)
		must(t, err)
		if have != diffID {
			t.Errorf("a layer has the diffID %s instead of %s", have, diffID)
		}
		all = append(all, diffID.String())
	}
	return all
}
