package google

import (
	"context"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/slipway-ci/slipway/internal/panics"
)

const (
	// early is how long before its end a token is renewed. The metadata server gives the same
	// token again until four minutes before its end.
	early = 225 * time.Second
	// again is how long to wait after a renewal that failed, while the token is still valid.
	again = 30 * time.Second
	// margin is how long before its end a token counts as expired.
	margin = 10 * time.Second
	// endless is how long a token counts as valid if Google does not say.
	endless = time.Hour
)

// tokens hold the last access token and renew it. All callers that need a new one wait for
// the same request.
type tokens struct {
	renew func(context.Context) (*oauth2.Token, error)

	mu    sync.Mutex
	token *oauth2.Token
	// due is when the token is renewed.
	due time.Time
	// refused is a token that a service has refused although it is not due.
	refused string
	flight  *flight
}

// flight is a renewal that is under way.
type flight struct {
	done   chan struct{}
	cancel context.CancelFunc
	// waiting is the number of callers. The renewal ends with the last of them.
	waiting int
	token   *oauth2.Token
	err     error
}

// get returns a token that is valid for a while.
func (t *tokens) get(ctx context.Context) (*oauth2.Token, error) { return t.other(ctx, "") }

// other returns a token as get does, but not the one that a service has refused.
func (t *tokens) other(ctx context.Context, refused string) (*oauth2.Token, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.mu.Lock()
	if refused != "" && t.token != nil && t.token.AccessToken == refused {
		t.refused, t.due = refused, time.Time{}
	}
	if t.token != nil && time.Now().Before(t.due) {
		defer t.mu.Unlock()
		return t.token, nil
	}
	if t.flight == nil {
		t.start(ctx)
	}
	f := t.flight
	f.waiting++
	t.mu.Unlock()
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		f.cancel()
		if t.flight == f {
			t.flight = nil
		}
	}
	return nil, ctx.Err()
}

// start begins a renewal, which does not end with the caller that began it.
func (t *tokens) start(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{done: make(chan struct{}), cancel: cancel}
	t.flight = f
	panics.Go(func() {
		token, err := t.renew(ctx)
		t.land(f, token, err)
	}, func(err error) { t.land(f, nil, err) })
}

// land ends a renewal. If it failed, and the last token is still valid, that is used on.
func (t *tokens) land(f *flight, token *oauth2.Token, err error) {
	f.cancel()
	t.mu.Lock()
	defer t.mu.Unlock()
	defer close(f.done)
	current := t.flight == f
	if current {
		t.flight = nil
	}
	now := time.Now()
	switch old := t.token; {
	case err == nil && current:
		t.token, t.refused, t.due = token, "", due(token, now)
	case err == nil: // all callers have gone
	case current && old != nil && old.AccessToken != t.refused && now.Before(old.Expiry.Add(-margin)):
		token, err = old, nil
		if t.due = now.Add(again); t.due.After(old.Expiry.Add(-margin)) {
			t.due = old.Expiry.Add(-margin)
		}
	}
	f.token, f.err = token, err
}

// due returns when to renew a token that has just been got. One with a short life is used
// for half of it.
func due(token *oauth2.Token, now time.Time) time.Time {
	if token.Expiry.IsZero() {
		return now.Add(endless)
	}
	return token.Expiry.Add(-min(early, token.Expiry.Sub(now)/2))
}
