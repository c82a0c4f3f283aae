package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Patience says how long to go on asking an API server that is away: while it is upgraded, for
// example, or while a network is down.
type Patience struct {
	// Limit is how long it may be away without an answer in between.
	Limit time.Duration
	// Now returns the time, and Pause waits for a duration.
	Now   func() time.Time
	Pause func(context.Context, time.Duration) error
	// Notify is called when the server is away, and when it is back. It must be safe for concurrent use.
	Notify func(message string)
}

// AwayError reports that an API server was away for longer than Patience.Limit.
type AwayError struct {
	Cluster string
	For     time.Duration
	Err     error
}

// Error says for how long, and what the last request met.
func (e *AwayError) Error() string {
	return fmt.Sprintf("cluster %s has not answered for %s: %v", e.Cluster, e.For.Round(time.Second), e.Err)
}

// Unwrap returns the error of the last request.
func (e *AwayError) Unwrap() error { return e.Err }

// The pauses between two questions to a server that is away. They double.
const firstAway, longestAway = time.Second, 10 * time.Second

// reading and writing are what a request does. A write may fail for a webhook that is broken,
// which the server reports as an internal error of its own.
const reading, writing = false, true

// endure is like retry. With Patience, it goes on while the API server is away. The error is then
// an *AwayError.
func endure[T any](ctx context.Context, o *Objects, writes bool, do func() (T, error)) (T, error) {
	given, err := retry(ctx, o.Cluster, do)
	p := o.Patience
	if p == nil || !isAway(err, writes) || ctx.Err() != nil {
		return given, err
	}
	since := p.Now()
	p.Notify(fmt.Sprintf("cluster %s does not answer; it is asked again for %s: %v", o.Name, p.Limit, err))
	for pause := firstAway; ; pause = min(2*pause, longestAway) {
		if p.Pause(ctx, pause) != nil {
			return given, err
		}
		given, err = do()
		if ctx.Err() != nil {
			return given, err
		}
		if !isAway(err, writes) {
			p.Notify("cluster " + o.Name + " answers again")
			return given, err
		}
		if away := p.Now().Sub(since); away >= p.Limit {
			return given, &AwayError{Cluster: o.Name, For: away, Err: err}
		}
	}
}

// isAway reports whether err means that the API server cannot be reached, or cannot answer now.
func isAway(err error, writes bool) bool {
	if err == nil {
		return false
	}
	var answer apierrors.APIStatus
	if errors.As(err, &answer) && writes && answer.Status().Code == http.StatusInternalServerError {
		return false
	}
	var connection *net.OpError
	var network net.Error
	return isTemporary(err) || errors.As(err, &connection) || errors.As(err, &network) && network.Timeout()
}
