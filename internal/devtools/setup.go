package devtools

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"
)

// hauptVersion is the version of the Polyaxon server that tests use. It is under the
// AGPL, so it runs as a separate program and the tests use it over HTTP.
const hauptVersion = "2.18.0"

// spdxVersion and intotoVersion are the versions of the validators of attestations: the
// SPDX project's own tools, and the schemas of in-toto and SLSA.
const (
	spdxVersion   = "0.8.3"
	intotoVersion = "0.9.3"
)

// component is a real component that tests use.
type component struct {
	name string
	// stamp returns a text that changes when the component has to be made again. It is nil if the
	// component is installed on this machine rather than kept in the cache, which other machines may have too.
	stamp func() (string, error)
	make  func(context.Context, Options) error
}

// setUp makes the real components that the tests use, unless they are up to date. It logs
// the name of each one that cannot be made on this machine. The tests that need it are
// then skipped, or fail if CI is true. They are programs for Linux: elsewhere, setUp makes
// none.
func setUp(ctx context.Context, o Options) error {
	if runtime.GOOS != "linux" {
		_, _ = fmt.Fprintln(o.Log, "the real components are programs for Linux: tests that need one are skipped")
		return nil
	}
	if err := os.MkdirAll(cacheDir, 0o755); err != nil {
		return err
	}
	compiled := []component{
		{"kubetest (Kubernetes)", func() (string, error) { return hashTree("internal/testenv/kubetest") }, makeKubetest},
		{"kubectl and crane", func() (string, error) { return hashTree(kubectlModule) }, makeClients},
		{"helm (Helm's library)", func() (string, error) { return hashTree(helmModule) }, makeHelm},
		{"fake-gcs-server (Cloud Storage)", func() (string, error) { return hashTree(gcsModule) }, makeCloudStorage},
		{"act (GitHub workflows)", func() (string, error) { return hashTree("actions.mod") }, makeAct},
		{"buildkitd (BuildKit)", func() (string, error) { return hashTree(buildkitModule) }, makeBuildKit},
		goreleaser(),
	}
	downloaded := []component{
		{"haupt (Polyaxon " + hauptVersion + ")", func() (string, error) { return hauptVersion, nil }, makeHaupt},
		{"polyaxon111 (Polyaxon " + polyaxon1Version + ")", func() (string, error) { return strings.Join(polyaxon1Packages(), " "), nil }, makePolyaxon1},
		{"spdx (pyspdxtools and in-toto-attestation)", func() (string, error) { return spdxVersion + " " + intotoVersion, nil }, makeSPDX},
		{"python-base (Debian's Python)", func() (string, error) { return debianRelease, nil }, makePythonBase},
		{"services (JupyterLab, TensorBoard, Streamlit, uvicorn)", func() (string, error) { return strings.Join(servicePackages(), " "), nil }, makeServices},
		{"mlflow (MLflow's server and client)", func() (string, error) { return mlflowPackage, nil }, makeMLflow},
		{"penguins (the packages of examples/python)", func() (string, error) { return hashTree(penguinsLock) }, makePenguins},
		{"installers (uv, twine and check-wheel-contents)", func() (string, error) { return strings.Join(installerPackages(), " "), nil }, makeInstallers},
		{"docker-registry", nil, makeRegistry},
		{"containerd (a Kubernetes node)", nil, makeNode},
		{"runc and a static shell (for BuildKit)", nil, makeRuncAndShell},
		{"skopeo", nil, makeSkopeo},
		{"dockerd (Docker)", nil, makeDocker},
		{"chromium (a browser)", nil, makeChromium},
	}
	// Go's compiler wants processors, and pip and apt-get wait for the network most of the time.
	var group errgroup.Group
	group.Go(func() error { return setUpAll(ctx, o, compiled) })
	group.Go(func() error { return setUpAll(ctx, o, downloaded) })
	return group.Wait()
}

// setUpAll sets up one component after the other. It returns an error only if ctx is cancelled.
func setUpAll(ctx context.Context, o Options, components []component) error {
	for _, c := range components {
		if err := c.setUp(ctx, o); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			_, _ = fmt.Fprintf(o.Log, "%s is not available here: %v\n", c.name, err)
		}
	}
	return nil
}

func (p component) setUp(ctx context.Context, o Options) error {
	if p.stamp == nil {
		return p.make(ctx, o)
	}
	want, err := p.stamp()
	if err != nil {
		return err
	}
	file := filepath.Join(cacheDir, fmt.Sprintf("stamp-%.4x", sha256.Sum256([]byte(p.name))))
	if have, err := os.ReadFile(file); err == nil && string(have) == want {
		return nil
	}
	_, _ = fmt.Fprintf(o.Log, "setting up %s\n", p.name)
	if err := p.make(ctx, o); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(want), 0o644)
}

func makeKubetest(ctx context.Context, o Options) error {
	target, err := filepath.Abs(filepath.Join(cacheDir, "kubetest"))
	if err != nil {
		return err
	}
	return run(ctx, o, nil, "go", "build", "-C", filepath.FromSlash("internal/testenv/kubetest"), "-trimpath", "-ldflags=-s -w", "-o", target, ".")
}

