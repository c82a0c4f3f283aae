package image

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/contextio"
	"github.com/slipway-ci/slipway/internal/source"
)

const (
	privateKey  = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n"
	certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
)

func collectNames(t *testing.T, dir string, named ...string) ([]string, error) {
	t.Helper()
	s, err := filesSpec(dir, named...).normalized()
	if err != nil {
		return nil, err
	}
	entries, err := collect(t.Context(), s, openStamps(s))
	var names []string
	for _, e := range entries {
		names = append(names, e.file)
	}
	return names, err
}

func TestExcluded(t *testing.T) {
	dir := files{
		"a/keep.py": "1", "a/.git/config": "x", "a/.git-blame-ignore-revs": "keep", "a/.slipway/cache/x": "x", "a/.cache/x": "x",
		"a/__pycache__/keep.pyc": "x", "a/gha-creds-12.json": "{}", "a/gha-creds.json": "{}", "a/id_rsa": "x", "a/id_rsa.pub": "x", "a/.netrc": "x",
		"a/tls.KEY": privateKey, "a/deep/server.pem": certificate + privateKey, "a/ca.pem": certificate, "a/model.key": "layer1",
		"a/account.json": `{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\nMIIE"}`, "a/data.json": `{"private_key": "none"}`,
		"a/putty.ppk": "PuTTY-User-Key-File-3: ssh-ed25519", "a/notes.txt": privateKey,
	}.write(t)
	got, err := collectNames(t, dir, ".")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a/.git-blame-ignore-revs", "a/ca.pem", "a/data.json", "a/gha-creds.json", "a/id_rsa.pub", "a/keep.py", "a/model.key", "a/notes.txt"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNoticesOfCredentials(t *testing.T) {
	dir := files{"src/.env": "TOKEN=x", "src/.env.example": "TOKEN=", "src/.env.local": "TOKEN=y", "src/prod.env": "", "src/a.py": "1", "src/tls/server.pem": privateKey,
		"src/id_rsa": "x", "src/.netrc": "x", "src/__pycache__/a.pyc": "x"}.write(t)
	s, err := filesSpec(dir, "src").normalized()
	must(t, err)
	var said []string
	s.Notice = func(n Notice) { said = append(said, n.Text) }
	_, err = collect(t.Context(), s, openStamps(s))
	must(t, err)
	want := []string{
		"image train has src/.env, src/.env.local, src/prod.env, which often holds secrets: anyone who can pull the image can read it; exclude it in .dockerignore, and pass the values to the job as secrets",
		"image train does not include src/.netrc, src/id_rsa, src/tls/server.pem: private keys and credentials are never added to an image; pass them to the job as secrets",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
}

func TestWhiteoutsAreRefused(t *testing.T) {
	for _, c := range []struct {
		files   files
		workdir string
		want    string
	}{
		{files{"a/.wh.sh": "", "a/b": ""}, "", "a/.wh.sh cannot be in an image"},
		{files{"a/.wh..wh..opq": ""}, "", "a/.wh..wh..opq cannot be in an image"},
		{files{"a/.wh.bin/x": ""}, "", "a/.wh.bin/x cannot be in an image"},
		{files{"a/b": ""}, "/app/.wh.x", "deletes files of the base: /app/.wh.x"},
	} {
		s := filesSpec(c.files.write(t), "a")
		s.Workdir = c.workdir
		wantSourceError(t, refused(t, s, nil), c.want)
	}
}

func TestCollectRefuses(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights there")
	}
	tree := files{
		"a.py": "1", "src/b.py": "1", "out": "->../../etc/passwd", "absolute": "->/etc/passwd", "twice": "->inner/../../x", "dir": "->src",
		"sneaky/up": "->../..", "certs/server.key": privateKey, ".git/config": "x", "keys/only.pem": privateKey, "loop": "->loop",
		"chain/link": "->chain2/passwd", "chain/chain2": "->/etc",
	}
	dir := tree.write(t)
	if err := os.MkdirAll(filepath.Join(dir, "empty", "inner"), 0o755); err != nil {
		t.Fatal(err)
	}
	for named, want := range map[string]string{
		"none.py":          "none.py not found",
		"src/c.py":         "did you mean src/b.py?",
		"src/*.py":         "patterns are not expanded",
		"out":              "points outside the repository, to ../../etc/passwd",
		"absolute":         "absolute target, /etc/passwd",
		"twice":            "points outside the repository",
		"sneaky":           "the symbolic link sneaky/up points outside the repository",
		"dir/b.py":         "goes through the symbolic link dir",
		"certs/server.key": "certs/server.key contains a private key",
		".git":             ".git is never added to an image",
		".git/config":      ".git/config is never added to an image",
		"keys":             "it has no files to add: keys is empty or fully excluded",
		"empty":            "it has no files to add",
		"loop":             "the symbolic link loop",
		"chain":            "the symbolic link chain/chain2 has an absolute target",
		"chain/link":       "cannot be followed inside the repository",
		"../x":             "is outside the repository",
		"src/../../x":      "is outside the repository",
		"/etc/passwd":      "is an absolute path",
		"":                 "is empty",
		"a\x00b":           "control character",
		"a\xff":            "is not UTF-8",
	} {
		t.Run(named, func(t *testing.T) {
			_, err := collectNames(t, dir, named)
			wantSourceError(t, err, want)
		})
	}
}

