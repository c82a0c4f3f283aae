package polyaxon_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// A real server whose database is locked responds to writes with 405, before or after it
// has done what was requested. Each job that is submitted to it concurrently must have
// exactly one run.
func TestSubmitToFailingServer(t *testing.T) {
	failed := &atomic.Int64{}
	client, err := polyaxon.New(polyaxon.Options{Host: testenv.FailingPolyaxon(t), Transport: disguised(failed)})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for {
		if err := client.EnsureProject(ctx, "failing"); err == nil {
			break
		} else if !polyaxon.Temporary(err) {
			t.Fatal(err)
		}
	}
	jobs := 8
	if testenv.Thorough() {
		jobs = 40
	}
	content := fmt.Sprintf(`{"version":1.1,"kind":"operation","component":{"version":1.1,"kind":"component","run":{"kind":"job","container":{"image":"none","command":[%q,"print=x"]}}}}`, program(t))
	var group sync.WaitGroup
	places := make(chan struct{}, 4)
	for i := range jobs {
		group.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			submission := run.Submission{Project: "failing", Name: fmt.Sprintf("job-%d", i), Content: content, Key: fmt.Sprintf("t-failing-%d", i)}
			var submitted *run.Submitted
			for submitted == nil { // Submit may give up. Call it again then, as users would.
				var err error
				if submitted, err = run.Submit(ctx, client, submission); err != nil && (ctx.Err() != nil || !polyaxon.Temporary(err)) {
					t.Errorf("job %d: %v", i, err)
					return
				}
			}
			runs, count, err := client.Runs(ctx, "failing", polyaxon.Query{Query: "name:" + submission.Name})
			if err != nil || count != 1 || runs[0].UUID != submitted.Run.UUID {
				t.Errorf("job %d is there %d times (%v)", i, count, err)
			}
		})
	}
	group.Wait()
	t.Logf("the server failed %d times", failed.Load())
}

// disguised returns a transport that counts the responses with status 405.
func disguised(count *atomic.Int64) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		response, err := http.DefaultTransport.RoundTrip(r)
		if err == nil && response.StatusCode == http.StatusMethodNotAllowed {
			count.Add(1)
		}
		return response, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
