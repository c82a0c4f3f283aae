package preflight

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/report"
)

// answer is a transport that answers at a time of the server's clock.
type answer time.Time

func (a answer) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Date": {time.Time(a).UTC().Format(http.TimeFormat)}}, Body: http.NoBody}, nil
}

// TestClocks compares this machine's clock with those of servers that are right and wrong.
func TestClocks(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		ahead   time.Duration
		outcome report.Outcome
		want    string
	}{
		"right":  {2 * time.Second, report.CheckOK, "agree to"},
		"ahead":  {3 * time.Minute, report.CheckWarning, "the clock of plx.acme.dev is 3m0s ahead of that of this machine"},
		"behind": {-2 * time.Hour, report.CheckWarning, "the clock of plx.acme.dev is 2h0m0s behind that of this machine"},
	} {
		p := &project.Project{Skew: &clock.Skew{Now: func() time.Time { return now }}}
		if got := Clocks(p); len(got) != 0 {
			t.Errorf("%s: before any answer: %v", name, got)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://plx.acme.dev/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := p.Skew.Transport(answer(now.Add(test.ahead))).RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if got := Clocks(p); len(got) != 1 || got[0].Outcome != test.outcome || !strings.Contains(got[0].Detail, test.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestDisk checks what is said about disks that are full.
func TestDisk(t *testing.T) {
	all := []place{{t.TempDir(), "images", "delete something", spaceOfBuilds}, {t.TempDir() + "/not/made/yet", "wheels", "free some", spaceOfBuilds}}
	for name, test := range map[string]struct {
		bytes   uint64
		files   bool
		err     error
		outcome report.Outcome
		want    string
		checks  int
	}{
		"space":     {5 << 30, true, nil, report.CheckOK, "5.4 GB free or more", 1},
		"full":      {1 << 20, true, nil, report.CheckWarning, "1.0 MB free in ", 2},
		"no inodes": {5 << 30, false, nil, report.CheckWarning, "out of inodes", 2},
		"unknown":   {0, false, errors.New("no such call"), "", "", 0},
	} {
		got := disk(all, func(string) (uint64, bool, error) { return test.bytes, test.files, test.err })
		if len(got) != test.checks || test.checks > 0 && (got[0].Outcome != test.outcome || !strings.Contains(got[0].Detail, test.want)) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestSpaceIsThatOfTheDeploy looks only where a deploy writes, and for as much as it may write.
func TestSpaceIsThatOfTheDeploy(t *testing.T) {
	image, there := map[string]*config.Image{"app": {Name: "app"}}, &config.Polyaxon{Host: "https://plx.acme.dev"}
	for name, test := range map[string]struct {
		config   config.Config
		warnings int
	}{
		"only jobs of a server": {config.Config{Polyaxon: there}, 0},
		"the sandbox":           {config.Config{}, 1},
		"images":                {config.Config{Polyaxon: there, Images: image}, 3},
	} {
		p := &project.Project{Config: &test.config}
		warnings := 0
		for _, c := range disk(places(p), func(string) (uint64, bool, error) { return 700 << 20, true, nil }) {
			if c.Outcome == report.CheckWarning {
				warnings++
			}
		}
		if warnings != test.warnings {
			t.Errorf("%s: %d warnings of 700 MiB, want %d", name, warnings, test.warnings)
		}
		if got := disk(places(p), func(string) (uint64, bool, error) { return 1 << 20, true, nil }); len(got) == 0 || got[0].Outcome != report.CheckWarning {
			t.Errorf("%s: a full disk is %+v", name, got)
		}
	}
}
