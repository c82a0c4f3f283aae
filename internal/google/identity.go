package google

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// Kind is the kind of an identity.
type Kind int

// The kinds of identities. Someone is one that Google has not named, such as a user who
// logged in without the scope that shows the address.
const (
	Someone Kind = iota
	ServiceAccount
	User
	// Principal is an identity of another provider, in a workload or workforce identity pool.
	Principal
	// PrincipalSet is one of the identities of a pool, when it is not known yet which.
	PrincipalSet
)

// Identity is who sends requests to Google.
type Identity struct {
	Kind Kind
	// Name is the address of an account, or the identifier of a principal, such as
	// principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/subject/repo:acme/ml.
	Name string
	// Through is the identity that impersonates this one, or nil.
	Through *Identity
}

// String returns how messages name the identity.
func (i Identity) String() string {
	text := i.Name
	switch {
	case i.Kind == ServiceAccount:
		text = "service account " + i.Name
	case i.Kind == User:
		text = "user " + i.Name
	case i.Name == "":
		text = "the user of the gcloud login"
	case i.Kind == PrincipalSet:
		text = "an identity of " + i.Name
	}
	if i.Through != nil {
		text += ", impersonated by " + i.Through.String()
	}
	return text
}

// Member returns the identity as the policies of IAM write it, or "" if it is not known.
func (i Identity) Member() string {
	switch {
	case i.Name == "" || i.Kind == Someone:
		return ""
	case i.Kind == ServiceAccount && strings.HasSuffix(i.Name, ".svc.id.goog"):
		return "" // the pool of a GKE cluster, not an account
	case i.Kind == ServiceAccount:
		return "serviceAccount:" + i.Name
	case i.Kind == User:
		return "user:" + i.Name
	}
	return i.Name
}

// impersonated matches the address that makes access tokens of a service account.
var impersonated = lazyregexp.New(`/serviceAccounts/([^/:]+):generateAccessToken$`)

// accountOf returns the service account whose tokens address makes, or "".
func accountOf(address string) string {
	if m := impersonated.FindStringSubmatch(address); m != nil {
		return m[1]
	}
	return ""
}

// impersonate returns the identity of a service account that source impersonates. It
// returns source itself if account is "".
func impersonate(account string, source Identity) Identity {
	if account == "" {
		return source
	}
	return Identity{Kind: ServiceAccount, Name: account, Through: &source}
}

// pooled returns the identity that a provider of a pool makes of a subject, if it maps
// google.subject to it. An empty subject is not known. The audience is the name of the
// provider after //iam.googleapis.com/.
func pooled(audience, subject string) Identity {
	_, name, _ := strings.Cut(audience, "iam.googleapis.com/")
	pool, _, _ := strings.Cut(name, "/providers/")
	if subject == "" {
		return Identity{Kind: PrincipalSet, Name: "principalSet://iam.googleapis.com/" + pool + "/*"}
	}
	return Identity{Kind: Principal, Name: "principal://iam.googleapis.com/" + pool + "/subject/" + subject}
}
