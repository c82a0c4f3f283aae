package cluster

import (
	"context"
	"fmt"
	"slices"

	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-ci/slipway/internal/panics"
)

// Right is something that RBAC can allow: a verb on a resource of the namespace.
type Right struct {
	Verb, Group, Resource, Subresource string
	// Everywhere is set for the resource in all namespaces, or if it is in none.
	Everywhere bool
}

// Object returns what the right is for, such as pods/portforward or deployments.apps.
func (r Right) Object() string {
	text := r.Resource
	if r.Group != "" {
		text += "." + r.Group
	}
	if r.Subresource != "" {
		text += "/" + r.Subresource
	}
	return text
}

// Verdict says whether the user has a right.
type Verdict int

// The verdicts. Unknown is the zero Verdict.
const (
	Unknown Verdict = iota
	Allowed
	Denied
)

// maxReviews bounds how many reviews are requested in parallel.
const maxReviews = 8

// Review returns which of the rights the user has, by a SelfSubjectAccessReview for each.
// If the user may not create these, it uses one SelfSubjectRulesReview, which may leave
// some of them unknown.
func (c *Cluster) Review(ctx context.Context, rights []Right) ([]Verdict, error) {
	verdicts := make([]Verdict, len(rights))
	group, parallel := panics.WithContext(ctx)
	group.SetLimit(maxReviews)
	for i, r := range rights {
		group.Go(func() (err error) {
			verdicts[i], err = c.review(parallel, r)
			return err
		})
	}
	err := group.Wait()
	if apierrors.IsForbidden(err) {
		return c.reviewByRules(ctx, rights)
	}
	if err != nil {
		return nil, fmt.Errorf("ask cluster %s for the user's rights: %w", c.Name, err)
	}
	return verdicts, nil
}

func (c *Cluster) review(ctx context.Context, r Right) (Verdict, error) {
	of := &authorization.ResourceAttributes{Namespace: c.Namespace, Verb: r.Verb, Group: r.Group, Resource: r.Resource, Subresource: r.Subresource}
	if r.Everywhere {
		of.Namespace = ""
	}
	answer, err := retry(ctx, c, func() (*authorization.SelfSubjectAccessReview, error) {
		asked := &authorization.SelfSubjectAccessReview{Spec: authorization.SelfSubjectAccessReviewSpec{ResourceAttributes: of}}
		return c.Client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, asked, metav1.CreateOptions{})
	})
	switch {
	case err != nil:
		return Unknown, err
	case answer.Status.Allowed:
		return Allowed, nil
	case answer.Status.EvaluationError != "" && !answer.Status.Denied:
		return Unknown, nil
	}
	return Denied, nil
}

// reviewByRules is Review by the list of all of the user's rules in the namespace.
func (c *Cluster) reviewByRules(ctx context.Context, rights []Right) ([]Verdict, error) {
	answer, err := retry(ctx, c, func() (*authorization.SelfSubjectRulesReview, error) {
		asked := &authorization.SelfSubjectRulesReview{Spec: authorization.SelfSubjectRulesReviewSpec{Namespace: c.Namespace}}
		return c.Client.AuthorizationV1().SelfSubjectRulesReviews().Create(ctx, asked, metav1.CreateOptions{})
	})
	if err != nil {
		return nil, fmt.Errorf("ask cluster %s for the user's rights: %w", c.Name, err)
	}
	verdicts := make([]Verdict, len(rights))
	for i, r := range rights {
		switch allowed := slices.ContainsFunc(answer.Status.ResourceRules, r.isIn); {
		case r.Everywhere: // a rule of a RoleBinding may be only for the namespace
		case allowed:
			verdicts[i] = Allowed
		case !answer.Status.Incomplete:
			verdicts[i] = Denied
		}
	}
	return verdicts, nil
}

// isIn reports whether a rule gives the right for all objects of the namespace.
func (r Right) isIn(rule authorization.ResourceRule) bool {
	has := func(all []string, names ...string) bool {
		return slices.ContainsFunc(append(names, "*"), func(name string) bool { return slices.Contains(all, name) })
	}
	names := []string{r.Resource}
	if r.Subresource != "" {
		names = []string{r.Resource + "/" + r.Subresource, "*/" + r.Subresource}
	}
	return len(rule.ResourceNames) == 0 && has(rule.Verbs, r.Verb) && has(rule.APIGroups, r.Group) && has(rule.Resources, names...)
}

// Identity returns the name by which the cluster knows the user, and the user's groups. The
// error is of kind NotFound if the server does not tell, as those before Kubernetes 1.28.
func (c *Cluster) Identity(ctx context.Context) (name string, groups []string, err error) {
	answer, err := retry(ctx, c, func() (*authentication.SelfSubjectReview, error) {
		return c.Client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authentication.SelfSubjectReview{}, metav1.CreateOptions{})
	})
	if err != nil {
		return "", nil, fmt.Errorf("ask cluster %s for the user: %w", c.Name, err)
	}
	return answer.Status.UserInfo.Username, answer.Status.UserInfo.Groups, nil
}
