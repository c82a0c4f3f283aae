package run

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestSubmitFindsExistingRun has runs that exist before, and checks which of them a
// submission finds.
func TestSubmitFindsExistingRun(t *testing.T) {
	for name, c := range map[string]struct {
		before []string // statuses, oldest first
		rerun  bool
		how    How
		which  int // index into before, or len(before) for a new run
		alive  int // number of active runs afterwards
	}{
		"nothing":                    {nil, false, Created, 0, 1},
		"one goes on":                {[]string{"running"}, false, Attached, 0, 1},
		"one waits":                  {[]string{"unschedulable"}, false, Attached, 0, 1},
		"one succeeded":              {[]string{"succeeded"}, false, UpToDate, 0, 0},
		"the newest success counts":  {[]string{"succeeded", "succeeded", "failed"}, false, UpToDate, 1, 0},
		"one failed":                 {[]string{"failed"}, false, Created, 1, 1},
		"one was stopped":            {[]string{"stopped"}, false, Created, 1, 1},
		"one is stopping":            {[]string{"stopping"}, false, Created, 1, 1},
		"the upstream of one failed": {[]string{"upstream_failed"}, false, Created, 1, 1},
		"one was skipped":            {[]string{"skipped"}, false, Created, 1, 1},
		"duplicates that a killed submitter left": {[]string{"running", "queued", "queued"}, false, Attached, 0, 1},
		"a duplicate beside a success":            {[]string{"succeeded", "running"}, false, UpToDate, 0, 0},
		"an older one goes on beside a success":   {[]string{"running", "succeeded"}, false, UpToDate, 1, 1},
		"a rerun of a success":                    {[]string{"succeeded"}, true, Created, 1, 1},
		"a rerun leaves what goes on":             {[]string{"running"}, true, Created, 1, 2},
		"a failed one between those that matter":  {[]string{"failed", "queued", "failed"}, false, Attached, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeServer(t)
			var before []string
			for _, status := range c.before {
				before = append(before, f.add("t-1", status))
			}
			f.add("t-2", "running") // a run of other inputs is ignored
			s := f.submission("t-1")
			s.Rerun = c.rerun
			got, err := Submit(t.Context(), f.client, s)
			if err != nil {
				t.Fatal(err)
			}
			if got.How != c.how || got.Unsettled {
				t.Errorf("came to its run by %v, unsettled %v", got.How, got.Unsettled)
			}
			if which := slices.Index(before, got.Run.UUID); c.which < len(before) && which != c.which || c.which == len(before) && which != -1 {
				t.Errorf("came to run %s, number %d", got.Run.UUID, which)
			}
			if alive := f.alive(); len(alive) != c.alive+1 {
				t.Errorf("%d runs go on: %v", len(alive), alive)
			}
		})
	}
}

// TestSubmitFindsFormerKeys has runs with former keys. They must count like all others,
// and a new run must have only the newest key.
func TestSubmitFindsFormerKeys(t *testing.T) {
	for name, c := range map[string]struct {
		before [][2]string // key and status, oldest first
		how    How
		which  int
		alive  int
	}{
		"succeeded under the former key":          {[][2]string{{"t-old", "succeeded"}}, UpToDate, 0, 0},
		"goes on under the former key":            {[][2]string{{"t-old", "running"}}, Attached, 0, 1},
		"the older of both keys stays":            {[][2]string{{"t-old", "running"}, {"t-1", "running"}}, Attached, 0, 1},
		"the newest success, whatever its key":    {[][2]string{{"t-old", "succeeded"}, {"t-1", "succeeded"}}, UpToDate, 1, 0},
		"failed under both":                       {[][2]string{{"t-old", "failed"}, {"t-1", "failed"}}, Created, 2, 1},
		"a success of a key that is not of these": {[][2]string{{"t-other", "succeeded"}}, Created, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeServer(t)
			var before []string
			for _, b := range c.before {
				before = append(before, f.add(b[0], b[1]))
			}
			s := f.submission("t-1")
			s.FormerKeys = []string{"t-old", "t-older"}
			got, err := Submit(t.Context(), f.client, s)
			if err != nil {
				t.Fatal(err)
			}
			if got.How != c.how || c.which < len(before) && got.Run.UUID != before[c.which] {
				t.Errorf("came to run %s by %v", got.Run.UUID, got.How)
			}
			if got.How == Created && got.Run.MetaInfo[MetaKey] != "t-1" {
				t.Errorf("the new run's key is %v", got.Run.MetaInfo[MetaKey])
			}
			if alive := f.alive(); len(alive) != c.alive {
				t.Errorf("%d runs go on: %v", len(alive), alive)
			}
		})
	}
}

