package manifest

import (
	"context"
	"errors"
	"slices"

	"github.com/slipway-ci/slipway/internal/secret"
)

// Rollback puts back what was before Apply made the changes, in reverse order: it deletes what
// was created, unless it is not the project's. It returns all errors joined.
func Rollback(ctx context.Context, s Store, made []Change) error {
	var errs []error
	for _, c := range slices.Backward(made) {
		if c.Action != Create {
			errs = append(errs, s.Replace(ctx, c.before))
			continue
		}
		now, err := s.Get(ctx, c.Kind, c.Name)
		if err == nil && now != nil && now.GetLabels()[secret.LabelProject] == c.object.GetLabels()[secret.LabelProject] {
			err = s.Delete(ctx, c.Kind, c.Name)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
