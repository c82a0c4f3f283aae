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
	// Name is the name of the one object that the right is for. It is "" for all objects.
	Name string
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

// forAll returns the right for all objects of the resource.
func (r Right) forAll() Right {
	r.Name = ""
	return r
}

// Review returns which of the rights the user has, by a SelfSubjectAccessReview for each.
// A right for one object is only asked for if the user does not have it for all objects. If
// the user may not create these reviews, it uses one SelfSubjectRulesReview, which may leave
// some of the rights unknown.
func (c *Cluster) Review(ctx context.Context, rights []Right) ([]Verdict, error) {
	known := map[Right]Verdict{}
	err := c.reviewEach(ctx, rights, known, Right.forAll)
	if err == nil {
		lacking := slices.DeleteFunc(slices.Clone(rights), func(r Right) bool { return known[r.forAll()] == Allowed })
		err = c.reviewEach(ctx, lacking, known, func(r Right) Right { return r })
	}
	if apierrors.IsForbidden(err) {
		return c.reviewByRules(ctx, rights)
	}
	if err != nil {
		return nil, fmt.Errorf("ask cluster %s for the user's rights: %w", c.Name, err)
	}
	verdicts := make([]Verdict, len(rights))
	for i, r := range rights {
		if verdicts[i] = known[r.forAll()]; verdicts[i] != Allowed {
			verdicts[i] = known[r]
		}
	}
	reviewReads(rights, verdicts)
	if err := c.reviewStreams(ctx, rights, verdicts); err != nil {
		return nil, fmt.Errorf("ask cluster %s for the user's rights: %w", c.Name, err)
	}
	return verdicts, nil
}

// reviewReads corrects the verdicts on getting Secrets: who may list them reads them, too. See
// ReadableSecrets.
func reviewReads(rights []Right, verdicts []Verdict) {
	listed := slices.Index(rights, Right{Verb: "list", Resource: "secrets"})
	if listed < 0 || verdicts[listed] != Allowed {
		return
	}
	for i, r := range rights {
		if r.Verb == "get" && r.Resource == "secrets" && r.Subresource == "" && !r.Everywhere {
			verdicts[i] = Allowed
		}
	}
}

// reviewEach adds to known the verdict on what of returns for each right. It asks for each
// of these once.
func (c *Cluster) reviewEach(ctx context.Context, rights []Right, known map[Right]Verdict, of func(Right) Right) error {
	var asked []Right
	for _, r := range rights {
		if r = of(r); !slices.Contains(asked, r) {
			if _, found := known[r]; !found {
				asked = append(asked, r)
			}
		}
	}
	verdicts := make([]Verdict, len(asked))
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(maxReviews)
	for i, r := range asked {
		group.Go(func() (err error) {
			verdicts[i], err = c.review(ctx, r)
			return err
		})
	}
	err := group.Wait()
	for i, r := range asked {
		known[r] = verdicts[i]
	}
	return err
}

func (c *Cluster) review(ctx context.Context, r Right) (Verdict, error) {
	of := &authorization.ResourceAttributes{Namespace: c.Namespace, Verb: r.Verb, Group: r.Group, Resource: r.Resource, Subresource: r.Subresource, Name: r.Name}
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
	reviewReads(rights, verdicts)
	return verdicts, nil
}

// isIn reports whether a rule gives the right, for all objects of the namespace or for the
// one that the right names.
func (r Right) isIn(rule authorization.ResourceRule) bool {
	has := func(all []string, names ...string) bool {
		return slices.ContainsFunc(append(names, "*"), func(name string) bool { return slices.Contains(all, name) })
	}
	names := []string{r.Resource}
	if r.Subresource != "" {
		names = []string{r.Resource + "/" + r.Subresource, "*/" + r.Subresource}
	}
	named := len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, r.Name)
	return named && has(rule.Verbs, r.Verb) && has(rule.APIGroups, r.Group) && has(rule.Resources, names...)
}

// Identity returns the name by which the cluster knows the user, and the user's groups. The
// error is of kind NotFound if the server is older than Kubernetes 1.28, and cannot report it.
func (c *Cluster) Identity(ctx context.Context) (name string, groups []string, err error) {
	answer, err := retry(ctx, c, func() (*authentication.SelfSubjectReview, error) {
		return c.Client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authentication.SelfSubjectReview{}, metav1.CreateOptions{})
	})
	if err != nil {
		return "", nil, fmt.Errorf("ask cluster %s for the user: %w", c.Name, err)
	}
	return answer.Status.UserInfo.Username, answer.Status.UserInfo.Groups, nil
}
