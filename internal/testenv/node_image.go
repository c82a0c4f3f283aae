package testenv

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// image imports PodImage, and the pause image, into the node's containerd.
func (n *node) image() {
	n.Helper()
	program := n.path("pod")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "./internal/testenv/pod")
	build.Dir, build.Env = Root(n.TB), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		n.Fatalf("build the pods' program: %v\n%s", err, out)
	}
	image, err := podImage(program)
	if err != nil {
		n.Fatal(err)
	}
	images := map[name.Tag]v1.Image{}
	for _, reference := range []string{PodImage, "slipway.test/pause:1"} {
		tag, err := name.NewTag(reference)
		if err != nil {
			n.Fatal(err)
		}
		images[tag] = image
	}
	if err := tarball.MultiWriteToFile(n.path("images.tar"), images); err != nil {
		n.Fatal(err)
	}
	until(n.TB, n.path("containerd.log"), time.Minute, "containerd", func() bool {
		return exec.Command("ctr", "--address", n.path("containerd.sock"), "version").Run() == nil
	})
	n.output("ctr", "--address", n.path("containerd.sock"), "--namespace", "k8s.io", "images", "import", n.path("images.tar"))
}

// podImage returns an image whose only file is the given program.
func podImage(program string) (v1.Image, error) {
	content, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	var files bytes.Buffer
	archive := tar.NewWriter(&files)
	headed := archive.WriteHeader(&tar.Header{Name: "pod", Mode: 0o755, Size: int64(len(content))})
	_, written := archive.Write(content)
	if err := errors.Join(headed, written, archive.Close()); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files.Bytes())), nil })
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(image, &v1.ConfigFile{
		OS: "linux", Architecture: runtime.GOARCH, RootFS: v1.RootFS{Type: "layers", DiffIDs: diffIDs(layer)},
		Config: v1.Config{Entrypoint: []string{"/pod"}, Cmd: []string{"pause"}},
	})
}

func diffIDs(layer v1.Layer) []v1.Hash {
	id, err := layer.DiffID()
	if err != nil {
		return nil
	}
	return []v1.Hash{id}
}