// makeClients makes the clients that people use beside slipway. kubectl is a module of its
// own, and slipway's own module has crane.
func makeClients(ctx context.Context, o Options) error {
	target, err := filepath.Abs(filepath.Join(cacheDir, "kubectl"))
	if err != nil {
		return err
	}
	flags := "-ldflags=-s -w -X=k8s.io/component-base/version.gitVersion=" + kubectlVersion
	if err := run(ctx, o, nil, "go", "build", "-C", filepath.FromSlash(kubectlModule), "-trimpath", flags, "-o", target, "."); err != nil {
		return err
	}
	return run(ctx, o, nil, "go", "build", "-o", filepath.Join(cacheDir, "crane"), "github.com/google/go-containerregistry/cmd/crane")
}

// kubectlModule is the module that builds kubectl, and kubectlVersion is what kubectl says
// that it is.
const (
	kubectlModule  = "internal/testenv/kubectl"
	kubectlVersion = "v1.35.4"
)

// helmModule is the module that writes the records of releases by Helm's library.
const helmModule = "internal/testenv/helm"

func makeHelm(ctx context.Context, o Options) error {
	target, err := filepath.Abs(filepath.Join(cacheDir, "helm"))
	if err != nil {
		return err
	}
	return run(ctx, o, nil, "go", "build", "-C", filepath.FromSlash(helmModule), "-trimpath", "-ldflags=-s -w", "-o", target, ".")
}

// gcsModule is the module that builds fake-gcs-server.
const gcsModule = "internal/testenv/gcs"

func makeCloudStorage(ctx context.Context, o Options) error {
	target, err := filepath.Abs(filepath.Join(cacheDir, "fake-gcs-server"))
	if err != nil {
		return err
	}
	return run(ctx, o, nil, "go", "build", "-C", filepath.FromSlash(gcsModule), "-trimpath", "-ldflags=-s -w", "-o", target, "github.com/fsouza/fake-gcs-server")
}

func makeHaupt(ctx context.Context, o Options) error {
	venv := filepath.Join(cacheDir, "haupt")
	if err := os.RemoveAll(venv); err != nil {
		return err
	}
	if err := run(ctx, o, nil, "python3", "-m", "venv", venv); err != nil {
		return err
	}
	return run(ctx, o, nil, filepath.Join(venv, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "haupt[sandbox]=="+hauptVersion)
}

// makeSPDX installs the validators of attestations.
func makeSPDX(ctx context.Context, o Options) error {
	venv := filepath.Join(cacheDir, "spdx")
	if err := os.RemoveAll(venv); err != nil {
		return err
	}
	if err := run(ctx, o, nil, "python3", "-m", "venv", venv); err != nil {
		return err
	}
	return run(ctx, o, nil, filepath.Join(venv, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "spdx-tools=="+spdxVersion, "in-toto-attestation=="+intotoVersion)
}

func makeAct(ctx context.Context, o Options) error {
	return run(ctx, o, nil, "go", "build", "-modfile=actions.mod", "-o", filepath.Join(cacheDir, "act"), "github.com/nektos/act")
}

func makeRegistry(ctx context.Context, o Options) error {
	return installed(ctx, o, []string{"docker-registry"}, "docker-registry")
}

// makeNode installs what a Kubernetes node needs besides the kubelet, which is part of
// kubetest.
func makeNode(ctx context.Context, o Options) error {
	return installed(ctx, o, []string{"containerd", "runc", "ip", "/usr/lib/cni/bridge"}, "containerd", "runc", "iproute2", "containernetworking-plugins")
}

func makeRuncAndShell(ctx context.Context, o Options) error {
	return installed(ctx, o, []string{"runc", "busybox"}, "runc", "busybox-static")
}

func makeSkopeo(ctx context.Context, o Options) error {
	return installed(ctx, o, []string{"skopeo"}, "skopeo")
}

// makeDocker installs a Docker daemon, which tests start themselves.
func makeDocker(ctx context.Context, o Options) error {
	return installed(ctx, o, []string{"dockerd"}, "docker.io")
}

// makeChromium installs Chromium, and a font for its pages.
func makeChromium(ctx context.Context, o Options) error {
	return installed(ctx, o, []string{"chromium"}, "chromium", "fonts-dejavu-core")
}

// installed installs Debian packages if one of the programs is missing. It returns an
// error if that takes root and the user is not root.
func installed(ctx context.Context, o Options, programs []string, packages ...string) error {
	missing := ""
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			missing = program
		}
	}
	switch {
	case missing == "":
		return nil
	case os.Geteuid() != 0:
		return fmt.Errorf("%s is not installed, and installing Debian's packages %s takes root", missing, strings.Join(packages, ", "))
	}
	_, _ = fmt.Fprintf(o.Log, "installing Debian's packages %s\n", strings.Join(packages, ", "))
	quiet := []string{"DEBIAN_FRONTEND=noninteractive"}
	if err := run(ctx, o, quiet, "apt-get", "update", "-qq"); err != nil {
		return err
	}
	return run(ctx, o, quiet, "apt-get", append([]string{"install", "-y", "-qq", "--no-install-recommends"}, packages...)...)
}

// hashTree returns a hash of a file, or of all files below a directory.
func hashTree(root string) (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(filepath.FromSlash(root), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(h, "%s %d\n%s", path, len(text), text)
		return err
	})
	return fmt.Sprintf("%x", h.Sum(nil)), err
}
