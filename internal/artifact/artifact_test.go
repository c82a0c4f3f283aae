package artifact

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
	server "github.com/slipway-ci/slipway/internal/sandbox/storage"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/internal/transfer"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

var update = flag.Bool("update", false, "write the golden manifest")

const uuid = "0123456789abcdef0123456789abcdef"

// story is a run that has left files, and a bucket.
type story struct {
	*Store
	files map[string]string
	job   *config.Job
	// inputs are those of the run.
	inputs map[string]any
	// metrics are those that the caller knows, with MLflow's.
	metrics map[string]float64
	// ended is when the run ended, as the caller knows.
	ended time.Time
	// downloads are the files that were requested of Polyaxon, and requests those that were sent to
	// Cloud Storage. fault may break one of the latter.
	downloads, requests atomic.Int64
	fault               func(r *http.Request) error
	// endless makes Polyaxon send each file without end.
	endless bool
	mu      sync.Mutex
}

// RoundTrip implements http.RoundTripper, for Cloud Storage.
func (s *story) RoundTrip(r *http.Request) (*http.Response, error) {
	s.requests.Add(1)
	s.mu.Lock()
	fault := s.fault
	s.mu.Unlock()
	if fault != nil {
		if err := fault(r); err != nil {
			return nil, err
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

// ServeHTTP implements http.Handler, for Polyaxon.
func (s *story) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := r.URL.Query().Get("path")
	var answer any
	switch {
	case strings.HasSuffix(r.URL.Path, "/artifacts/tree"):
		files, dirs := map[string]int{}, map[string]bool{}
		for name, text := range s.files {
			rest, below := strings.CutPrefix(name, at)
			if rest = strings.TrimPrefix(rest, "/"); !below {
				continue
			}
			if dir, _, deeper := strings.Cut(rest, "/"); deeper {
				dirs[dir] = true
			} else {
				files[rest] = len(text)
			}
		}
		var names []string
		for dir := range dirs {
			names = append(names, dir)
		}
		answer = map[string]any{"files": files, "dirs": names}
	case strings.HasSuffix(r.URL.Path, "/artifact"):
		if at != "outputs/metrics.json" {
			s.downloads.Add(1)
		}
		for _, err := io.WriteString(w, s.files[at]); err == nil && s.endless && at != "outputs/metrics.json"; {
			_, err = io.WriteString(w, strings.Repeat("x", 64<<10))
		}
		return
	case strings.HasSuffix(r.URL.Path, "/statuses"):
		answer = map[string]any{"uuid": uuid, "status": "succeeded"}
	case strings.HasSuffix(r.URL.Path, "/runs/"+uuid):
		answer = map[string]any{
			"uuid": uuid, "name": "train", "status": "succeeded", "kind": "job", "inputs": s.inputs,
			"created_at": "2026-11-01T10:00:00Z", "started_at": "2026-11-01T10:00:05Z", "finished_at": "2026-11-01T10:01:00Z",
			"meta_info": map[string]any{project.MetaCommit: "3f2a", project.MetaRef: "refs/heads/main"},
			"content":   `{"run":{"container":{"image":"registry/acme/train@sha256:7d1e"}}}`,
		}
	default:
		http.NotFound(w, r)
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// begin returns a story with a Cloud Storage at an address.
func begin(t *testing.T, address string) *story {
	t.Helper()
	s := &story{
		files:  map[string]string{"outputs/model/weights.bin": strings.Repeat("w", 3<<20), "outputs/model/a b.json": "{}", "outputs/metrics.json": `{"val_acc": 0.93}`},
		inputs: map[string]any{"EPOCHS": 3},
		job:    &config.Job{Name: "train", Artifacts: map[string]string{"model": "outputs/model/**"}, Require: map[string]string{"val_acc": ">= 0.9"}},
	}
	polyaxon := httptest.NewServer(s)
	t.Cleanup(polyaxon.Close)
	dir := t.TempDir()
	text := "project: fraud\nbucket: gs://data/models\npolyaxon: {host: '" + polyaxon.URL + "'}\njobs: {train: {polyaxonfile: a.yml}}\n"
	if err := os.WriteFile(filepath.Join(dir, "slipway.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.open(t, dir, address)
	if err := s.client.CreateBucket(t.Context(), "data", ""); err != nil {
		t.Fatal(err)
	}
	return s
}

// open opens the store of the slipway.yaml in a directory, with a Cloud Storage at an address.
func (s *story) open(t *testing.T, dir, address string) {
	t.Helper()
	p, err := project.Open(t.Context(), &project.Env{
		Dir: dir, Events: project.NewRecorder(report.Discard{}, time.Now), Lookup: func(string) (string, bool) { return "", false }, Now: time.Now, Transport: http.DefaultTransport,
		Sleep: func(context.Context, time.Duration) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	to, err := platform.Connect(t.Context(), p, platform.Uses{Runs: true})
	if err != nil {
		t.Fatal(err)
	}
	client := &storage.Client{Address: address, Transport: s, Pause: func(context.Context, time.Duration) error { return nil }}
	s.Store = New(to, client, transfer.Place{Text: "gs://data/models", Bucket: "data", Prefix: "models"})
}

func (s *story) keep(ctx context.Context, gate string) (*report.Kept, error) {
	return s.Keep(ctx, s.job, run.Target{Project: "fraud", UUID: uuid, Kind: "job"}, gate, nil, s.metrics, s.ended)
}

// names returns the names of the objects.
func (s *story) names(t *testing.T) (names []string) {
	t.Helper()
	all, err := s.list(t.Context(), "models/fraud/train/"+uuid+"/")
	if err != nil {
		t.Fatal(err)
	}
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// everywhere runs a test with the buckets of the sandbox and with fake-gcs-server.
func everywhere(t *testing.T, test func(t *testing.T, s *story)) {
	t.Helper()
	t.Run("sandbox", func(t *testing.T) {
		t.Setenv("XDG_CONFIG_HOME", t.TempDir())
		s, err := server.New(t.TempDir(), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		listening := httptest.NewServer(s)
		t.Cleanup(listening.Close)
		test(t, begin(t, listening.URL))
	})
	t.Run("fake-gcs-server", func(t *testing.T) {
		t.Setenv("XDG_CONFIG_HOME", t.TempDir())
		test(t, begin(t, testenv.CloudStorage(t)))
	})
}

// TestKeep copies what a run has left, with a manifest, and does not copy it again.
func TestKeep(t *testing.T) {
	everywhere(t, func(t *testing.T, s *story) {
		if err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		planned, err := s.Kept(t.Context(), s.job, uuid, project.GateMet, s.ended)
		if err != nil || planned.Action != report.ActionCopy {
			t.Errorf("the plan is %+v, %v", planned, err)
		}
		kept, err := s.keep(t.Context(), project.GateMet)
		want := report.Kept{Address: "gs://data/models/fraud/train/" + uuid + "/", Action: report.ActionCopied, Files: 2, Bytes: 3<<20 + 2, Gate: "met"}
		if err != nil || *kept != want {
			t.Fatalf("%+v, %v, want %+v", kept, err, want)
		}
		if got := s.names(t); !slices.Equal(got, []string{"manifest.json", "outputs/model/a b.json", "outputs/model/weights.bin"}) {
			t.Errorf("the bucket has %q", got)
		}
		golden(t, s)
		s.downloads.Store(0)
		s.requests.Store(0)
		want.Action = report.ActionUpToDate
		if again, err := s.keep(t.Context(), project.GateMet); err != nil || *again != want || s.downloads.Load() > 0 || s.requests.Load() != 1 {
			t.Errorf("again: %+v, %v, with %d downloads and %d requests", again, err, s.downloads.Load(), s.requests.Load())
		}
		for _, find := range []func() (*Manifest, error){
			func() (*Manifest, error) { return s.Latest(t.Context(), "train") },
			func() (*Manifest, error) { return s.Find(t.Context(), uuid[:6]) },
			func() (*Manifest, error) { return s.Find(t.Context(), uuid) },
		} {
			m, err := find()
			if err != nil || m == nil || m.Run != uuid {
				t.Fatalf("found %+v, %v", m, err)
			}
			for _, f := range m.Files {
				var content strings.Builder
				if err := s.Download(t.Context(), m, f, &content); err != nil || content.String() != s.files[f.Path] {
					t.Errorf("%s: %d bytes, %v", f.Path, content.Len(), err)
				}
			}
		}
	})
}

// golden compares the manifest.
func golden(t *testing.T, s *story) {
	t.Helper()
	var have strings.Builder
	object, err := s.client.Stat(t.Context(), "data", "models/fraud/train/"+uuid+"/manifest.json")
	if err == nil {
		err = s.client.Download(t.Context(), object, 0, &have)
	}
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "manifest.json")
	if *update {
		if err := os.WriteFile(file, []byte(have.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), have.String()); diff != "" {
		t.Errorf("%s (-update writes it)", diff)
	}
}

// TestSecretInManifest has a run whose param is the value of a secret, and whose program has named a metric by it.
func TestSecretInManifest(t *testing.T) {
	everywhere(t, func(t *testing.T, s *story) {
		known := secret.NewMasker()
		known.Add(secret.NewValue([]byte("hunter2hunter2")))
		s.Secrets = known
		s.inputs = map[string]any{"URL": "https://me:hunter2hunter2@acme.dev", "EPOCHS": 12345678901234567}
		named := map[string]float64{"auc of hunter2hunter2": 0.8, "f1": 0.7}
		judged := []report.Requirement{{Metric: "acc", Message: "the run has no metric acc; its metrics are auc of hunter2hunter2, f1"}}
		if _, err := s.Keep(t.Context(), s.job, run.Target{Project: "fraud", UUID: uuid, Kind: "job"}, "", judged, named, s.ended); err != nil {
			t.Fatal(err)
		}
		m, err := s.Latest(t.Context(), "train")
		if err != nil || m.Metrics["auc of ***"] != 0.8 || len(m.Metrics) != 2 || strings.Contains(m.Requirements[0].Message, "hunter2") || m.Ref != "refs/heads/main" {
			t.Errorf("it has %v and %+v, %v", m.Metrics, m.Requirements, err)
		}
		if err != nil || m.Params["URL"] != "https://me:***@acme.dev" || fmt.Sprintf("%.0f", m.Params["EPOCHS"]) != "12345678901234568" {
			t.Errorf("the params are %v, %v", m.Params, err)
		}
	})
}

// TestGate keeps a run that does not meet what its job requires, but never as the latest. What a later
// check says is written into the manifest, without the files.
func TestGate(t *testing.T) {
	everywhere(t, func(t *testing.T, s *story) {
		kept, err := s.keep(t.Context(), project.GateFailed)
		if err != nil || kept.Gate != "failed" || len(s.names(t)) != 3 {
			t.Fatalf("%+v, %v", kept, err)
		}
		if m, err := s.Latest(t.Context(), "train"); m != nil || err != nil {
			t.Errorf("the latest is %+v, %v", m, err)
		}
		for gate, want := range map[string]report.Action{project.GateFailed: report.ActionUpToDate, project.GateMet: report.ActionCopy} {
			if planned, err := s.Kept(t.Context(), s.job, uuid, gate, s.ended); err != nil || planned.Action != want {
				t.Errorf("planned with a gate that is %s: %+v, %v", gate, planned, err)
			}
		}
		s.downloads.Store(0)
		if kept, err := s.keep(t.Context(), project.GateMet); err != nil || kept.Gate != "met" || s.downloads.Load() > 0 {
			t.Errorf("then: %+v, %v, with %d downloads", kept, err, s.downloads.Load())
		}
		if m, err := s.Latest(t.Context(), "train"); m == nil || err != nil || m.Gate != "met" {
			t.Errorf("then the latest is %+v, %v", m, err)
		}
		s.metrics = map[string]float64{"val_acc": 0.93, "mlflow_auc": 0.8}
		// What a job required once, and no longer does, is taken away.
		for _, gate := range []string{project.GateFailed, ""} {
			if kept, err := s.keep(t.Context(), gate); err != nil || kept.Gate != gate || kept.Action != report.ActionCopied {
				t.Errorf("%q: %+v, %v", gate, kept, err)
			}
		}
		if m, err := s.Latest(t.Context(), "train"); m == nil || err != nil || m.Gate != "" || m.Metrics["mlflow_auc"] != 0.8 {
			t.Errorf("without require the latest is %+v, %v", m, err)
		}
	})
}

// TestInterrupted ends a copy before each of its requests. The run is not visible before all is there, and the
// next copy goes on.
func TestInterrupted(t *testing.T) {
	everywhere(t, func(t *testing.T, s *story) {
		for n := int64(1); ; n++ {
			ctx, cancel := context.WithCancel(t.Context())
			s.requests.Store(0)
			s.fault = func(*http.Request) error {
				if s.requests.Load() >= n {
					cancel()
					return context.Canceled
				}
				return nil
			}
			kept, err := s.keep(ctx, project.GateMet)
			cancel()
			s.fault = nil
			if err == nil {
				if kept.Action != report.ActionCopied || n < 4 {
					t.Errorf("after %d requests: %+v", n, kept)
				}
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("before request %d: %v", n, err)
			}
			if m, err := s.Manifest(t.Context(), "train", uuid); err != nil || m != nil {
				t.Fatalf("before request %d: the manifest is there: %v", n, err)
			}
		}
		if m, err := s.Manifest(t.Context(), "train", uuid); err != nil || m == nil || len(m.Files) != 2 {
			t.Errorf("%+v, %v", m, err)
		}
		if got := s.downloads.Load(); got > 12 {
			t.Errorf("%d downloads: what is complete was downloaded again and again", got)
		}
		left, err := os.ReadDir(filepath.Join(s.Config.Dir, ".slipway", "cache", "artifacts"))
		if err != nil || len(left) > 0 {
			t.Errorf("files are left: %v, %v", left, err)
		}
	})
}

// TestTwoAtOnce copies the same run twice at the same time.
func TestTwoAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, s *story) {
		var group sync.WaitGroup
		errs := make([]error, 4)
		for n := range errs {
			group.Go(func() { _, errs[n] = s.keep(t.Context(), project.GateMet) })
		}
		group.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if m, err := s.Manifest(t.Context(), "train", uuid); err != nil || m == nil || len(s.names(t)) != 3 {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

// TestMissing names what matches nothing and what is there, and copies nothing.
func TestMissing(t *testing.T) {
	everywhere(t, func(t *testing.T, s *story) {
		s.job.Artifacts["plots"] = "outputs/plots/*.png"
		_, err := s.keep(t.Context(), project.GateMet)
		want := "job train: run " + uuid + " succeeded, and no file of it matches artifacts plots: outputs/plots/*.png (" + s.Config.At("jobs", "train").String() + "); it has left outputs/metrics.json, outputs/model/a b.json, outputs/model/weights.bin"
		if !Missing(err) || err.Error() != want || exit.Code(err) != exit.Failed || len(s.names(t)) > 0 {
			t.Errorf("%v\nwant %s", err, want)
		}
		s.files["outputs/plots/loss.png"] = "png"
		if _, err := s.keep(t.Context(), project.GateMet); err != nil {
			t.Fatal(err)
		}
		delete(s.job.Artifacts, "plots") // other patterns are copied anew
		if kept, err := s.keep(t.Context(), project.GateMet); err != nil || kept.Action != report.ActionCopied || kept.Files != 2 {
			t.Errorf("%+v, %v", kept, err)
		}
	})
}

// TestChanged finds a file of the bucket that was changed after it was copied.
func TestChanged(t *testing.T) {
	everywhere(t, func(t *testing.T, s *story) {
		if _, err := s.keep(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		m, err := s.Manifest(t.Context(), "train", uuid)
		if err != nil {
			t.Fatal(err)
		}
		f := m.Files[0]
		f.SHA256 = strings.Repeat("0", 64)
		if err := s.Download(t.Context(), m, f, io.Discard); err == nil || !strings.Contains(err.Error(), "was changed after it was copied") {
			t.Errorf("%v", err)
		}
	})
}

// TestCheck names the line of a bucket that does not exist, or that may not be read or written.
func TestCheck(t *testing.T) {
	for name, test := range map[string]struct{ list, permissions, want string }{
		"there":             {"200 {}", `200 {"permissions": ["storage.objects.create"]}`, ""},
		"not asked for":     {"200 {}", "404 not found", ""},
		"not there":         {"404 {}", "404 {}", "slipway.yaml:2:9: there is no bucket gs://data: create it with `slipway data mb gs://data`"},
		"not to be read":    {"403 {}", "403 {}", "slipway.yaml:2:9: no access to gs://data: have the role roles/storage.objectUser granted on it"},
		"not to be written": {"200 {}", "200 {}", "slipway.yaml:2:9: bucket gs://data may not be written: the permission storage.objects.create is missing"},
	} {
		fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := test.list
			switch {
			case r.Method == http.MethodPost:
				answer = "200 {}"
			case strings.HasSuffix(r.URL.Path, "/iam/testPermissions"):
				answer = test.permissions
			}
			var code int
			_, _ = fmt.Sscan(answer, &code)
			w.WriteHeader(code)
			_, _ = io.WriteString(w, answer[4:])
		}))
		err := begin(t, fake.URL).Check(t.Context())
		fake.Close()
		if test.want == "" && err != nil || test.want != "" && (!errors.As(err, new(*source.Error)) || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