// TestSubmitThroughFaults has every kind of fault at the request for the run. Exactly one
// run must result, whatever the server did before it responded.
func TestSubmitThroughFaults(t *testing.T) {
	for name, faults := range map[string][]fault{
		"the request is lost":                {{never: true, code: -1}},
		"the answer is lost":                 {{code: -1}},
		"it is lost again and again":         {{never: true, code: -1}, {never: true, code: -1}, {code: -1}},
		"405 and nothing was made":           {{never: true, code: 405}},
		"405 after it was made":              {{code: 405}},
		"500 after it was made":              {{code: 500}},
		"a gateway gives up":                 {{code: 504}},
		"it arrives twice":                   {{twice: true}},
		"it arrives twice, without answer":   {{twice: true, code: -1}},
		"it arrives twice, the server fails": {{twice: true, code: 500}},
	} {
		for _, rerun := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				f := newFakeServer(t)
				f.create = func(n int) fault {
					if n <= len(faults) {
						return faults[n-1]
					}
					return fault{}
				}
				s := f.submission("t-1")
				s.Rerun = rerun
				got, err := Submit(t.Context(), f.client, s)
				if err != nil {
					t.Fatal(err)
				}
				if got.How != Created {
					t.Errorf("a run that was made now counts as %v", got.How)
				}
				if alive := f.alive(); len(alive) != 1 || alive[0] != got.Run.UUID {
					t.Errorf("%v go on, and the submission has %s", alive, got.Run.UUID)
				}
			})
		}
	}
}

// TestSubmitGivesUp checks that Submit returns an error if the server never recovers.
func TestSubmitGivesUp(t *testing.T) {
	f := newFakeServer(t)
	f.create = func(int) fault { return fault{never: true, code: 405} }
	if _, err := Submit(t.Context(), f.client, f.submission("t-1")); err == nil || f.creates != maxAttempts {
		t.Errorf("asked %d times: %v", f.creates, err)
	}
	f.create = func(int) fault { return fault{never: true, code: 400} }
	f.creates = 0
	if _, err := Submit(t.Context(), f.client, f.submission("t-1")); err == nil || f.creates != 1 {
		t.Errorf("asked %d times after a refusal: %v", f.creates, err)
	}
}

// TestSubmitLate has a request without a response create its run long after another one
// was created instead. Settle must stop the younger of the two, and OlderRun must return the
// older one.
func TestSubmitLate(t *testing.T) {
	for _, rerun := range []bool{false, true} {
		f := newFakeServer(t)
		f.create = func(n int) fault { return fault{late: n == 1, code: map[bool]int{true: -1}[n == 1]} }
		s := f.submission("t-1")
		s.Rerun = rerun
		got, err := Submit(t.Context(), f.client, s)
		if err != nil || !got.Unsettled {
			t.Fatalf("%+v, %v", got, err)
		}
		if older, err := OlderRun(t.Context(), f.client, s, got); older != nil || err != nil {
			t.Fatalf("an older run before there is one: %v, %v", older, err)
		}
		f.release()
		Settle(t.Context(), f.client, s, got)
		alive := f.alive()
		if len(alive) != 1 || alive[0] == got.Run.UUID {
			t.Fatalf("%v go on; the younger is %s", alive, got.Run.UUID)
		}
		older, err := OlderRun(t.Context(), f.client, s, got)
		if err != nil || older == nil || older.Run.UUID != alive[0] {
			t.Errorf("the older run is %v, %v", older, err)
		}
	}
}

// TestSubmitUncompiled has the server accept an operation that it cannot compile, with
// and without a response.
func TestSubmitUncompiled(t *testing.T) {
	for _, code := range []int{0, -1} {
		f := newFakeServer(t)
		f.create = func(int) fault { return fault{code: code} }
		s := f.submission("t-1")
		s.Content = "bad"
		_, err := Submit(t.Context(), f.client, s)
		var uncompiled *CompileError
		if !errors.As(err, &uncompiled) || uncompiled.Message != "no such input" || f.creates != 1 {
			t.Errorf("%d requests: %v", f.creates, err)
		}
	}
}

