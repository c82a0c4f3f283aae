package testbed

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

// library matches a line of ldd: what is linked, and where it was found.
var library = regexp.MustCompile(`(?m)^\s*(?:\S+ => )?(/\S+) \(0x`)

// Programs pushes an image that has programs of this machine with the libraries that
// they are linked with, beside a busybox that is its shell.
func Programs(t testing.TB, reference string, programs ...string) {
	t.Helper()
	to, err := name.ParseReference(reference, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{} // where they go, and where they are
	for _, program := range append([]string{"busybox"}, programs...) {
		path, err := exec.LookPath(program)
		if err != nil {
			missing(t, program)
		}
		files[path] = path
		linked, _ := exec.Command("ldd", path).Output() // it fails for one that is static
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
