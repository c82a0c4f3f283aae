package manifest

import (
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/source"
)

// TakeOver says how to change fields of other field managers.
const TakeOver = "--force-conflicts takes them over"

// hasReplicas reports whether a conflict is about the replicas of a workload.
func hasReplicas(err error) bool {
	var answer apierrors.APIStatus
	return errors.As(err, &answer) && answer.Status().Details != nil &&
		slices.ContainsFunc(answer.Status().Details.Causes, func(c metav1.StatusCause) bool { return c.Field == ".spec.replicas" })
}

// explain adds the place of an object to an error of the server.
func explain(o *Object, err error) error {
	changed, denied, left := new(cluster.ChangedError), new(cluster.RefusedError), new(LeftOutError)
	switch {
	case errors.As(err, &changed):
		return fmt.Errorf("%s: %s keeps being changed by others while it is applied: %w", o.Position, o, err)
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), errors.As(err, &denied):
		return &source.Error{Position: o.Position, Message: err.Error(), Err: err}
	case errors.As(err, &left):
		return fmt.Errorf("%s: %s: %w (--force-conflicts deletes it)", o.Position, o, err)
	case apierrors.IsConflict(err):
		hint := TakeOver
		if hasReplicas(err) {
			hint += "; if an autoscaler sets spec.replicas, leave it out of the manifest"
		}
		return fmt.Errorf("%s: %w (%s)", o.Position, err, hint)
	}
	return err
}

// refused reports whether the server has answered a request and changed nothing.
func refused(err error) bool {
	var answer apierrors.APIStatus
	denied := new(cluster.RefusedError)
	return errors.As(err, &answer) && answer.Status().Code/100 == 4 || errors.As(err, &denied)
}
