package tasks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/printer"
)

// skewed is a server whose clock is ahead of this machine's clock. It has one run, of a
// service. The run was created age ago; a negative age is in the future.
type skewed struct {
	ahead, age time.Duration

	// follows makes the run start over, and advance through its statuses with every fifth
	// request.
	follows bool

	mu    sync.Mutex
	asked int
}

var skewedUUID = strings.Repeat("0", 31) + "1"

func (s *skewed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now().Add(s.ahead).UTC()
	stamp := func(t time.Time) string { return t.Format(time.RFC3339Nano) }
	w.Header().Set("Date", now.Format(http.TimeFormat))
	one := map[string]any{"uuid": skewedUUID, "name": "api", "kind": "service", "status": "running", "created_at": stamp(now.Add(-s.age)), "started_at": stamp(now.Add(-s.age)), "finished_at": stamp(now),
		"content": `{"run":{"kind":"service","container":{"resources":{"limits":{"nvidia.com/gpu":1}}}}}`}
	var answer any
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/runs"):
		answer = map[string]any{"count": 1, "results": []any{one}}
	case strings.HasSuffix(path, "/statuses"):
		story := []string{"queued", "starting", "running", "succeeded"}
		reached := 3
		if s.follows {
			s.mu.Lock()
			s.asked++
			reached = min(len(story), 1+s.asked/5)
			s.mu.Unlock()
		}
		var conditions []any
		for _, status := range story[:reached] {
			conditions = append(conditions, map[string]any{"type": status, "message": "by a clock", "last_transition_time": stamp(now.Add(-s.age)), "last_update_time": stamp(now.Add(-s.age))})
		}
		answer = map[string]any{"status": story[reached-1], "status_conditions": conditions}
	case strings.HasSuffix(path, "/runs/"+skewedUUID):
		answer = one
	default:
		answer = map[string]any{}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// TestServersClockIsWrong lists and follows a run of a server whose clock is hours ahead of
// or behind this machine's clock. Ages must follow the server's clock, no duration and no
// cost may be negative, and a run may wait for its full limit.
func TestServersClockIsWrong(t *testing.T) {
	for _, ahead := range []time.Duration{-30 * time.Hour, 30 * time.Hour} {
		for _, age := range []time.Duration{3 * time.Hour, -3 * time.Hour} {
			t.Run(fmt.Sprintf("%s ahead, %s old", ahead, age), func(t *testing.T) {
				skewed := &skewed{ahead: ahead, age: age}
				server := httptest.NewServer(skewed)
				defer server.Close()
				env, events, _ := serving(t, "prices: {currency: EUR, per-hour: {nvidia.com/gpu: 2}}\npolyaxon: {host: '"+server.URL+"'}", unreachable)
				list, err := Runs(t.Context(), env, RunsOptions{})
				if err != nil || len(list.Runs) != 1 {
					t.Fatalf("%+v, %v", list, err)
				}
				want := max(age, time.Second)
				if one := list.Runs[0]; one.Age < max(1, (want-time.Minute).Seconds()) || one.Age > (want+time.Minute).Seconds() || one.Times != nil && one.Running != nil && *one.Running < 0 || one.Cost == nil && age > 0 || one.Cost != nil && (one.Cost.Amount == nil || *one.Cost.Amount < 0) {
					t.Errorf("it is %s old, ran for %v and cost %v", printer.Age(one.Age), one.Times, one.Cost)
				}
				if strings.Contains(events.String(), "has run for") {
					t.Errorf("it is taken for a forgotten one: %s", events)
				}
				skewed.follows = true
				env.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
				followed, err := Follow(t.Context(), env, FollowOptions{Run: skewedUUID, FailPending: time.Hour})
				if err != nil || followed.Jobs[0].Status != "succeeded" || *followed.Jobs[0].Queued < 0 || *followed.Jobs[0].Running < 0 {
					t.Errorf("%+v, %v", followed, err)
				}
			})
		}
	}
}
