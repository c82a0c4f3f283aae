package testenv

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// BusyboxImage is an image on the node with busybox, if this machine has busybox.
const BusyboxImage = "slipway.test/busybox:1"

// applets are the programs of BusyboxImage.
const applets = "sh sleep tar find stat sha256sum readlink cat mkdir mv rm grep ls sync"

// image imports PodImage, BusyboxImage and the pause image into the node's containerd.
func (n *node) image() {
	n.Helper()
	program := n.path("pod")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "./internal/testenv/pod")
	build.Dir, build.Env = Root(n.TB), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		n.Fatalf("build the pods' program: %v\n%s", err, out)
	}
	images := map[name.Tag]v1.Image{}
	add := func(program, path string, links []string, references ...string) {
		image, err := podImage(program, path, links)
		if err != nil {
			n.Fatal(err)
		}
		for _, reference := range references {
			tag, err := name.NewTag(reference)
			if err != nil {
				n.Fatal(err)
			}
			images[tag] = image
		}
	}
	add(program, "pod", nil, PodImage, "slipway.test/pause:1")
	if busybox, err := exec.LookPath("busybox"); err == nil {
		add(busybox, "bin/busybox", strings.Fields(applets), BusyboxImage)
	}
	if err := tarball.MultiWriteToFile(n.path("images.tar"), images); err != nil {
		n.Fatal(err)
	}
	until(n.TB, n.path("containerd.log"), time.Minute, "containerd", func() bool {
		return exec.Command("ctr", "--address", n.path("containerd.sock"), "version").Run() == nil
	})
	n.output("ctr", "--address", n.path("containerd.sock"), "--namespace", "k8s.io", "images", "import", n.path("images.tar"))
}

// podImage returns an image whose only file is the given program, with links to it beside it.
func podImage(program, path string, links []string) (v1.Image, error) {
	content, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	var files bytes.Buffer
	archive := tar.NewWriter(&files)
	headed := archive.WriteHeader(&tar.Header{Name: path, Mode: 0o755, Size: int64(len(content))})
	_, written := archive.Write(content)
	for _, link := range links {
		written = errors.Join(written, archive.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: filepath.Join(filepath.Dir(path), link), Linkname: filepath.Base(path)}))
	}
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
		Config: v1.Config{Entrypoint: []string{"/" + path}, Cmd: []string{"pause"}, Env: []string{"PATH=/bin"}},
	})
}

func diffIDs(layer v1.Layer) []v1.Hash {
	id, err := layer.DiffID()
	if err != nil {
		return nil
	}
	return []v1.Hash{id}
}
