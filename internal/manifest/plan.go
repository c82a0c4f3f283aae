package manifest

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// parallel bounds how many objects are planned in parallel.
const parallel = 8

// Plan returns what Apply would do, in its order. It asks the server by dry runs, and changes
// nothing. It fails if the server would refuse one of the changes, with a *source.Error if
// the manifest is to blame.
func Plan(ctx context.Context, s Store, w Wanted) ([]Change, error) {
	changes, errs := make([]Change, len(w.Objects)), make([]error, len(w.Objects))
	group, limited := panics.WithContext(ctx)
	group.SetLimit(parallel)
	for n, o := range w.Objects {
		group.Go(func() error {
			changes[n], errs[n] = w.plan(limited, s, o)
			wrong, left := new(source.Error), new(LeftOutError)
			if err := errs[n]; err != nil && !errors.As(err, &wrong) && !errors.As(err, &left) && !apierrors.IsConflict(err) {
				return err // the others would fail in the same way
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	pruned, err := w.planPrune(ctx, s)
	return append(changes, pruned...), err
}

func (w Wanted) plan(ctx context.Context, s Store, o *Object) (Change, error) {
	object := w.object(o)
	before, err := s.Get(ctx, o.Kind(), o.Name())
	if none := new(cluster.NoKindError); errors.As(err, &none) {
		if w.defines(o.Kind()) {
			return o.changeOf(object, nil, object), nil
		}
		hint := "install what defines it, or put its CustomResourceDefinition among the manifests"
		if none.Usual != "" {
			hint = ""
		}
		return Change{}, &source.Error{Position: o.Position, Message: none.Error(), Hint: hint, Err: err}
	}
	if err != nil {
		return Change{}, err
	}
	if err := w.checkOwner(o, before); err != nil {
		return Change{}, err
	}
	after, _, err := s.Apply(ctx, object, w.Force, true)
	if err == nil {
		after, err = w.leaveOut(ctx, s, o, before, after)
	}
	switch {
	case apierrors.IsNotFound(err) && before == nil: // its namespace is not created yet
		return o.changeOf(object, nil, object), nil
	case apierrors.IsInvalid(err) && isJob(before):
		return w.planJob(ctx, s, o, before, err)
	case err != nil:
		return Change{}, explain(o, err)
	}
	return o.changeOf(object, before, after), nil
}

// checkOwner returns a *source.Error if an object that is there belongs to another project, or
// is being deleted. before may be nil.
func (w Wanted) checkOwner(o *Object, before *unstructured.Unstructured) error {
	if before == nil {
		return nil
	}
	if project := before.GetLabels()[secret.LabelProject]; project != "" && project != w.Project {
		return &source.Error{Position: o.Position, Message: fmt.Sprintf("%s was applied by slipway for project %s", o, project),
			Hint: "give it another name, or remove its label " + secret.LabelProject}
	}
	if before.GetDeletionTimestamp() != nil {
		return &source.Error{Position: o.Position, Message: o.String() + " is being deleted", Hint: "wait until it is gone, or until nothing uses it any more"}
	}
	return nil
}
