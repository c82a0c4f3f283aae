package kubernetes

import (
	"net/http"
	"slices"
	"strings"

	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The kinds by which clients ask who they are and what they may do. Their objects are not kept.
var (
	selfReviewKind   = kind{apiGroup: authentication.GroupName, name: "SelfSubjectReview", resource: "selfsubjectreviews"}
	accessReviewKind = kind{apiGroup: authorization.GroupName, name: "SelfSubjectAccessReview", resource: "selfsubjectaccessreviews"}
	rulesReviewKind  = kind{apiGroup: authorization.GroupName, name: "SelfSubjectRulesReview", resource: "selfsubjectrulesreviews"}
)

func reviewKinds() []kind { return []kind{selfReviewKind, accessReviewKind, rulesReviewKind} }

// isReview reports whether the kind is one of reviewKinds, which alone are in groups with a name.
func (k kind) isReview() bool { return k.apiGroup != "" }

// review responds with who the only user is, or with what the user may do. The server decides by
// the same rules.
func (s *Server) review(w http.ResponseWriter, r *http.Request, t target) error {
	if r.Method != http.MethodPost || t.name != "" {
		return methodNotSupported(r, t)
	}
	body, err := readBody(r)
	if err != nil {
		return err
	}
	known, err := newDecoder(s.objects.types, r)
	if err != nil {
		return err
	}
	x, err := known.read(t.kind, body, r.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	switch x := x.(type) {
	case *authentication.SelfSubjectReview:
		x.CreationTimestamp = metav1.Now()
		x.Status.UserInfo = authentication.UserInfo{Username: user, Groups: []string{"system:authenticated"}}
	case *authorization.SelfSubjectAccessReview:
		x.Status, err = s.access(x.Spec)
	case *authorization.SelfSubjectRulesReview:
		if x.Spec.Namespace == "" {
			err = apierrors.NewBadRequest("no namespace on request")
		}
		x.Status = authorization.SubjectRulesReviewStatus{
			ResourceRules: s.rules(), NonResourceRules: []authorization.NonResourceRule{{Verbs: []string{"get"}, NonResourceURLs: paths()}},
		}
	}
	if err != nil {
		return err
	}
	x.GetObjectKind().SetGroupVersionKind(t.kind.gvk())
	known.warn(w)
	respond(w, http.StatusCreated, x)
	return nil
}

// rules returns what the user may do with resources. There is one rule for each resource
// and subresource, and it holds in every namespace.
func (s *Server) rules() []authorization.ResourceRule {
	var rules []authorization.ResourceRule
	for _, group := range groups() {
		for _, resource := range s.resources(group) {
			rules = append(rules, authorization.ResourceRule{Verbs: resource.Verbs, APIGroups: []string{group}, Resources: []string{resource.Name}})
		}
	}
	return rules
}

// paths returns the paths that the user may get besides those of resources.
func paths() []string {
	return []string{"/api", "/api/*", "/apis", "/apis/*", "/openapi/v3", "/openapi/v3/*", "/version"}
}

// access returns whether the user may do something.
func (s *Server) access(to authorization.SelfSubjectAccessReviewSpec) (authorization.SubjectAccessReviewStatus, error) {
	switch resource, path := to.ResourceAttributes, to.NonResourceAttributes; {
	case (resource == nil) == (path == nil):
		return authorization.SubjectAccessReviewStatus{}, apierrors.NewInvalid(accessReviewKind.gvk().GroupKind(), "", field.ErrorList{
			field.Invalid(field.NewPath("spec.resourceAttributes"), path, "exactly one of nonResourceAttributes or resourceAttributes must be specified")})
	case path != nil:
		covers := func(pattern string) bool {
			prefix, any := strings.CutSuffix(pattern, "*")
			return pattern == path.Path || any && strings.HasPrefix(path.Path, prefix)
		}
		if path.Verb == "get" && slices.ContainsFunc(paths(), covers) {
			return authorization.SubjectAccessReviewStatus{Allowed: true}, nil
		}
		if path.Verb != "get" {
			return authorization.SubjectAccessReviewStatus{Reason: target{}.refusal()}, nil
		}
		return authorization.SubjectAccessReviewStatus{Reason: "the sandbox's cluster has no " + path.Path}, nil
	default:
		return s.accessTo(resource), nil
	}
}

// accessTo returns whether the user may do something with a resource.
func (s *Server) accessTo(to *authorization.ResourceAttributes) authorization.SubjectAccessReviewStatus {
	t := target{kind: kindOfResource(to.Group, to.Resource), name: to.Name, subresource: to.Subresource}
	for _, rule := range s.rules() {
		if rule.APIGroups[0] == to.Group && rule.Resources[0] == t.resource() && slices.Contains(rule.Verbs, to.Verb) {
			return authorization.SubjectAccessReviewStatus{Allowed: true}
		}
	}
	if t.kind == (kind{}) {
		return authorization.SubjectAccessReviewStatus{Reason: "the sandbox's cluster has no " + schema.GroupResource{Group: to.Group, Resource: to.Resource}.String()}
	}
	return authorization.SubjectAccessReviewStatus{Reason: t.refusal()}
}
