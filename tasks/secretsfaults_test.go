package tasks

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/google/googletest"
)

// atOnce is a pause that takes no time.
func atOnce(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// TestConflictAtEveryWrite answers each write of a sync with a conflict, once and always. Of a
// conflict between two writers, one is the winner and the other one tries again. A field of
// another manager is a matter for the user.
func TestConflictAtEveryWrite(t *testing.T) {
	t.Parallel()
	const modified = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","code":409,"message":"Operation cannot be fulfilled on secrets \"b\": the object has been modified; please apply your changes to the latest version and try again"}`
	const exists = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"AlreadyExists","code":409,"message":"secrets \"b\" already exists"}`
	const owned = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","code":409,"message":"Apply failed with 1 conflict: conflict with \"helm\": .data.token","details":{"causes":[{"reason":"FieldManagerConflict","message":"conflict with \"helm\"","field":".data.token"}]}}`
	for name, c := range map[string]struct {
		answer string
		times  int
		code   int
		want   string
	}{
		"modified once":   {modified, 1, ExitOK, ""},
		"exists once":     {exists, 1, ExitOK, ""},
		"modified always": {modified, 1 << 10, ExitStep, "somebody else changes it at the same time, 5 times in a row: run it again"},
		"exists always":   {exists, 1 << 10, ExitStep, "somebody else changes it at the same time, 5 times in a row: run it again"},
		"owned":           {owned, 1, ExitStep, "slipway secrets sync --force-conflicts takes them over"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for k := 1; k <= 6; k++ { // two secrets are applied, and one is deleted: a try, and in earnest
				var writes, left, answered atomic.Int64
				v := newVault(t, func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						write := r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/secrets/")
						if write && left.Load() > 0 && (answered.Load() > 0 || writes.Add(1) == int64(k)) {
							left.Add(-1)
							answered.Add(1)
							w.Header().Set("Content-Type", "application/json")
							w.WriteHeader(http.StatusConflict)
							_, _ = io.WriteString(w, c.answer)
							return
						}
						next.ServeHTTP(w, r)
					})
				})
				v.env.Sleep = atOnce
				v.values["TOKEN"] = "first-value"
				v.secrets("  a: {data: {token: env:TOKEN}}\n  gone: {data: {token: env:TOKEN}}\n")
				if _, err := v.sync(SecretsOptions{}); err != nil {
					t.Fatal(err)
				}
				v.values["TOKEN"] = "second-value"
				v.secrets("  a: {data: {token: env:TOKEN}}\n  b: {data: {token: env:TOKEN}}\n")
				left.Store(int64(c.times))
				_, err := v.sync(SecretsOptions{Prune: true})
				if ExitCode(err) != c.code || c.want != "" && !strings.Contains(err.Error(), c.want) || answered.Load() > 6 {
					t.Errorf("write %d, %d conflicts: exit code %d: %v", k, answered.Load(), ExitCode(err), err)
				}
				left.Store(0)
				if _, err := v.sync(SecretsOptions{Prune: true}); err != nil {
					t.Errorf("after write %d: %v", k, err)
				}
				if done, err := v.sync(SecretsOptions{Prune: true}); err != nil || done != "a unchanged, b unchanged" {
					t.Errorf("after write %d: %s, %v", k, done, err)
				}
			}
		})
	}
}

// TestUnauthorizedAtEveryRequest lets all tokens of Google expire at each request of a sync. The
// API server answers 401 then, a new token is got, and nobody is told of it. If no token is taken,
// that is an error.
func TestUnauthorizedAtEveryRequest(t *testing.T) {
	c, env, events := inCloud(t, map[string]string{"slipway.yaml": inGoogle + "secrets:\n  a: {data: {key: '" + managed("a") + "'}}\n  b: {data: {key: '" + managed("a") + "'}}\n"})
	c.AddSecret("a", &googletest.Version{Value: []byte("first-0123456789")})
	var count atomic.Int64
	at, always := int64(0), false
	c.arrives = func() {
		if n := count.Add(1); always || n == at {
			c.Expire()
		}
	}
	for requests := int64(1); at <= requests; at++ {
		c.AddSecret("a", &googletest.Version{Value: fmt.Appendf(nil, "value-of-sync-%d", at)})
		count.Store(0)
		c.refused.Store(0)
		synced, err := SecretsSync(t.Context(), env, SecretsOptions{Prune: true})
		if err != nil || len(synced.Secrets) != 2 || synced.Secrets[0].Action == "unchanged" || strings.Contains(events.String(), "nauthorized") {
			t.Errorf("request %d: %+v, %v\n%s", at, synced, err, events)
		}
		if at == 0 {
			if requests = count.Load(); requests < 4 {
				t.Errorf("a sync has only %d requests", requests)
			}
		} else if refused := c.refused.Load(); refused != 1 {
			t.Errorf("request %d: %d requests were refused", at, refused)
		}
	}
	always = true
	c.refused.Store(0)
	_, err := SecretsSync(t.Context(), env, SecretsOptions{})
	if ExitCode(err) != ExitStep || !strings.Contains(err.Error(), "Unauthorized") || c.refused.Load() > 2 {
		t.Errorf("exit code %d after %d requests: %v", ExitCode(err), c.refused.Load(), err)
	}
}