func TestLinksInsideAreKept(t *testing.T) {
	dir := files{"src/a.py": "1", "src/b.py": "->a.py", "src/deep/c.py": "->../a.py", "src/later": "->made/at/run", "all": "->src"}.write(t)
	s := filesSpec(dir, "src", "all")
	got := contents(t, build(t, s, nil).V1)
	for _, want := range []string{`2 0777 app/src/b.py "" a.py`, `2 0777 app/src/deep/c.py "" ../a.py`, `2 0777 app/src/later "" made/at/run`, `2 0777 app/all "" src`} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("%s is missing in\n%s", want, got)
		}
	}
}

func TestNameThatIsNotUTF8(t *testing.T) {
	dir := files{"src/a": "1"}.write(t)
	if err := os.WriteFile(filepath.Join(dir, "src", "b\xff"), nil, 0o644); err != nil {
		t.Skip("this file system has no such names:", err)
	}
	_, err := collectNames(t, dir, "src")
	wantSourceError(t, err, `the name of "src/b\xff" is not UTF-8`)
}

func TestUnreadable(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes mean nothing there")
	}
	for what, deny := range map[string]string{"file": "src/secret.txt", "directory": "src"} {
		t.Run(what, func(t *testing.T) {
			dir := files{"src/secret.txt": "1", "src/a": "1"}.write(t)
			if err := os.Chmod(filepath.Join(dir, deny), 0); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, deny), 0o755) })
			asOrdinaryUser(t, dir, func() {
				_, err := collectNames(t, dir, "src")
				wantSourceError(t, err, deny+" cannot be read: permission denied (change its permissions so that you can read it")
			})
		})
	}
}

func TestSpecialFile(t *testing.T) {
	dir := files{"src/a": "1"}.write(t)
	makePipe(t, filepath.Join(dir, "src", "pipe"))
	_, err := collectNames(t, dir, "src")
	wantSourceError(t, err, "src/pipe is not a regular file, a directory or a symbolic link")

	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var changed *ChangedError
	// Opening it does not wait for a writer.
	if _, err := openRegular(root, "src/pipe"); !errors.As(err, &changed) {
		t.Errorf("a file that became a pipe gives %v; want a *ChangedError", err)
	}
}

// A file that changes between reading and packing must not get into a layer whose
// fingerprint is that of the content that was read.
func TestFileChangesMeanwhile(t *testing.T) {
	for what, change := range map[string]func(string) error{
		"grows":    func(f string) error { return os.WriteFile(f, []byte("12345"), 0o644) },
		"shrinks":  func(f string) error { return os.Truncate(f, 1) },
		"differs":  func(f string) error { return os.WriteFile(f, []byte("4321"), 0o644) },
		"vanishes": os.Remove,
	} {
		t.Run(what, func(t *testing.T) {
			dir := files{"a": "1", "b": "1234"}.write(t)
			s, err := filesSpec(dir, "a", "b").normalized()
			if err != nil {
				t.Fatal(err)
			}
			entries, err := collect(t.Context(), s, openStamps(s))
			if err != nil {
				t.Fatal(err)
			}
			if err := change(filepath.Join(dir, "b")); err != nil {
				t.Fatal(err)
			}
			_, err = newContent("files", dir, entries).pack(t.Context(), io.Discard)
			var changed *ChangedError
			if !errors.As(err, &changed) || changed.File != "b" {
				t.Errorf("%v; want a *ChangedError for b", err)
			}
		})
	}
}

