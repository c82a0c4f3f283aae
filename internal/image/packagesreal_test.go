package image

import (
	"bytes"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/slipway-ci/slipway/internal/blobcache"
	"github.com/slipway-ci/slipway/internal/debian"
	"github.com/slipway-ci/slipway/internal/registry/registrytest"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// The base of the real release has the packages, in the versions, that apt would install, and dpkg
// and apt find nothing wrong with it. Its Python finds its library, the certificates and the locale.
func TestPackagesOfDebian(t *testing.T) {
	t.Parallel()
	if !testenv.Thorough() {
		t.Skip("it downloads 60 MB; CI=true runs it")
	}
	if os.Geteuid() != 0 || !testenv.HasDebian(t.Context()) {
		t.Skip("root on Debian bookworm and its repository are needed, and are not here")
	}
	root := unpackedSystem(t, "apt:bookworm", "libgl1", nil)
	inside := func(command ...string) string { return insideSystem(t, root, command...) }
	if said := inside("dpkg", "--audit"); said != "" {
		t.Error(said)
	}
	if said := inside("python3", "-c", triesPython); said != "True C.UTF-8 Europe/Berlin\n" {
		t.Error(said)
	}
	must(t, os.WriteFile(filepath.Join(root, "dev", "null"), nil, 0o644)) // the runtime brings the real one
	if said := inside("python3", "-c", `import ctypes.util; print(ctypes.util.find_library("GL"))`); said != "libGL.so.1\n" {
		t.Error(said)
	}
	made := libraries(inside("ldconfig", "-p"))
	inside("ldconfig")
	want := libraries(inside("ldconfig", "-p"))
	for _, line := range slices.Concat(made, want) {
		if slices.Contains(made, line) != slices.Contains(want, line) {
			t.Errorf("only one of slipway's and ldconfig's cache has %q", line)
		}
	}
	if !slices.Equal(made, want) {
		t.Errorf("the libraries are not in ldconfig's order:\n%s\nand ldconfig's:\n%s", strings.Join(made, "\n"), strings.Join(want, "\n"))
	}
	if said := inside("awk", "BEGIN { print 42 }"); said != "42\n" {
		t.Error(said)
	}

	// apt resolves the same names with an empty status.
	dir := t.TempDir()
	for _, name := range []string{"lists/partial", "archives/partial"} {
		must(t, os.MkdirAll(filepath.Join(dir, filepath.FromSlash(name)), 0o755))
	}
	must(t, os.WriteFile(filepath.Join(dir, "status"), nil, 0o644))
	apt := func(status string, args ...string) string {
		t.Helper()
		said, err := exec.CommandContext(t.Context(), "apt-get", append([]string{"-o", "Dir::State::Lists=" + dir + "/lists", "-o", "Dir::State::status=" + status, "-o", "Dir::Cache=" + dir, "-o", "APT::Install-Recommends=0", "-o", "APT::Sandbox::User=root",
			"-o", "Dir::Etc::sourcelist=/etc/apt/sources.list.d/debian.sources", "-o", "Dir::Etc::sourceparts=-"}, args...)...).CombinedOutput()
		if err != nil {
			t.Errorf("apt-get %v: %v: %s", args, err, said)
		}
		return string(said)
	}
	apt(dir+"/status", "update")
	essential := strings.Fields(inside("dpkg-query", "-W", "-f", "${Essential} ${Package}\n"))
	names := append([]string{"usr-is-merged", "libgl1"}, packagesOfBase...)
	for n := 0; n+1 < len(essential); n += 2 {
		if essential[n] == "yes" {
			names = append(names, essential[n+1])
		}
	}
	want = nil
	for _, m := range regexp.MustCompile(`(?m)^Inst (\S+) \((\S+) `).FindAllStringSubmatch(apt(dir+"/status", append([]string{"install", "-s"}, names...)...), -1) {
		want = append(want, m[1]+" "+m[2])
	}
	got := strings.Split(strings.TrimSpace(inside("dpkg-query", "-W", "-f", "${Package} ${Version}\n")), "\n")
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || len(got) < 80 {
		t.Errorf("it has\n%s\nand apt would install\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if said := apt(filepath.Join(root, "var", "lib", "dpkg", "status"), "check"); strings.Contains(said, "unmet") {
		t.Error(said)
	}
}

// triesPython is a program for the system's Python, which prints what it found.
const triesPython = `import ssl, locale, zoneinfo, sqlite3, ctypes; ctypes.CDLL("libGL.so.1"); ctypes.CDLL("libstdc++.so.6"); print(len(ssl.create_default_context().get_ca_certs()) > 100, locale.setlocale(locale.LC_ALL, ""), zoneinfo.ZoneInfo("Europe/Berlin"))`

// Debian 13 is made, too. Its packages divert the names of files from before /usr was merged.
func TestPackagesOfTrixie(t *testing.T) {
	t.Parallel()
	if !testenv.Thorough() {
		t.Skip("it downloads 60 MB; CI=true runs it")
	}
	if os.Geteuid() != 0 || !testenv.HasDebian(t.Context()) {
		t.Skip("root on Debian bookworm and its repository are needed, and are not here")
	}
	sources, err := os.ReadFile("/etc/apt/sources.list.d/debian.sources")
	must(t, err)
	root := unpackedSystem(t, "apt:trixie", "libgl1, libgssapi-krb5-2", bytes.ReplaceAll(sources, []byte("bookworm"), []byte("trixie")))
	if said := insideSystem(t, root, "dpkg", "--audit"); said != "" {
		t.Error(said)
	}
	if said := insideSystem(t, root, "python3", "-c", triesPython); said != "True C.UTF-8 Europe/Berlin\n" {
		t.Error(said)
	}
	if said := insideSystem(t, root, "sh", "-c", "echo $(readlink /bin /lib /sbin) && echo 42 | gzip | zcat"); said != "usr/bin usr/lib usr/sbin\n42\n" {
		t.Error(said)
	}
}

// unpackedSystem builds an image on a base of packages, with system packages, and unpacks it. sources are the apt
// sources, or nil for those of this machine.
func unpackedSystem(t *testing.T, base, system string, sources []byte) (root string) {
	t.Helper()
	server := httptest.NewServer(registrytest.InMemory())
	t.Cleanup(server.Close)
	registry := strings.TrimPrefix(server.URL, "http://") + "/real"
	repository := files{
		"a.txt": "1", "requirements.txt": "x==1 ; sys_platform == 'win32' --hash=sha256:" + strings.Repeat("0", 64) + "\n",
		"slipway.yaml": "project: story\nregistry: " + registry + "\nimages: {train: {python: {base: \"" + base + "\", requirements: requirements.txt}, system: [" + system + "], files: [a.txt]}}\n",
	}
	if sources != nil {
		repository["debian.sources"], repository["slipway.yaml"] = string(sources), repository["slipway.yaml"]+"apt-sources: debian.sources\n"
	}
	// Another process, because the race detector makes reading a base ten times slower.
	binary := filepath.Join(t.TempDir(), "slipway")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/slipway")
	build.Dir = testenv.Root(t)
	slipway := exec.CommandContext(t.Context(), binary, "build")
	slipway.Dir, slipway.Env = repository.write(t), append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir(), "CI=") // in CI the lock is frozen
	for _, c := range []*exec.Cmd{build, slipway} {
		if said, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", c.Args, err, said)
		}
	}
	root = t.TempDir()
	unpack(t, tagged(t, registry+"/train"), root)
	return root
}

