package cluster

import (
	"context"
	"slices"
)

// RefusedError reports that a quota or a policy of the cluster refuses an object, although the
// user has permission to write it.
type RefusedError struct{ Message string }

// Error returns the message.
func (e *RefusedError) Error() string { return e.Message }

// refusedByPolicy returns a *RefusedError. where says what was done to which object.
func refusedByPolicy(where string, err error) error {
	return &RefusedError{where + ": the cluster refuses it, by a quota or a policy: " + err.Error()}
}

// permits reports whether the user has permission for all verbs of a request that was forbidden,
// so that something else has forbidden it. The server answers both in the same way.
func (c *Cluster) permits(ctx context.Context, of Right, verbs ...string) bool {
	rights := make([]Right, len(verbs))
	for i, verb := range verbs {
		rights[i] = of
		rights[i].Verb = verb
	}
	verdicts, err := c.Review(ctx, rights)
	return err == nil && !slices.ContainsFunc(verdicts, func(v Verdict) bool { return v != Allowed })
}
