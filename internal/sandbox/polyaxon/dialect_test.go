package polyaxon

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

// alone returns a server of a release that runs nothing, with a project p.
func alone(t *testing.T, o Options) *Server {
	t.Helper()
	o.Dir, o.Namespace, o.Log = t.TempDir(), "test", io.Discard
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	if w := send(s, http.MethodPost, "/api/v1/default/projects/create", `{"name": "p"}`); w.Code != http.StatusCreated {
		t.Fatal(w.Body)
	}
	return s
}

func send(s *Server, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

// content returns the body of a request to create a run of an operation.
func content(operation string, more ...string) string {
	text, _ := json.Marshal(operation) // a string can always be encoded
	return `{"content":` + string(text) + strings.Join(more, "") + `}`
}

const (
	runs      = "/api/v1/default/p/runs"
	operation = `{"version":1.1,"kind":"operation","component":{"run":{"kind":"job","container":{"image":"a","command":["a"],"resources":{"limits":{"nvidia.com/gpu":99}}}}}}`
)

// decoded returns the body of a response, which may be compressed.
func decoded(t *testing.T, w *httptest.ResponseRecorder) (answer map[string]any) {
	t.Helper()
	body := w.Body.Bytes()
	if w.Header().Get("Content-Encoding") == "gzip" {
		zip, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if body, err = io.ReadAll(zip); err != nil {
			t.Fatal(err)
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%d: %s", w.Code, body)
	}
	return answer
}

// makeRun creates a run and returns its UUID.
func makeRun(t *testing.T, s *Server, body string) string {
	t.Helper()
	w := send(s, http.MethodPost, runs, body)
	if w.Code != http.StatusCreated {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return decoded(t, w)["uuid"].(string)
}

// TestRecordedResponses compares the dialect of 1.11.3 with the recorded responses of a
// real server, word for word except where the recording omits words.
func TestRecordedResponses(t *testing.T) {
	s := alone(t, Options{Release: "1.11.3"})
	uuid := makeRun(t, s, content(operation))
	dag := `{"version":1.1,"kind":"operation","component":{"run":{"kind":"dag","operations":[]}}}`
	asked := map[string]*httptest.ResponseRecorder{
		"installation":    send(s, http.MethodGet, "/api/v1/installation/", ""),
		"not-found-page":  send(s, http.MethodGet, "/api/v1/no/such/path/there/is", ""),
		"exception":       send(s, http.MethodPost, runs+"/"+uuid+"/statuses", `{"condition":{"type":"melting"}}`),
		"exception-get":   send(s, http.MethodGet, "/streams/v1/n/default/p/runs/"+uuid+"/events/metric", ""),
		"content-no-text": send(s, http.MethodPost, runs, `{"content":{}}`),
		"no-content":      send(s, http.MethodPost, runs, `{}`),
		"name":            send(s, http.MethodPost, runs, content(operation, `,"name":"two words"`)),
		"tags":            send(s, http.MethodPost, runs, content(operation, `,"tags":"a"`)),
		"version-missing": send(s, http.MethodPost, runs, content(`{"kind":"operation"}`)),
		"kind-missing":    send(s, http.MethodPost, runs, content(`{"version":1.1}`)),
		"no-component":    send(s, http.MethodPost, runs, content(`{"version":1.1,"kind":"operation","hubRef":"a"}`)),
		"kind":            send(s, http.MethodPost, runs, content(dag)),
		"project-exists":  send(s, http.MethodPost, "/api/v1/default/projects/create", `{"name":"p"}`),
		"query":           send(s, http.MethodGet, runs+"?query=nonsense", ""),
		"status-posted":   send(s, http.MethodPost, runs+"/"+uuid+"/statuses", `{"condition":{"type":"running"}}`),
	}
	basic := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, runs, nil)
	r.SetBasicAuth("a", "b")
	s.ServeHTTP(basic, r)
	asked["basic-auth"] = basic
	files, err := filepath.Glob(filepath.Join("testdata", "1.11.3", "*.json"))
	if err != nil || len(files) != len(asked) {
		t.Fatalf("there are %d recordings and %d requests, %v", len(files), len(asked), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var recorded struct {
			Status     int
			Type, Body string
		}
		if err := json.Unmarshal(text, &recorded); err != nil {
			t.Fatal(err)
		}
		answer := asked[name]
		if answer == nil {
			t.Errorf("nothing asks for %s", name)
			continue
		}
		body := strings.TrimSpace(answer.Body.String())
		if recorded.Type == "application/json" {
			recorded.Body, body = ordered(t, recorded.Body), ordered(t, body)
		}
		like := strings.NewReplacer(`\.\.\.`, ".*", "KIND", "dag").Replace(regexp.QuoteMeta(recorded.Body))
		if answer.Code != recorded.Status || answer.Header().Get("Content-Type") != recorded.Type || !regexp.MustCompile("^"+like+"$").MatchString(body) {
			t.Errorf("%s: %d %s %s, recorded is %+v", name, answer.Code, answer.Header().Get("Content-Type"), body, recorded)
		}
	}
}

// ordered returns JSON with sorted keys.
func ordered(t *testing.T, text string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

// TestDialects sends the same requests to servers of both releases.
func TestDialects(t *testing.T) {
	for release, want := range map[string]struct {
		made, skip, second, upload, approved string
		cli                                  string
	}{
		"1.11.3": {made: "content description is_managed meta_info name pending tags uuid", skip: "405", second: "404", upload: created, approved: "", cli: unschedulable},
		"2.18":   {made: "content description is_managed kind managed_by meta_info name pending settings tags uuid", skip: "200", second: "204", upload: compiled, approved: "approval", cli: compiled},
	} {
		t.Run(release, func(t *testing.T) {
			s := alone(t, Options{Release: release})
			if told := decoded(t, send(s, http.MethodGet, "/api/v1/installation", "")); !strings.HasPrefix(fmt.Sprint(told["version"]), release) {
				t.Errorf("it is %v", told)
			}
			is := func(what, want string, got any) {
				t.Helper()
				if fmt.Sprint(got) != want {
					t.Errorf("%s: %v, want %s", what, got, want)
				}
			}
			status := func(uuid string) string { r, _ := s.store.run(uuid); return r.Status }
			w := send(s, http.MethodPost, runs, content(operation))
			is("the fields of a new run", want.made, strings.Join(keys(decoded(t, w)), " "))
			uploads := makeRun(t, s, content(operation, `,"pending":"upload"`))
			is("a run that waits for an upload", want.upload, status(uploads))
			is("skip", want.skip, send(s, http.MethodPost, runs+"/"+uploads+"/skip", "{}").Code)
			unapproved := makeRun(t, s, content(strings.Replace(operation, `"kind"`, `"isApproved":false,"kind"`, 1)))
			send(s, http.MethodPost, runs+"/"+unapproved+"/approve", "{}")
			r, _ := s.store.run(unapproved)
			is("after one approval", want.approved, r.Pending)
			is("managed_by: cli", want.cli, statusOf(t, s, makeRun(t, s, content(operation, `,"managed_by":"cli"`)), want.cli))
			send(s, http.MethodDelete, runs+"/"+uploads, "")
			is("deleted again", want.second, send(s, http.MethodDelete, runs+"/"+uploads, "").Code)
		})
	}
	if _, err := New(Options{Dir: t.TempDir(), Release: "1.20"}); err == nil || !strings.Contains(err.Error(), "1.11.3 or 2.18") {
		t.Errorf("a release that there is not: %v", err)
	}
}

func keys(answer map[string]any) []string {
	var all []string
	for name := range answer {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// statusOf waits until the status of a run is want, and returns it.
func statusOf(t *testing.T, s *Server, uuid, want string) string {
	t.Helper()
	return reaches(t, s, uuid, func(c condition) bool { return c.Type == want }).Type
}

// TestOldLists checks that lists of 1.11.3 are compressed, have at most 100 runs and
// begin with the run that was changed last, and that runs can be queried by tags.
func TestOldLists(t *testing.T) {
	s := alone(t, Options{Release: "1.11.3"})
	var first string
	for i := range 102 {
		if uuid := makeRun(t, s, content(operation, fmt.Sprintf(`,"pending":"approval","tags":["all","n%d"]`, i))); first == "" {
			first = uuid
		}
	}
	send(s, http.MethodPatch, runs+"/"+first, `{"description":"changed"}`)
	w := send(s, http.MethodGet, runs+"?limit=1000&query=tags:all", "")
	list := decoded(t, w)
	results := list["results"].([]any)
	if w.Header().Get("Content-Encoding") != "gzip" || len(results) != 100 || list["count"] != 102.0 || list["next"] == nil || results[0].(map[string]any)["uuid"] != first {
		t.Errorf("%v: %d of %v runs, next %v, first %v", w.Header(), len(results), list["count"], list["next"], results[0])
	}
	if found := decoded(t, send(s, http.MethodGet, runs+"?query=tags:n7|n8", "")); found["count"] != 2.0 {
		t.Errorf("by tags %v were found", found["count"])
	}
}

// TestOldArchive checks that 1.11.3 responds with the last live lines of each container
// while a run is not archived, and afterwards with one file of the archive at a time.
func TestOldArchive(t *testing.T) {
	now := time.Now().UTC()
	s := alone(t, Options{Release: "1.11.3", Archive: Archive{Lines: 1000, After: time.Minute}, Now: func() time.Time { return now }})
	uuid := makeRun(t, s, content(operation, `,"pending":"approval"`))
	log, err := openLog(s.executor.dir("logs", uuid, "pod.jsonl"), "pod", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	stream := log.stream(mainContainer)
	for i := range 2500 {
		fmt.Fprintln(stream, "line", i)
	}
	if err := log.close(); err != nil {
		t.Fatal(err)
	}
	ask := func(query string) (lines []string, answer map[string]any) {
		t.Helper()
		answer = decoded(t, send(s, http.MethodGet, "/streams/v1/n/default/p/runs/"+uuid+"/logs?"+query, ""))
		for _, l := range answer["logs"].([]any) {
			lines = append(lines, l.(map[string]any)["value"].(string))
		}
		return lines, answer
	}
	live := "last_time=1970-01-01T00:00:00Z"
	if lines, answer := ask(live); len(lines) != tail1113 || lines[0] != "line 500" || answer["last_time"] == nil {
		t.Errorf("live: %d lines from %v on, last_time %v", len(lines), lines[:1], answer["last_time"])
	}
	if lines, answer := ask("force=true"); len(lines) > 0 || len(answer["files"].([]any)) > 0 {
		t.Errorf("the archive of one that goes on: %v", answer)
	}
	end := func() {
		t.Helper()
		if err := s.store.set(uuid, succeeded, "", "", true); err != nil {
			t.Fatal(err)
		}
	}
	end()
	if lines, answer := ask(live); len(lines) != tail1113 || answer["last_time"] != nil {
		t.Errorf("of one that has ended a moment ago: %d live lines, last_time %v", len(lines), answer["last_time"])
	}
	now = now.Add(time.Minute)
	for range 2 { // the second archive is that of the resumed run
		var all []string
		file := ""
		for n := 0; ; n++ {
			lines, answer := ask("force=true&last_file=" + file)
			if answer["last_file"] == nil {
				if n != 3 || len(lines) > 0 {
					t.Errorf("the archive has %d files, the last answer %d lines", n, len(lines))
				}
				break
			}
			if files := answer["files"].([]any); len(files) != 3 || files[n] != answer["last_file"] {
				t.Fatalf("answer %d is of %v in %v", n, answer["last_file"], files)
			}
			all, file = append(all, lines...), answer["last_file"].(string)
		}
		if len(all) != 2500 || all[0] != "line 0" || all[2499] != "line 2499" {
			t.Errorf("the archive has %d lines", len(all))
		}
		if lines, _ := ask(live); len(lines) > 0 {
			t.Errorf("of what is archived %d lines are live", len(lines))
		}
		tree := decoded(t, send(s, http.MethodGet, "/streams/v1/n/default/p/runs/"+uuid+"/artifacts/tree?path=plxlogs", ""))
		if files := tree["files"].(map[string]any); len(files) != 3 || !reflect.DeepEqual(tree["dirs"], []any{}) {
			t.Errorf("plxlogs has %v", tree)
		}
		if err := s.store.set(uuid, resuming, "", "", true); err != nil {
			t.Fatal(err)
		}
		end()
		now = now.Add(time.Minute)
	}
	if dirs, err := disk.Files(s.executor.dir("archives", uuid), "*"); err != nil || len(dirs) != 1 {
		t.Errorf("archives are in %v, %v", dirs, err)
	}
}

// TestLists checks that the largest limit returns the whole list, and that a copy of a
// run has tags of its own.
func TestLists(t *testing.T) {
	s := alone(t, Options{})
	first := makeRun(t, s, content(operation, `,"pending":"approval","tags":["a","b"]`))
	if w := send(s, http.MethodGet, runs+"?limit=9223372036854775807&offset=1", ""); w.Code != http.StatusOK || decoded(t, w)["count"] != 1.0 {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
	if w := send(s, http.MethodPost, runs+"/"+first+"/copy", `{"tags":["x"]}`); w.Code >= http.StatusBadRequest {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	if tags := fmt.Sprint(decoded(t, send(s, http.MethodGet, runs+"/"+first, ""))["tags"]); tags != "[a b]" {
		t.Errorf("the original has the tags %s", tags)
	}
}
