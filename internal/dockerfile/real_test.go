package dockerfile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestRealBuildKit builds Dockerfiles with a real buildkitd and checks the result in the
// registry.
func TestRealBuildKit(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	t.Run("stages, arguments and a heredoc", func(t *testing.T) { testStages(t, w) })
	t.Run("a secret is in no layer and no line", func(t *testing.T) { testSecret(t, w) })
	t.Run("cache mounts outlive a build", func(t *testing.T) { testCacheMount(t, w) })
	t.Run("what is ignored is not sent", func(t *testing.T) { testIgnored(t, w) })
	t.Run("two platforms make an index", func(t *testing.T) { testPlatforms(t, w) })
	t.Run("two clones have one digest", func(t *testing.T) { testClones(t, w) })
	t.Run("a changed file of equal size is sent", func(t *testing.T) { testChanged(t, w) })
	t.Run("nothing is sent twice", func(t *testing.T) { testWarm(t, w) })
	t.Run("a version comes from git", func(t *testing.T) { testGit(t, w) })
	t.Run("labels and annotations", func(t *testing.T) { testLabels(t, w) })
	t.Run("faults", func(t *testing.T) { testPanics(t, w) })
}

func testStages(t *testing.T, w *fixture) {
	s := w.spec(map[string]string{"docker/api.Dockerfile": `FROM BASE AS build
ARG GREETING
COPY src/a.txt /a.txt
RUN <<EOF
echo "$GREETING" > /greeting
cat /a.txt >> /greeting
EOF
FROM scratch AS small
COPY --from=build /greeting /greeting
FROM BASE AS large
RUN exit 1
`, "src/a.txt": "from a file\n"})
	s.File, s.Target, s.BuildArgs["GREETING"] = "docker/api.Dockerfile", "small", "hello"
	image, built, told := w.build(t, s, "stages")
	if got := testenv.Contents(t, image)["greeting"]; got != "hello\nfrom a file\n" {
		t.Errorf("the image says %q", got)
	}
	if built.Steps != 3 || built.Cached != 0 {
		t.Errorf("%d steps, %d cached", built.Steps, built.Cached)
	}
	base, err := remote.Head(w.reference("base:1"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{w.registry + "/base@" + base.Digest.String()}; !slices.Equal(built.Bases, want) {
		t.Errorf("it was built on %v; want %v", built.Bases, want)
	}
	for _, want := range []string{"started|[build 2/3] COPY src/a.txt /a.txt|", "done|[build 3/3] RUN <<EOF"} {
		if !strings.Contains(told.text(), want) {
			t.Errorf("no event %q in\n%s", want, told.text())
		}
	}
}

func testSecret(t *testing.T, w *fixture) {
	s := w.spec(map[string]string{"Dockerfile": "FROM BASE\nRUN --mount=type=secret,id=token cat /run/secrets/token && sha256sum /run/secrets/token > /sum\n" +
		"RUN --mount=type=secret,id=token,env=TOKEN echo \"it is $TOKEN\"; test -n \"$TOKEN\"\n"})
	value := "s3cr3t-value-of-the-token"
	s.Secrets = map[string]secret.Value{"token": secret.NewValue([]byte(value))}
	image, _, told := w.build(t, s, "secret")
	for path, text := range testenv.Contents(t, image) {
		if strings.Contains(text, value) {
			t.Errorf("%s holds the secret", path)
		}
	}
	config, err := image.RawConfigFile()
	if err != nil || strings.Contains(string(config), value) {
		t.Errorf("the configuration holds the secret (%v)", err)
	}
	secrets := secret.NewMasker() // the caller's masker
	secrets.Add(s.Secrets["token"])
	if text := secrets.Mask(told.text()); strings.Contains(text, value) || !strings.Contains(text, "it is ***") {
		t.Errorf("the events are\n%s", text)
	}
	if got := testenv.Contents(t, image)["sum"]; len(got) < 64 {
		t.Errorf("the step did not see the secret: %q", got)
	}
}

func testCacheMount(t *testing.T, w *fixture) {
	s := w.spec(map[string]string{"Dockerfile": "FROM BASE\nARG N\nRUN --mount=type=cache,target=/cache echo \"$N\" >> /cache/all && cat /cache/all > /all\n"})
	for _, n := range []string{"one", "two"} {
		s.BuildArgs["N"] = n
		image, _, _ := w.build(t, s, "cache")
		if got := testenv.Contents(t, image)["all"]; n == "two" && got != "one\ntwo\n" {
			t.Errorf("the cache has %q", got)
		}
	}
}

func testIgnored(t *testing.T, w *fixture) {
	key := "-----BEGIN " + "PRIVATE KEY-----\nMIIE\n"
	files := map[string]string{
		"docker/app.Dockerfile": "FROM scratch\nCOPY . /\n", "docker/app.Dockerfile.dockerignore": "*.log\n!keep.log\n", ".dockerignore": "kept-by-the-other\n",
		"a.log": "", "keep.log": "", "kept-by-the-other": "", "src/main.py": "", ".git/config": "", ".slipway/x": "", "sub/.cache/x": "", "gha-creds-0123.json": "{}",
		"server.pem": key, "ca.pem": "-----BEGIN CERTIFICATE-----\n", "id_rsa": key, "sa.json": `{"private_key": "` + key + `"}`, "data.json": "{}",
	}
	s := w.spec(files)
	s.File = "docker/app.Dockerfile"
	if err := os.Link(filepath.Join(s.Dir, "a.log"), filepath.Join(s.Dir, "linked.txt")); err != nil {
		t.Fatal(err)
	}
	image, _, _ := w.build(t, s, "ignored")
	var names []string
	for name := range testenv.Contents(t, image) {
		names = append(names, name)
	}
	slices.Sort(names)
	want := []string{".dockerignore", "ca.pem", "data.json", "docker/app.Dockerfile", "docker/app.Dockerfile.dockerignore", "keep.log", "kept-by-the-other", "linked.txt", "src/main.py"}
	if !slices.Equal(names, want) {
		t.Errorf("the image has %q,\nwant %q", names, want)
	}
}

func testPlatforms(t *testing.T, w *fixture) {
	s := w.spec(map[string]string{"Dockerfile": "FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH.txt /arch\n", "amd64.txt": "amd64", "arm64.txt": "arm64"})
	s.Platforms = []string{"linux/arm64", "linux/amd64"}
	built, err := w.builder.Build(t.Context(), s, w.output("platforms", "latest"), nil)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(w.reference("platforms:latest"))
	if err != nil {
		t.Fatal(err)
	}
	if digest, _ := index.Digest(); digest != built.Digest {
		t.Errorf("the tag has %s, and %s was built", digest, built.Digest)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		image, err := remote.Image(w.reference("platforms:latest"), remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
		if err != nil {
			t.Fatal(err)
		}
		if got := testenv.Contents(t, image)["arch"]; got != arch {
			t.Errorf("%s has %q", arch, got)
		}
	}
}

// testClones builds one tree in two directories, with different modes, times and links, and
// with two BuildKits that share no cache.
func testClones(t *testing.T, w *fixture) {
	other := newFixture(t)
	other.registry = w.registry
	files := w.replace(map[string]string{"Dockerfile": "FROM BASE\nCOPY . /app\nRUN echo made > /made && touch /app/touched\n", "a.txt": "same", "b.txt": "same", "bin/run": "#!/bin/sh\n", "sub/c": "c"})
	dirs := []string{write(t, t.TempDir(), files), write(t, t.TempDir(), files)}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	at := func(dir int, name string) string { return filepath.Join(dirs[dir], filepath.FromSlash(name)) }
	must(os.Chmod(at(0, "bin/run"), 0o755))
	must(os.Chmod(at(1, "bin/run"), 0o700))
	must(os.Chmod(at(1, "a.txt"), 0o600))
	must(os.Chmod(at(1, "sub"), 0o700))
	must(os.Chtimes(at(1, "a.txt"), time.Time{}, time.Date(2019, 1, 2, 3, 4, 5, 6, time.UTC)))
	must(os.Remove(at(1, "b.txt")))
	must(os.Link(at(1, "a.txt"), at(1, "b.txt")))
	_, first, _ := w.build(t, Spec{Name: "app", Dir: dirs[0]}, "clones")
	_, again, _ := w.build(t, Spec{Name: "app", Dir: dirs[1]}, "clones")
	if first.Digest != again.Digest || again.Cached != again.Steps {
		t.Errorf("another directory has %s with %d of %d steps cached, want %s with all", again.Digest, again.Cached, again.Steps, first.Digest)
	}
	_, elsewhere, _ := other.build(t, Spec{Name: "app", Dir: dirs[1]}, "clones")
	if elsewhere.Digest != first.Digest || elsewhere.Cached != 0 {
		t.Errorf("another BuildKit has %s with %d steps cached, want %s with none", elsewhere.Digest, elsewhere.Cached, first.Digest)
	}
}

// testChanged changes a file between builds, but neither its size nor its time in whole
// seconds.
func testChanged(t *testing.T, w *fixture) {
	s := w.spec(map[string]string{"Dockerfile": "FROM scratch\nCOPY a.txt /\n", "a.txt": "one"})
	file := filepath.Join(s.Dir, "a.txt")
	now := time.Now().Truncate(time.Second)
	for n, text := range []string{"one", "two", "six"} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, now, now.Add(time.Duration(n))); err != nil {
			t.Fatal(err)
		}
		image, _, _ := w.build(t, s, "changed")
		if got := testenv.Contents(t, image)["a.txt"]; got != text {
			t.Errorf("the image has %q, want %q", got, text)
		}
	}
}

func testWarm(t *testing.T, w *fixture) {
	s := w.spec(map[string]string{"Dockerfile": "FROM BASE\nCOPY a.txt /\nRUN seq 1 100000 > /numbers\n", "a.txt": "a"})
	w.build(t, s, "warm")
	w.requests()
	started := time.Now()
	_, built, _ := w.build(t, s, "warm")
	t.Logf("nothing has changed: %v", time.Since(started))
	if built.Cached != built.Steps {
		t.Errorf("%d of %d steps were cached", built.Cached, built.Steps)
	}
	for _, request := range w.requests() {
		if !strings.HasPrefix(request, "GET ") && !strings.HasPrefix(request, "HEAD ") {
			t.Errorf("%s is sent again", request)
		}
	}
}

func testLabels(t *testing.T, w *fixture) {
	s := w.spec(map[string]string{"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"})
	s.Labels, s.Annotations = map[string]string{"a.b/c": "label"}, map[string]string{"a.b/c": "annotation"}
	s.Created = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	image, _, _ := w.build(t, s, "labels")
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(config.Config.Labels["a.b/c"], " ", manifest.Annotations["a.b/c"], " ", config.Created.UTC().Format(time.RFC3339))
	if want := "label annotation 2024-05-06T07:08:09Z"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// testGit has a step ask git for a version, like setuptools_scm. .git is a mount beside a
// copy of the tree, and git must see the tree as unchanged.
func testGit(t *testing.T, w *fixture) {
	testenv.Programs(t, w.registry+"/git:1", "git")
	s := w.spec(map[string]string{
		"Dockerfile": "FROM " + w.registry + "/git:1\nWORKDIR /src\nCOPY . .\n" +
			"RUN --mount=type=bind,source=.git,target=.git git describe --dirty --tags --long --match '*[0-9]*' > /version\n",
		"pkg/a.py": "1", "run.sh": "#!/bin/sh\n", ".gitignore": "*.pyc\n",
	})
	if err := os.Chmod(filepath.Join(s.Dir, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	git := func(args ...string) string {
		t.Helper()
		command := exec.Command("git", append([]string{"-C", s.Dir, "-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q", "-b", "main")
	git("add", ".")
	git("commit", "-q", "-m", "one")
	git("tag", "v1.2.3")
	git("commit", "-q", "--allow-empty", "-m", "two")
	s.Git = true
	image, _, told := w.build(t, s, "scm")
	files := testenv.Contents(t, image)
	if want := "v1.2.3-1-g" + git("rev-parse", "--short", "HEAD") + "\n"; files["version"] != want {
		t.Errorf("git says %q, want %q\n%s", files["version"], want, told.text())
	}
	for name := range files {
		if strings.HasPrefix(name, "src/.git/") && strings.Contains(name, "config") {
			t.Errorf("%s is in the image", name)
		}
	}
}
