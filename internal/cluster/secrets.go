package cluster

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/secret"
)

// Secrets returns the Secrets of the namespace as a store.
func (c *Cluster) Secrets() secret.Store { return secrets{Cluster: c} }

// TriedSecrets is like Secrets, but the API server only says whether it would make each change.
func (c *Cluster) TriedSecrets() secret.Store { return secrets{c, []string{metav1.DryRunAll}} }

// secrets implements secret.Store.
type secrets struct {
	*Cluster
	dryRun []string
}

// written selects the Secrets that slipway may have written. Helm keeps a Secret for each
// revision of a release, of up to 1 MiB.
const written = "type!=helm.sh/release.v1"

// List implements secret.Store.
func (s secrets) List(ctx context.Context) ([]secret.Stored, error) {
	all, err := s.list(ctx)
	if err != nil {
		return nil, s.explain(ctx, "list secrets", "", err)
	}
	return all, nil
}

func (s secrets) list(ctx context.Context) ([]secret.Stored, error) {
	list, err := retry(ctx, s.Cluster, func() (*v1.SecretList, error) {
		return s.Client.CoreV1().Secrets(s.Namespace).List(ctx, metav1.ListOptions{FieldSelector: written})
	})
	if err != nil {
		return nil, err
	}
	all := make([]secret.Stored, len(list.Items))
	for i := range list.Items {
		all[i] = stored(&list.Items[i])
	}
	return all, nil
}

// Read implements secret.Store. It fails if one of the Secrets may not be read.
func (s secrets) Read(ctx context.Context, names []string) ([]secret.Stored, error) {
	found, unread, err := s.ReadableSecrets(ctx, names)
	for _, name := range names {
		if err == nil {
			err = unread[name]
		}
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// ReadableSecrets returns those Secrets with these names that exist and that the user may
// read, and the errors of those that the user may not read, by their names. It reads several
// Secrets by one request, or by one request for each if the user may not list Secrets. Either
// right is enough.
func (c *Cluster) ReadableSecrets(ctx context.Context, names []string) (found []secret.Stored, unread map[string]error, err error) {
	s := secrets{Cluster: c}
	if len(names) < 2 {
		if found, unread, err = s.readEach(ctx, names); err != nil || len(unread) == 0 {
			return found, unread, err
		}
	}
	all, err := s.list(ctx)
	switch {
	case err == nil:
		return slices.DeleteFunc(all, func(x secret.Stored) bool { return !slices.Contains(names, x.Name) }), nil, nil
	case !apierrors.IsForbidden(err):
		return nil, nil, s.explain(ctx, "list secrets", "", err)
	case len(names) == 1:
		return found, unread, nil
	}
	return s.readEach(ctx, names)
}

// maxParallelReads bounds how many Secrets are read in parallel.
const maxParallelReads = 8

func (s secrets) readEach(ctx context.Context, names []string) ([]secret.Stored, map[string]error, error) {
	found, forbidden := make([][]secret.Stored, len(names)), make([]error, len(names))
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(maxParallelReads)
	for i, name := range names {
		group.Go(func() error {
			item, err := retry(ctx, s.Cluster, func() (*v1.Secret, error) {
				return s.Client.CoreV1().Secrets(s.Namespace).Get(ctx, name, metav1.GetOptions{})
			})
			switch {
			case apierrors.IsNotFound(err):
			case apierrors.IsForbidden(err):
				forbidden[i] = s.explain(ctx, "get secret ", name, err)
			case err != nil:
				return s.explain(ctx, "get secret ", name, err)
			default:
				found[i] = []secret.Stored{stored(item)}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	unread := map[string]error{}
	for i, name := range names {
		if forbidden[i] != nil {
			unread[name] = forbidden[i]
		}
	}
	return slices.Concat(found...), unread, nil
}

// stored returns what a Secret of the cluster contains.
func stored(item *v1.Secret) secret.Stored {
	data := map[string]secret.Value{}
	for key, value := range item.Data {
		data[key] = secret.NewValue(value)
	}
	own, others := owners(item.ManagedFields)
	return secret.Stored{
		Name: item.Name, Type: string(item.Type), Data: data, Own: own, Others: others, Immutable: item.Immutable != nil && *item.Immutable,
		Managed: item.Labels[secret.LabelManagedBy] == FieldManager, Project: item.Labels[secret.LabelProject],
	}
}

// Apply implements secret.Store. Other fields and keys than those that it sets are left to
// their managers.
func (s secrets) Apply(ctx context.Context, b secret.Bundle, force bool) error {
	data := map[string][]byte{}
	for key, value := range b.Data {
		data[key] = value.Reveal()
	}
	labels := map[string]string{secret.LabelManagedBy: FieldManager, secret.LabelProject: b.Project}
	wanted := &v1.Secret{ObjectMeta: metav1.ObjectMeta{Name: b.Name, Namespace: s.Namespace, Labels: labels}, Type: v1.SecretType(b.Type), Data: data}
	if b.Immutable {
		wanted.Immutable = &b.Immutable
	}
	_, err := retryAfter(ctx, s.Cluster, s.again, func() (*v1.Secret, error) {
		return s.Client.CoreV1().Secrets(s.Namespace).Apply(ctx, wanted, metav1.ApplyOptions{FieldManager: FieldManager, Force: force, DryRun: s.dryRun})
	})
	if err != nil {
		return s.explain(ctx, "apply secret ", b.Name, err, "patch", "create")
	}
	return nil
}

// again reports whether a write is repeated. Of one that is only tried, another writer is no matter.
func (s secrets) again(err error) bool {
	return isTemporary(err) || s.dryRun == nil && isContended(err)
}

// Delete implements secret.Store.
func (s secrets) Delete(ctx context.Context, name string) error {
	_, err := retryAfter(ctx, s.Cluster, s.again, func() (any, error) {
		return nil, s.Client.CoreV1().Secrets(s.Namespace).Delete(ctx, name, metav1.DeleteOptions{DryRun: s.dryRun})
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return s.explain(ctx, "delete secret ", name, err, "delete")
	}
	return nil
}

// explain returns an error that says what the user can do. It is a *RefusedError if the user has the
// permissions for a write, which verbs are. When the API server rejects a Secret as invalid, its
// message may quote the Secret, so only the reason is kept.
func (s secrets) explain(ctx context.Context, what, name string, err error, verbs ...string) error {
	what += name
	where := fmt.Sprintf("%s in namespace %s of cluster %s", what, s.Namespace, s.Name)
	switch {
	case s.homeless(err) != nil:
		return fmt.Errorf("%s: %w", what, s.homeless(err))
	case apierrors.IsForbidden(err) && len(verbs) > 0 && s.permits(ctx, Right{Resource: "secrets", Name: name}, verbs...):
		return refusedByPolicy(where, err)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%s: permission denied; these credentials need get, create and patch on secrets, and list and delete for --prune, which slipway doctor prints as a Role: %w", where, err)
	case OwnedByOthers(err):
		return fmt.Errorf("%s: %w (%s)", where, err, secret.TakeOver)
	case isContended(err) && !isTemporary(err):
		return fmt.Errorf("%s: somebody else changes it at the same time, %d times in a row: run it again: %w", where, maxAttempts, err)
	case apierrors.IsInvalid(err):
		return fmt.Errorf("%s: the cluster rejected it as invalid (%s)", where, apierrors.ReasonForError(err))
	}
	return fmt.Errorf("%s: %w", where, err)
}
