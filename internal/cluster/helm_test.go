package cluster

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

// record encodes a release as Helm does (storage/driver/util.go of Helm 3).
func record(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return []byte(base64.StdEncoding.EncodeToString(b.Bytes()))
}

// release is a release in the form of Helm 3.19, without the chart's templates.
const release = `{"name":"polyaxon","info":{"first_deployed":"2026-01-02T03:04:05.123456789+01:00","last_deployed":"2026-03-02T03:04:05.123456789+01:00","deleted":"","description":"Upgrade complete","status":"deployed","notes":"Polyaxon is ready"},
"chart":{"metadata":{"name":"polyaxon","home":"https://polyaxon.com","version":"2.1.0","description":"A platform","apiVersion":"v2","appVersion":"2.1.0","type":"application"},"lock":null,"templates":[{"name":"a","data":"YQ=="}],"values":{"a":1},"schema":null,"files":[]},
"config":{"postgresql":{"password":"canary-in-values"}},"manifest":"---\n","version":7,"namespace":"polyaxon-v1"}`

func TestDecodeRelease(t *testing.T) {
	want := Release{Name: "polyaxon", Revision: 7, Status: "deployed", Updated: time.Date(2026, 3, 2, 2, 4, 5, 123456789, time.UTC), Chart: "polyaxon", Version: "2.1.0", AppVersion: "2.1.0"}
	for what, text := range map[string][]byte{"compressed": record(t, release), "of the first releases": []byte(base64.StdEncoding.EncodeToString([]byte(release)))} {
		got, err := decodeRelease(text)
		got.Updated = got.Updated.UTC()
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	whole := record(t, release)
	for what, text := range map[string][]byte{
		"nothing": nil, "not base64": []byte("%"), "cut": whole[:len(whole)/2/4*4], "another form": record(t, strings.Replace(release, `"version":7`, `"version":"canary-in-values"`, 1)),
	} {
		if got, err := decodeRelease(text); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
}

func TestReleaseByLabels(t *testing.T) {
	for chart, want := range map[string]Release{
		"polyaxon-1.11.3": {Chart: "polyaxon", Version: "1.11.3"}, "plx-agent-2.0.0-rc1": {Chart: "plx-agent", Version: "2.0.0-rc1"}, "a-v1": {Chart: "a", Version: "v1"}, "polyaxon": {}, "": {},
	} {
		got, found := ReleaseByLabels(map[string]string{"helm.sh/chart": chart})
		if got != want || found != (want != Release{}) {
			t.Errorf("%q: %+v, %v", chart, got, found)
		}
	}
	want := Release{Name: "plx", Chart: "polyaxon", Version: "1.11.3", AppVersion: "1.11.3"}
	if got, _ := ReleaseByLabels(map[string]string{"app.kubernetes.io/instance": "plx", "helm.sh/chart": "polyaxon-1.11.3", "app.kubernetes.io/version": "1.11.3"}); got != want {
		t.Errorf("%+v", got)
	}
}
