package file_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/polyaxonfiletest"
)

func TestPathRefsAreFollowed(t *testing.T) {
	dir := polyaxonfiletest.Tree(t, map[string]string{
		"op.yml":             "kind: operation\npathRef: parts/dag.yml\n",
		"parts/dag.yml":      "run:\n  kind: dag\n  components: [{name: c, run: {kind: job}}]\n  operations:\n  - {name: a, pathRef: deep/job.yml}\n  - {name: b, dagRef: c, dependencies: [a]}\n",
		"parts/deep/job.yml": polyaxonfiletest.Job,
	})
	f, err := check.Read(t.Context(), file.Reader{}, filepath.Join(dir, "op.yml"))
	if err != nil {
		t.Fatal(err)
	}
	at := f.At("component", "run", "operations", "0", "component", "run", "container", "image")
	if want := filepath.Join(dir, "parts", "deep", "job.yml") + ":3:37"; at.String() != want {
		t.Errorf("the image stands at %s, want %s", at, want)
	}
	if f.Line(at) != "run: {kind: job, container: {image: a}}" {
		t.Errorf("its line is %q", f.Line(at))
	}
	if _, still := f.Root()["pathRef"]; still || fmt.Sprint(f.Keys()) != "[kind component]" {
		t.Errorf("the operation has %v", f.Keys())
	}
}

func TestBrokenReferences(t *testing.T) {
	dir := polyaxonfiletest.Tree(t, map[string]string{
		"job.yml":     polyaxonfiletest.Job,
		"lost.yml":    "kind: operation\npathRef: ./nothing.yml\n",
		"dir.yml":     "kind: operation\npathRef: .\n",
		"loop.yml":    "kind: operation\npathRef: ./loop.yml\n",
		"circle.yml":  "kind: component\nrun: {kind: dag, operations: [{name: a, pathRef: circle2.yml}]}\n",
		"circle2.yml": "kind: component\nrun: {kind: dag, operations: [{name: a, pathRef: circle.yml}]}\n",
		"many.yml":    "kind: component\nrun: {kind: dag, operations: [" + strings.Repeat("{name: a, pathRef: job.yml}, ", file.MaxReferences+2) + "]}\n",
		"op.yml":      "kind: operation\npathRef: lost.yml\n",
		"bad.yml":     "kind: operation\npathRef: broken.yml\n",
		"broken.yml":  "kind: component\nrun: {kind: jab}\n",
		"dagref.yml":  "kind: component\nrun: {kind: dag, components: [{name: train, run: {kind: job}}], operations: [{name: a, dagRef: trian}]}\n",
		"alone.yml":   "kind: operation\ndagRef: train\n",
		"url.yml":     "kind: operation\nurlRef: https://example.com/job.yml\n",
		"noturl.yml":  "kind: operation\nurlRef: job.yml\n",
		"hub.yml":     "kind: operation\nhubRef: a/b/c\n",
	})
	for name, want := range map[string]string{
		"lost.yml":   "lost.yml:2:10: ./nothing.yml: Polyaxonfile not found (check the path: in slipway.yaml it is relative to the repository's root, in a pathRef to the file that has it)",
		"loop.yml":   "loop.yml:2:10: pathRef forms a reference cycle: DIR/loop.yml -> DIR/loop.yml",
		"circle.yml": "circle2.yml:2:50: pathRef forms a reference cycle: DIR/circle.yml -> DIR/circle2.yml -> DIR/circle.yml",
		"many.yml":   "many.yml:2:2950: refers to more than 100 files",
		"op.yml":     "op.yml:2:10: lost.yml is an operation; a pathRef must refer to a component",
		"bad.yml":    "broken.yml:2:13: unknown kind of run: jab (did you mean job?)",
		"alone.yml":  "alone.yml:2:9: dagRef refers to a component of a dag, but this operation is not in a dag (use pathRef or component)",
		"dagref.yml": "dagref.yml:2:96: the dag has no component trian (did you mean train?)",
		"url.yml":    "url.yml:2:9: urlRef: cannot download https://example.com/job.yml: network access is disabled here (or save the component in the repository and use pathRef)",
		"noturl.yml": "noturl.yml:2:9: urlRef: the URL must begin with https:// (or save the component in the repository and use pathRef)",
		"hub.yml":    `hub.yml:2:9: "a/b/c" is not a valid component name; write NAME:VERSION or OWNER/NAME:VERSION`,
	} {
		_, err := check.Read(t.Context(), file.Reader{}, filepath.Join(dir, name))
		have := strings.ReplaceAll(fmt.Sprint(err), dir+string(filepath.Separator), "DIR/")
		if have != "DIR/"+want {
			t.Errorf("%s:\nhave %s\nwant DIR/%s", name, have, want)
		}
	}
	if _, err := check.Read(t.Context(), (file.Reader{}), filepath.Join(dir, "dir.yml")); err == nil || !strings.Contains(err.Error(), "dir.yml:2:10: .: ") {
		t.Errorf("a directory: %v", err)
	}
}