// TestSubmitLooksEverywhere uses servers that make it hard to find a run.
func TestSubmitLooksEverywhere(t *testing.T) {
	t.Run("behind 250 others", func(t *testing.T) {
		f := newFakeServer(t)
		first := f.add("t-1", "running")
		for range 250 {
			f.add("t-1", "failed")
		}
		got, err := Submit(t.Context(), f.client, f.submission("t-1"))
		if err != nil || got.Run.UUID != first {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("where meta_info is no query", func(t *testing.T) {
		f := newFakeServer(t)
		f.query = func(string) (int, bool) { return http.StatusBadRequest, false }
		first := f.add("t-1", "running")
		got, err := Submit(t.Context(), f.client, f.submission("t-1"))
		if err != nil || got.Run.UUID != first || f.creates != 0 {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("where meta_info finds nothing", func(t *testing.T) {
		f := newFakeServer(t)
		f.query = func(string) (int, bool) { return 0, false }
		first := f.add("t-1", "running")
		got, err := Submit(t.Context(), f.client, f.submission("t-1"))
		if err != nil || got.Run.UUID != first || len(f.alive()) != 1 {
			t.Errorf("%+v, %v, alive %v", got, err, f.alive())
		}
	})
	t.Run("where lists lag", func(t *testing.T) {
		f := newFakeServer(t)
		f.lag = 2
		got, err := Submit(t.Context(), f.client, f.submission("t-1"))
		if err != nil || got.How != Created || got.Unsettled {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("not among the deleted", func(t *testing.T) {
		f := newFakeServer(t)
		first := f.add("t-1", "running")
		f.run(first).deleted = true
		got, err := Submit(t.Context(), f.client, f.submission("t-1"))
		if err != nil || got.How != Created {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// TestSubmitInterrupted cancels the context during the request for the run. A run that
// was created must be returned, so that it can be stopped. If that is unknown, the error
// must say so.
func TestSubmitInterrupted(t *testing.T) {
	for name, c := range map[string]struct {
		fault       fault
		made        bool
		unconfirmed bool
	}{
		"it is answered in time": {fault: fault{}, made: true},
		"the answer is lost":     {fault: fault{code: -1}, made: true},
		"the server fails":       {fault: fault{never: true, code: 500}},
		"the request is lost":    {fault: fault{never: true, code: -1}, unconfirmed: true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeServer(t)
			ctx, cancel := context.WithCancel(t.Context())
			hold := make(chan struct{})
			c.fault.hold = hold
			f.create = func(int) fault {
				cancel()
				time.AfterFunc(20*time.Millisecond, func() { close(hold) })
				return c.fault
			}
			got, err := Submit(ctx, f.client, f.submission("t-1"))
			var unconfirmed *UnconfirmedError
			if !errors.Is(err, context.Canceled) || errors.As(err, &unconfirmed) != c.unconfirmed {
				t.Errorf("ended with %v", err)
			}
			if (got != nil) != c.made || f.creates != 1 {
				t.Errorf("gave %+v after %d requests", got, f.creates)
			}
		})
	}
	t.Run("nothing was sent", func(t *testing.T) {
		f := newFakeServer(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got, err := Submit(ctx, f.client, f.submission("t-1")); got != nil || !errors.Is(err, context.Canceled) || f.creates != 0 {
			t.Errorf("gave %+v, %v", got, err)
		}
	})
}

// TestSubmitRaces has two and eight submitters at the same time, repeatedly. All must get
// the same run, and no other may remain active.
func TestSubmitRaces(t *testing.T) {
	times := 10
	if testenv.Thorough() {
		times = 50
	}
	for _, submitters := range []int{2, 8} {
		for range times {
			f := newFakeServer(t)
			uuids := make([]string, submitters)
			var group sync.WaitGroup
			for n := range submitters {
				group.Go(func() {
					s := f.submission("t-1")
					got, err := Submit(t.Context(), f.client, s)
					if err != nil {
						t.Error(err)
						return
					}
					// A duplicate may have been stopped in favor of an older run that its submitter did
					// not see yet.
					if f.statusOf(got.Run.UUID) == "stopping" {
						if older, err := OlderRun(t.Context(), f.client, s, got); err != nil || older == nil {
							t.Errorf("run %s was stopped, and none is older: %v", got.Run.UUID, err)
						} else {
							got = older
						}
					}
					uuids[n] = got.Run.UUID
				})
			}
			group.Wait()
			if alive := f.alive(); len(alive) != 1 || len(slices.Compact(uuids)) != 1 || alive[0] != uuids[0] {
				t.Fatalf("%d submitters came to %v, and %v go on", submitters, uuids, alive)
			}
		}
	}
}

// TestSubmitService submits a service whose run succeeded. That run does not count, and
// the service is started again.
func TestSubmitService(t *testing.T) {
	f := newFakeServer(t)
	f.add("t-1", "succeeded")
	s := f.submission("t-1")
	s.Service = true
	made, err := Submit(t.Context(), f.client, s)
	if err != nil || made.How != Created {
		t.Fatalf("%+v, %v", made, err)
	}
	again, err := Submit(t.Context(), f.client, s)
	if err != nil || again.How != Attached || again.Run.UUID != made.Run.UUID || len(f.alive()) != 1 {
		t.Errorf("%+v, %v, %v go on", again, err, f.alive())
	}
}
