package runs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
)

// TestFindByIDPrefix looks up runs by the beginnings of UUIDs that tables
// show, including a run that is older than those of the server's first page.
func TestFindByIDPrefix(t *testing.T) {
	const count = 350
	uuid := func(n int) string { return fmt.Sprintf("%08x%024x", n+1, n) }
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if last := path.Base(r.URL.Path); last != "runs" {
			_ = json.NewEncoder(w).Encode(map[string]any{"uuid": last, "name": "train"})
			return
		}
		asked++
		offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
		var page []map[string]any
		for n := offset; n < min(offset+100, count); n++ {
			page = append(page, map[string]any{"uuid": uuid(n), "name": "train"})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"count": count, "results": page})
	}))
	defer server.Close()
	client, err := polyaxon.New(polyaxon.Options{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	to := &platform.Platform{Project: &project.Project{Config: &config.Config{Project: "story"}}, Polyaxon: client}
	for _, test := range []struct {
		name, want, err string
		asked           int
	}{
		{uuid(3)[:8], uuid(3), "", 1},
		{strings.ToUpper(uuid(310)[:8]), uuid(310), "", 4},
		{uuid(310), uuid(310), "", 0},
		{"train", uuid(0), "", 1},
		{"0000", "", "is ambiguous: the ids of 100 runs begin with it; give more digits (00000001, 00000002, 00000003, 00000004, ...)", 1},
		{"ffffffff", "", "none whose id begins with it", 4},
		{"evaluate", "", "no run named evaluate", 1},
	} {
		asked = 0
		found, err := Find(t.Context(), to, test.name)
		switch {
		case test.err != "":
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: %v", test.name, err)
			}
		case err != nil || found.UUID != test.want:
			t.Errorf("%s: %+v, %v", test.name, found, err)
		}
		if asked != test.asked {
			t.Errorf("%s: the server was asked %d times for runs, want %d", test.name, asked, test.asked)
		}
	}
}
