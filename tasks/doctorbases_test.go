package tasks

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/tasks/report"
)

// baseRegistry is a registry of base images that counts the requests for their manifests.
type baseRegistry struct {
	host string
	mu   sync.Mutex
	// asked counts the requests for manifests by repository, and read those that are counted
	// as pulls.
	asked map[string]int
	read  int
}

func newBaseRegistry(t *testing.T) *baseRegistry {
	t.Helper()
	b := &baseRegistry{asked: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, manifest := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/manifests/")
		if !manifest {
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.asked[name]++
		if r.Method != http.MethodHead {
			b.read++
		}
		switch name {
		case "secret":
			w.WriteHeader(http.StatusForbidden)
		case "none":
			w.WriteHeader(http.StatusNotFound)
		default:
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			w.Header().Set("Content-Length", "2")
			w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("a", 64))
		}
	}))
	t.Cleanup(server.Close)
	b.host = strings.TrimPrefix(server.URL, "http://")
	return b
}

// TestDoctorOfBases asks the registries of base images whether the user may read them, each base
// once. What doctor refuses, deploy refuses, too.
func TestDoctorOfBases(t *testing.T) {
	b := newBaseRegistry(t)
	const down = "127.0.0.1:1"
	dockerfile := strings.NewReplacer("HOST", b.host, "DOWN", down).Replace("ARG V=1\nFROM HOST/public:$V AS one\nRUN --mount=type=bind,from=HOST/mounted,target=/m true\nFROM scratch AS two\nFROM HOST/unused\n" +
		"FROM two\nCOPY --from=one / /\nCOPY --from=HOST/secret / /\nCOPY --from=DOWN/away:1 / /\n")
	env, _, _ := laptopWith(t, map[string]string{
		"a.py": "print(1)\n", "Dockerfile": dockerfile, "Otherfile": "# syntax=" + b.host + "/syntax:1\nfrom nowhere\n",
		"slipway.yaml": strings.NewReplacer("HOST", b.host, "DOWN", down).Replace("project: story\nregistry: REGISTRY\nimages:\n" +
			"  a: {files: [a.py], base: 'HOST/public:1'}\n  b: {files: [a.py], base: 'HOST/public:1'}\n  c: {files: [a.py]}\n  n: {files: [a.py], base: 'slipway://c'}\n  d: {dockerfile: Dockerfile}\n  o: {dockerfile: Otherfile}\n" +
			"environments:\n  refused: {images: {e: {files: [a.py], base: 'HOST/none:1'}, f: {files: [a.py], base: 'HOST/secret'}, g: {files: [a.py], base: 'DOWN/x'}, h: {files: [a.py], base: 'DOWN/y'}}}\n"),
	})
	env.Environ, env.Sleep = os.Environ(), func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	result, err := Doctor(t.Context(), env, DoctorOptions{Timeout: time.Minute})
	checks := byWhat(result, "bases")
	for what, want := range map[string]report.Outcome{"read": report.CheckOK, "read " + b.host + "/secret": report.CheckFailed, "read " + down + "/away:1": report.CheckWarning} {
		if checks[what].Outcome != want {
			t.Errorf("%s is %q, want %q: %s", what, checks[what].Outcome, want, checks[what].Detail)
		}
	}
	for _, want := range []string{"/syntax:1", "/public:1", "/mounted"} {
		if !strings.Contains(checks["read"].Detail, b.host+want) {
			t.Errorf("%s is not in %s", want, checks["read"].Detail)
		}
	}
	if b.asked["public"] != 1 || b.asked["unused"] != 0 || b.read != 0 {
		t.Errorf("it asked for %v, and read %d of them", b.asked, b.read)
	}
	if err == nil {
		t.Errorf("no error\n%s", told(t, result))
	}

	env.Environment = "refused"
	result, err = Doctor(t.Context(), env, DoctorOptions{Timeout: time.Minute})
	checks = byWhat(result, "bases")
	if err == nil {
		t.Errorf("no error\n%s", told(t, result))
	}
	for image, c := range map[string]struct{ base, want string }{
		"e": {b.host + "/none:1", "was not found"},
		"f": {b.host + "/secret", "permission to pull it was denied"},
		"g": {down + "/x", "connection refused"},
	} {
		_, refusal := Build(context.Background(), env, BuildOptions{Images: []string{image}})
		check := checks["read "+c.base]
		if check.Outcome != report.CheckFailed || !strings.Contains(check.Detail, c.want) || refusal == nil || !strings.Contains(refusal.Error(), c.want) {
			t.Errorf("%s: doctor says %+v, and build %v", image, check, refusal)
		}
	}
	if _, told := checks["read "+down+"/y"]; told {
		t.Error("a registry that does not answer is reported twice")
	}
}

// byWhat returns the checks of a system.
func byWhat(r *Result, system string) map[string]report.Check {
	all := map[string]report.Check{}
	for _, c := range r.Checks {
		if c.System == system {
			all[c.What] = c
		}
	}
	return all
}