func TestURLAndHubRefs(t *testing.T) {
	mux := http.NewServeMux()
	serve := func(path, text string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
	}
	serve("/job.yml", polyaxonfiletest.Job)
	serve("/beside.yml", "kind: component\nrun: {kind: dag, operations: [{name: a, pathRef: job.yml}]}\n")
	serve("/huge.yml", strings.Repeat("#", file.MaxSize+1))
	serve("/api/v1/polyaxon/tensorboard/versions/component/1.2", `{"content": "kind: component\nrun: {kind: service, ports: [6006]}\n"}`)
	serve("/api/v1/acme/train/versions/component/latest", `{"content": "kind: component\nrun: {kind: job}\n"}`)
	serve("/api/v1/polyaxon/other/versions/component/latest", `<html>`)
	mux.HandleFunc("/round/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/round/"+r.URL.Path, http.StatusFound)
	})
	mux.HandleFunc("/moved.yml", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/job.yml", http.StatusFound) })
	server := httptest.NewTLSServer(mux)
	defer server.Close()
	reader := file.Reader{Transport: server.Client().Transport, Hub: server.URL, Hosts: []string{"127.0.0.1"}}
	for reference, want := range map[string]string{
		"urlRef: URL/job.yml":     "",
		"urlRef: URL/moved.yml":   "",
		"hubRef: tensorboard:1.2": "",
		"hubRef: acme/train":      "",
		"urlRef: URL/nothing.yml": "op.yml:2:9: urlRef: URL/nothing.yml answers 404 Not Found (or save the component in the repository and use pathRef)",
		"urlRef: URL/huge.yml":    "URL/huge.yml:1:1: is larger than 4 MiB, the limit for a Polyaxonfile",
		"urlRef: URL/round/":      "op.yml:2:9: urlRef: URL/round/ cannot be reached: too many redirects: it redirects more than 5 times (or save the component in the repository and use pathRef)",
		"urlRef: URL/beside.yml":  "URL/beside.yml:2:50: a pathRef must be in a local file, and URL/beside.yml is not one (use urlRef)",
		"hubRef: other":           "op.yml:2:9: hubRef: URL/api/v1/polyaxon/other/versions/component/latest is not a component hub: its response has no component (or save the component in the repository and use pathRef)",
		"hubRef: nothing":         "op.yml:2:9: hubRef: URL/api/v1/polyaxon/nothing/versions/component/latest answers 404 Not Found (or save the component in the repository and use pathRef)",
	} {
		dir := polyaxonfiletest.Tree(t, map[string]string{"op.yml": "kind: operation\n" + strings.ReplaceAll(reference, "URL", server.URL) + "\n"})
		_, err := check.Read(t.Context(), reader, filepath.Join(dir, "op.yml"))
		have := ""
		if err != nil {
			have = strings.ReplaceAll(strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""), server.URL, "URL")
		}
		if have != want {
			t.Errorf("%s:\nhave %s\nwant %s", reference, have, want)
		}
	}
}

// failingTransport is a transport that fails each request, as if there were no network.
type failingTransport struct{}

func (failingTransport) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("network is unreachable")
}

