package testenv

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Crane is a Contender that does what a script without a container engine would do. tar
// makes one layer of the directories site and src in dir. crane appends it to an empty
// image and pushes that under a new tag of repository each time.
func Crane(b *testing.B, dir, repository string, prepare func(testing.TB)) Contender {
	b.Helper()
	binary := CraneBinary(b)
	layer := filepath.Join(b.TempDir(), "layer.tar")
	n := 0
	return Contender{
		Name:    "tar and crane append",
		Prepare: prepare,
		Run: func(tb testing.TB) int64 {
			n++
			if out, err := exec.Command("tar", "-C", dir, "-cf", layer, "site", "src").CombinedOutput(); err != nil {
				tb.Fatalf("%v\n%s", err, out)
			}
			command := exec.Command(binary, "append", "--insecure", "-f", layer, "-t", fmt.Sprintf("%s:v%d", repository, n))
			if out, err := command.CombinedOutput(); err != nil {
				tb.Fatalf("%v\n%s", err, out)
			}
			return Peak(command.ProcessState)
		},
	}
}

// CraneBinary compiles crane from the module that slipway itself uses, and returns its
// path.
func CraneBinary(b *testing.B) string {
	b.Helper()
	binary := filepath.Join(b.TempDir(), "crane")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/google/go-containerregistry/cmd/crane").CombinedOutput(); err != nil {
		b.Fatalf("build crane: %v\n%s", err, out)
	}
	return binary
}

// uvVersion is the version of uv that is installed for comparison if there is none on the
// PATH.
const uvVersion = "0.13.9"

// UV returns the path of uv. If it is not on the PATH, it is installed with pip below
// .cache and kept there.
func UV(b *testing.B) string {
	b.Helper()
	if found, err := exec.LookPath("uv"); err == nil {
		return found
	}
	dir := filepath.Join(Root(b), ".cache", "bench", "uv-"+uvVersion)
	binary := filepath.Join(dir, "bin", "uv")
	if _, err := os.Stat(binary); err == nil {
		return binary
	}
	if out, err := exec.Command("python3", "-m", "pip", "install", "--quiet", "--only-binary=:all:", "--target", dir, "uv=="+uvVersion).CombinedOutput(); err != nil {
		b.Skipf("uv cannot be installed: %v\n%s", err, out)
	}
	return binary
}

// Buildah returns a Contender that builds a Dockerfile in dir with buildah and pushes the
// image. It returns none if buildah is not installed or the user is not root.
func Buildah(b *testing.B, dir, dockerfile, repository string, prepare func(testing.TB)) []Contender {
	b.Helper()
	binary, err := exec.LookPath("buildah")
	if err != nil || os.Geteuid() != 0 {
		b.Log("buildah is not here, or needs root: it is left out")
		return nil
	}
	root := b.TempDir()
	buildah := func(args ...string) *exec.Cmd {
		return exec.Command(binary, append([]string{"--root", filepath.Join(root, "root"), "--runroot", filepath.Join(root, "run"), "--storage-driver", "overlay"}, args...)...)
	}
	b.Cleanup(func() { _ = buildah("rmi", "--all", "--force").Run() })
	run := func(tb testing.TB) int64 {
		used := int64(0)
		for _, args := range [][]string{
			{"bud", "--quiet", "--isolation", "chroot", "--layers", "--file", filepath.Join(dir, dockerfile), "--tag", repository, dir},
			{"push", "--quiet", "--tls-verify=false", repository, "docker://" + repository + ":v1"},
		} {
			command := buildah(args...)
			if out, err := command.CombinedOutput(); err != nil {
				tb.Fatalf("buildah %s: %v\n%s", args[0], err, out)
			}
			used = max(used, Peak(command.ProcessState))
		}
		return used
	}
	run(b)
	return []Contender{{Name: "buildah, " + dockerfile, Prepare: prepare, Run: run}}
}

// Rclone returns the path of rclone, which Debian has as a package. Without it, the benchmark is skipped.
func Rclone(b *testing.B) string {
	b.Helper()
	found, err := exec.LookPath("rclone")
	if err != nil {
		b.Skip("rclone is not here: install the package rclone")
	}
	return found
}
