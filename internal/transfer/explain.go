package transfer

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-ci/slipway/internal/storage"
)

// explainedError is an error of Cloud Storage with what was asked for.
type explainedError struct {
	what string
	err  error
}

// Error implements error.
func (e *explainedError) Error() string { return e.what + ": " + e.err.Error() }

// Unwrap returns the error of Cloud Storage.
func (e *explainedError) Unwrap() error { return e.err }

// Explain says what was asked for when Cloud Storage refused it: what a *PlaceError names, or else p. In place of a bucket
// that is not there it names one of the client's project with a similar name. It returns other errors as they are, and
// those that it has explained already.
func Explain(ctx context.Context, client *storage.Client, err error, p Place) error {
	if at := new(PlaceError); errors.As(err, &at) {
		p = at.Place
	}
	if !errors.As(err, new(*storage.Error)) || !p.Remote() || errors.As(err, new(*explainedError)) {
		return err
	}
	what := "gs://" + p.Bucket
	switch {
	case storage.Is(err, 404):
		what = fmt.Sprintf("there is no bucket gs://%s: create it with `slipway data mb gs://%s`", p.Bucket, p.Bucket)
		if near := nearBucket(ctx, client, p.Bucket); near != "" {
			what = fmt.Sprintf("there is no bucket gs://%s: did you mean gs://%s? If not, create it with `slipway data mb gs://%s`", p.Bucket, near, p.Bucket)
		}
	case storage.Is(err, 401):
		what += ": the access token is rejected: check whether the account still exists, and the clock of this machine"
	case storage.Is(err, 400) && storage.RequesterPays(err):
		what += " is paid for by those who read it (requester pays), which slipway does not do: copy it with `gcloud storage cp --billing-project`"
	case storage.Scope(err):
		what += ": the access token lacks a scope: give the virtual machine or the node pool the access scope cloud-platform, or log in again with it"
	case storage.Permission(err):
		what = fmt.Sprintf("no access to gs://%s: have the role roles/storage.objectUser granted on it", p.Bucket)
	}
	return &explainedError{what, err}
}