func TestOffline(t *testing.T) {
	dir := polyaxonfiletest.Tree(t, map[string]string{"op.yml": "kind: operation\nurlRef: https://me:hunter2@example.com/job.yml\n", "hub.yml": "kind: operation\nhubRef: train:v1\n"})
	for name, want := range map[string]string{
		"op.yml":  "urlRef: https://me:xxxxx@example.com/job.yml cannot be reached: network is unreachable",
		"hub.yml": "hubRef: https://cloud.polyaxon.com/api/v1/polyaxon/train/versions/component/v1 cannot be reached: network is unreachable",
	} {
		_, err := check.Read(t.Context(), file.Reader{Transport: failingTransport{}}, filepath.Join(dir, name))
		if err == nil || !strings.Contains(err.Error(), name+":2:9: "+want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: have %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := check.Read(ctx, file.Reader{Transport: failingTransport{}}, filepath.Join(dir, "op.yml")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled, it gives %v", err)
	}
}

func TestPresetWithoutComponent(t *testing.T) {
	dir := polyaxonfiletest.Tree(t, map[string]string{"preset.yml": "tags: [a]\nrunPatch: {container: {resources: {limits: {cpu: 1}}}}\n", "bad.yml": "isPreset: true\nqueu: a\n"})
	if _, err := check.ReadPreset(t.Context(), (file.Reader{}), filepath.Join(dir, "preset.yml")); err != nil {
		t.Error(err)
	}
	if _, err := check.ReadPreset(t.Context(), (file.Reader{}), filepath.Join(dir, "bad.yml")); err == nil || !strings.HasSuffix(err.Error(), "bad.yml:2:1: the operation has no key queu (did you mean queue?)") {
		t.Errorf("have %v", err)
	}
}

// TestReferencesStayInTheRepository checks that a pathRef cannot name a file outside of
// the repository, and that the content of a file that is not a component is not shown.
func TestReferencesStayInTheRepository(t *testing.T) {
	dir := polyaxonfiletest.Tree(t, map[string]string{
		"outside.yml":      "kind: component\nrun: {kind: job, hunter2: 1}\n",
		"repo/.git/HEAD":   "",
		"repo/job.yml":     polyaxonfiletest.Job,
		"repo/deep/up.yml": "kind: operation\npathRef: ../job.yml\n",
		"repo/abs.yml":     "kind: operation\npathRef: ABS\n",
		"repo/up.yml":      "kind: operation\npathRef: ../outside.yml\n",
		"repo/link.yml":    "kind: operation\npathRef: link\n",
		"repo/inlink.yml":  "kind: operation\npathRef: inlink\n",
		"repo/env.yml":     "kind: operation\npathRef: .env\n",
		"repo/.env":        "TOKEN=hunter2\nB: [hunter2\n",
		"repo/data.yml":    "kind: operation\npathRef: secrets.yml\n",
		"repo/secrets.yml": "password: hunter2\n",
		"repo/dir.yml":     "kind: operation\npathRef: deep\n",
	})
	repo := filepath.Join(dir, "repo")
	if err := os.WriteFile(filepath.Join(repo, "abs.yml"), []byte("kind: operation\npathRef: "+filepath.ToSlash(filepath.Join(dir, "outside.yml"))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"link": filepath.Join(dir, "outside.yml"), "inlink": "job.yml"} {
		if err := os.Symlink(to, filepath.Join(repo, link)); err != nil {
			t.Skip(err)
		}
	}
	for name, want := range map[string]string{
		"deep/up.yml": "",
		"inlink.yml":  "",
		"abs.yml":     "abs.yml:2:10: " + filepath.ToSlash(filepath.Join(dir, "outside.yml")) + ": is outside of " + repo + " (move the file into the repository)",
		"up.yml":      "up.yml:2:10: ../outside.yml: is outside of " + repo + " (move the file into the repository)",
		"link.yml":    "link.yml:2:10: link: is outside of " + repo + " (move the file into the repository)",
		"env.yml":     "env.yml:2:10: .env is not a component: it has neither kind: component nor run at its top level",
		"data.yml":    "data.yml:2:10: secrets.yml is not a component: it has neither kind: component nor run at its top level",
		"dir.yml":     "dir.yml:2:10: deep: is a directory, not a file",
	} {
		_, err := check.Read(t.Context(), file.Reader{}, filepath.Join(repo, filepath.FromSlash(name)))
		have := ""
		if err != nil {
			have = strings.TrimPrefix(err.Error(), repo+string(filepath.Separator))
		}
		if have != want {
			t.Errorf("%s:\nhave %s\nwant %s", name, have, want)
		}
	}
	// A Polyaxonfile named by slipway.yaml must be in its repository, too.
	if _, err := check.Read(t.Context(), (file.Reader{Root: repo}), filepath.Join(repo, "link")); err == nil || !strings.Contains(err.Error(), "is outside of") {
		t.Errorf("a link out of the repository gives %v", err)
	}
}

// TestURLRefsCannotReachPrivateAddresses checks that requests go to public addresses only.
func TestURLRefsCannotReachPrivateAddresses(t *testing.T) {
	asked := 0
	mux := http.NewServeMux()
	mux.HandleFunc("/job.yml", func(w http.ResponseWriter, _ *http.Request) { asked++; _, _ = w.Write([]byte(polyaxonfiletest.Job)) })
	mux.HandleFunc("/away.yml", func(w http.ResponseWriter, r *http.Request) {
		asked++
		_, port, _ := strings.Cut(r.Host, ":")
		http.Redirect(w, r, "https://localhost:"+port+"/job.yml", http.StatusFound)
	})
	server := httptest.NewTLSServer(mux)
	defer server.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "https://"), ":")
	for _, c := range []struct {
		address string
		hosts   []string
		want    string
		asked   int
	}{
		{server.URL + "/job.yml", nil, "127.0.0.1 is not a public address; references: {hosts: [127.0.0.1]} in slipway.yaml allows it", 0},
		{"https://localhost:" + port + "/job.yml", nil, "is not a public address; references: {hosts: [HOST]} in slipway.yaml allows it", 0},
		{"https://169.254.169.254/latest", nil, "169.254.169.254 is not a public address", 0},
		{"https://[::1]/job.yml", nil, "::1 is not a public address", 0},
		{"https://[::ffff:10.0.0.1]/job.yml", nil, "is not a public address", 0},
		{"http://example.com/job.yml", nil, "use https://", 0},
		{server.URL + "/job.yml", []string{"127.0.0.1"}, "", 1},
		{server.URL + "/away.yml", []string{"127.0.0.1"}, "it redirects to another host, localhost; references: {hosts: [localhost]} in slipway.yaml allows it", 1},
	} {
		asked = 0
		dir := polyaxonfiletest.Tree(t, map[string]string{"op.yml": "kind: operation\nurlRef: \"" + c.address + "\"\n"})
		_, err := check.Read(t.Context(), file.Reader{Transport: server.Client().Transport, Hosts: c.hosts}, filepath.Join(dir, "op.yml"))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || asked != c.asked {
			t.Errorf("%s: %v, asked %d times", c.address, err, asked)
		}
	}
}

// TestCache checks that a file and the files that it refers to are read once.
func TestCache(t *testing.T) {
	dir := polyaxonfiletest.Tree(t, map[string]string{"op.yml": "kind: operation\npathRef: job.yml\n", "job.yml": polyaxonfiletest.Job})
	reader := file.Reader{Cache: file.NewCache()}
	for range 2 {
		f, err := check.Read(t.Context(), reader, filepath.Join(dir, "op.yml"))
		if err != nil {
			t.Fatal(err)
		}
		if component, _ := f.Component(); component["name"] != "job" {
			t.Errorf("the component is %v", component)
		}
		for _, name := range []string{"op.yml", "job.yml"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("kind: component\nname: other\nrun: {kind: job}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestMovedComponentIsReadOnce has a hub whose latest version, and an address whose file, moves after the first read.
// All reads with one cache have the first one, which is what was checked.
func TestMovedComponentIsReadOnce(t *testing.T) {
	asked := map[string]int{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked[r.URL.Path]++
		component := fmt.Sprintf("kind: component\nname: read-%d\nrun: {kind: job}\n", asked[r.URL.Path])
		if r.URL.Path == "/job.yml" {
			_, _ = w.Write([]byte(component))
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"content": component})
	}))
	defer server.Close()
	reader := file.Reader{Transport: server.Client().Transport, Hub: server.URL, Hosts: []string{"127.0.0.1"}, Cache: file.NewCache()}
	for _, reference := range []string{"hubRef: acme/train", "urlRef: " + server.URL + "/job.yml"} {
		dir := polyaxonfiletest.Tree(t, map[string]string{"op.yml": "kind: operation\n" + reference + "\n"})
		for range 3 {
			f, err := check.Read(t.Context(), reader, filepath.Join(dir, "op.yml"))
			if err != nil {
				t.Fatal(err)
			}
			if component, _ := f.Component(); component["name"] != "read-1" {
				t.Errorf("%s: the component is %v", reference, component)
			}
		}
	}
	if want := map[string]int{"/api/v1/acme/train/versions/component/latest": 1, "/job.yml": 1}; !maps.Equal(asked, want) {
		t.Errorf("asked %v", asked)
	}
}
