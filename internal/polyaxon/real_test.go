package polyaxon_test

import (
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxon/polyaxontest"
	"github.com/slipway-ci/slipway/internal/testbed"
)

func TestRealPolyaxon(t *testing.T) {
	client, err := polyaxon.New(polyaxon.Options{Host: testbed.Polyaxon(t)})
	if err != nil {
		t.Fatal(err)
	}
	polyaxontest.Contract(t, client, "polyaxon", polyaxontest.Job{
		Image: "none",
		Command: func(verb, argument string) []string {
			return map[string][]string{"print": {"echo", argument}, "fail": {"sh", "-c", "exit 3"}, "sleep": {"sleep", argument}}[verb]
		},
	})
}