func TestCancelledBuildEndsAtOnce(t *testing.T) {
	dir := many(50).write(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Prepare(ctx, filesSpec(dir, "src"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v; want context.Canceled", err)
	}
	_, err := io.Copy(io.Discard, contextio.NewReader(ctx, strings.NewReader("endless")))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a large file is read on: %v", err)
	}
}

func TestBadSpec(t *testing.T) {
	dir := files{"a": "1"}.write(t)
	for want, change := range map[string]func(*Spec){
		"is not an absolute path":                                 func(s *Spec) { s.Workdir = "app" },
		`kind "helm" is not supported`:                            func(s *Spec) { s.Kind = "helm" },
		"it has no files":                                         func(s *Spec) { s.Files = nil },
		"is outside the repository":                               func(s *Spec) { s.Kind, s.Main = KindGo, "../other" },
		`the package "" is empty`:                                 func(s *Spec) { s.Kind, s.Main = KindGo, "" },
		"the directory cmd/none of the Go package does not exist": func(s *Spec) { s.Kind, s.Main = KindGo, "./cmd/none" },
	} {
		s := filesSpec(dir, "a")
		change(&s)
		_, err := Prepare(t.Context(), s, nil)
		wantSourceError(t, err, want)
	}
	missing := filesSpec(filepath.Join(dir, "none"), "a")
	if _, err := Prepare(t.Context(), missing, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a root that is not there gives %v", err)
	}
}

func FuzzCleanPath(f *testing.F) {
	for _, seed := range []string{".", "src/", "./a/../b", "../x", "a/../../x", "/etc", "a\\b", "C:\\x", "a\x00", "\xff", "...", "a//b", "..a/..", "con", "ü/é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, named string) {
		clean, why := cleanPath(named)
		if why != "" {
			if clean != "" {
				t.Fatalf("%q is refused (%s) and gives %q", named, why, clean)
			}
			return
		}
		if !fs.ValidPath(clean) || !filepath.IsLocal(filepath.FromSlash(clean)) || !utf8.ValidString(clean) {
			t.Fatalf("%q gives %q, which is no path below the root", named, clean)
		}
		if again, why := cleanPath(clean); again != clean || why != "" {
			t.Fatalf("%q gives %q, and that %q (%s)", named, clean, again, why)
		}
		if in := path.Join("/app", clean); !within(in, "/app") {
			t.Fatalf("%q goes to %s", named, in)
		}
	})
}

// .dockerignore leaves out what images do not need, by Docker's rules.
func TestDockerignore(t *testing.T) {
	tree := files{
		".dockerignore": "# data\n*.csv\n!src/keep.csv\n**/build\nsrc/tests/\n",
		"src/a.py":      "1", "src/x.csv": "1", "top.csv": "1", "src/keep.csv": "1", "src/build/out": "1", "src/deep/build/out": "1", "src/tests/t.py": "1",
	}
	names := func(dir string) string {
		t.Helper()
		s, err := filesSpec(dir, ".").normalized()
		must(t, err)
		entries, err := collect(t.Context(), s, openStamps(s))
		must(t, err)
		var all []string
		for _, e := range entries {
			all = append(all, e.file)
		}
		return strings.Join(all, " ")
	}
	if got, want := names(tree.write(t)), ".dockerignore src/a.py src/keep.csv src/x.csv"; got != want {
		t.Errorf("got %s, want %s", got, want) // *.csv matches in the root only
	}
	tree[".dockerignore"] = "src\n!src/a.py\n.dockerignore"
	if got, want := names(tree.write(t)), "src/a.py top.csv"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	tree[".dockerignore"] = "[a-"
	_, err := collectNames(t, tree.write(t), ".")
	var wrong *source.Error
	if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), ".dockerignore: it is not a valid .dockerignore") {
		t.Errorf("%v", err)
	}
}

// Files and their directories have the owner of the spec, so that a program can write
// beside its own files.
func TestOwner(t *testing.T) {
	s := filesSpec(files{"src/a": "1"}.write(t), "src")
	root := build(t, s, nil)
	s.Owner = Owner{1000, 1001}
	owned := build(t, s, nil)
	if owned.Inputs == root.Inputs {
		t.Error("the owner is no input")
	}
	layers, err := owned.V1.Layers()
	must(t, err)
	content, err := layers[0].Uncompressed()
	must(t, err)
	defer content.Close()
	for archive := tar.NewReader(content); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		if h.Uid != 1000 || h.Gid != 1001 || h.Uname != "" {
			t.Errorf("%s belongs to %d:%d %s", h.Name, h.Uid, h.Gid, h.Uname)
		}
	}
}