// insideSystem returns what a command prints in a system below a directory.
func insideSystem(t *testing.T, root string, command ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "chroot", append([]string{root}, command...)...)
	c.Env = []string{"PATH=" + defaultPath, "LANG=C.UTF-8"}
	said, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%v: %v: %s", command, err, said)
	}
	return string(said)
}

// libraries returns the lines of ldconfig -p that name libraries.
func libraries(said string) []string {
	lines := strings.Split(said, "\n")
	return slices.DeleteFunc(lines, func(line string) bool { return !strings.HasPrefix(line, "\t") })
}

// tagged returns the image of a repository that has a tag of its inputs.
func tagged(t *testing.T, repository string) v1.Image {
	t.Helper()
	to, err := name.NewRepository(repository, name.Insecure)
	must(t, err)
	tags, err := remote.List(to)
	must(t, err)
	n := slices.IndexFunc(tags, func(tag string) bool { return strings.HasPrefix(tag, "inputs-") })
	if n < 0 {
		t.Fatalf("the repository has the tags %q", tags)
	}
	image, err := remote.Image(to.Tag(tags[n]))
	must(t, err)
	return image
}

// unpack unpacks the layers of an image into a directory by tar.
func unpack(t *testing.T, image v1.Image, root string) {
	t.Helper()
	layers, err := image.Layers()
	must(t, err)
	for _, layer := range layers {
		stream, err := layer.Compressed()
		must(t, err)
		c := exec.CommandContext(t.Context(), "tar", "-xzpf", "-", "-C", root)
		c.Stdin = stream
		if said, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		must(t, stream.Close())
	}
}

// The packages of the real release are found for arm64, too.
func TestPackagesForARM(t *testing.T) {
	t.Parallel()
	if !testenv.Thorough() {
		t.Skip("it downloads 10 MB; CI=true runs it")
	}
	if !testenv.HasDebian(t.Context()) {
		t.Skip("Debian bookworm and its repository are needed, and are not here")
	}
	s := Spec{Bases: blobcache.New(t.TempDir(), 1<<30), Environ: os.Environ()}
	base, err := debian.NewBase("arm64")
	must(t, err)
	from, err := debian.MachineSources("/", "bookworm", base)
	must(t, err)
	found, err := systemFetcher(s).Resolve(t.Context(), base, from, append([]string{"libgl1", "ffmpeg"}, packagesOfBase...), nil, nil)
	must(t, err)
	own := slices.DeleteFunc(slices.Clone(found), func(p *debian.Package) bool { return p.Architecture != "arm64" })
	if len(found) < 200 || len(own) < 150 {
		t.Errorf("%d packages, %d of them for arm64 alone", len(found), len(own))
	}
}
