package testenv

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// library matches a line of ldd's output that has a path. The group is the path.
var library = regexp.MustCompile(`(?m)^\s*(?:\S+ => )?(/\S+) \(0x`)

// Programs pushes an image with programs of this machine, the libraries that they are
// linked with, and busybox as its shell.
func Programs(t testing.TB, reference string, programs ...string) {
	t.Helper()
	to, err := name.ParseReference(reference, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{} // path in the image -> path on this machine
	for _, program := range append([]string{"busybox"}, programs...) {
		path, err := exec.LookPath(program)
		if err != nil {
			missing(t, program)
		}
		files[path] = path
		linked, _ := exec.Command("ldd", path).Output() // fails for a static program
		for _, found := range library.FindAllStringSubmatch(string(linked), -1) {
			files[found[1]] = found[1]
		}
		if program == "busybox" {
			for _, applet := range strings.Fields("sh cat echo ls mkdir rm test") {
				files["/bin/"+applet] = path
			}
		}
	}
	var b bytes.Buffer
	archive := tar.NewWriter(&b)
	for at, from := range files {
		text, err := os.ReadFile(from)
		if err == nil {
			err = archive.WriteHeader(&tar.Header{Name: strings.TrimPrefix(at, "/"), Mode: 0o755, Size: int64(len(text))})
		}
		if err == nil {
			_, err = archive.Write(text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config.Env = "linux", "amd64", []string{"PATH=/usr/local/bin:/usr/bin:/bin"}
	if image, err = mutate.ConfigFile(image, config); err == nil {
		err = remote.Write(to, image)
	}
	if err != nil {
		t.Fatal(err)
	}
}
