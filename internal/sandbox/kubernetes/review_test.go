package kubernetes_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
)

// TestReviewsAreTrue does all that a review can be about, as a dry run, and checks that the
// server refuses exactly what reviews say that it refuses.
func TestReviewsAreTrue(t *testing.T) {
	t.Parallel()
	w, _, host := attach(t)
	w.set(pod("there", corev1.PodRunning))
	for _, name := range []string{"secrets", "configmaps"} {
		if status, text := send(t, http.MethodPost, host+"/api/v1/namespaces/ns/"+name, "application/json", `{"metadata":{"name":"there"}}`); status != http.StatusCreated {
			t.Fatalf("%s: %d %s", name, status, text)
		}
	}
	if status, text := send(t, http.MethodPost, host+"/api/v1/namespaces", "application/json", `{"metadata":{"name":"there"}}`); status != http.StatusCreated {
		t.Fatalf("%d %s", status, text)
	}
	reviews, err := authorizationclient.NewForConfig(&rest.Config{Host: host, QPS: -1})
	if err != nil {
		t.Fatal(err)
	}
	ways := map[string]struct {
		method, query string
		named         bool
	}{
		"get":              {http.MethodGet, "", true},
		"list":             {http.MethodGet, "", false},
		"watch":            {http.MethodGet, "watch=1&resourceVersion=none", false},
		"create":           {http.MethodPost, "", false},
		"update":           {http.MethodPut, "", true},
		"patch":            {http.MethodPatch, "", true},
		"delete":           {http.MethodDelete, "", true},
		"deletecollection": {http.MethodDelete, "", false},
	}
	allowed := 0
	for _, resource := range []string{"namespaces", "secrets", "configmaps", "pods", "services", "events", "nodes", "deployments"} {
		for _, subresource := range []string{"", "log", "portforward", "status", "exec", "attach", "eviction", "finalize"} {
			for verb, way := range ways {
				if subresource != "" && (verb == "list" || verb == "watch" || verb == "deletecollection") {
					continue
				}
				review, err := reviews.SelfSubjectAccessReviews().Create(t.Context(), &authorization.SelfSubjectAccessReview{Spec: authorization.SelfSubjectAccessReviewSpec{
					ResourceAttributes: &authorization.ResourceAttributes{Namespace: "ns", Verb: verb, Resource: resource, Subresource: subresource},
				}}, metav1.CreateOptions{})
				if err != nil {
					t.Fatal(err)
				}
				path := host + "/api/v1/"
				if resource != "namespaces" && resource != "nodes" {
					path += "namespaces/ns/"
				}
				path += resource
				if way.named || subresource != "" {
					path += "/there/" + subresource
				}
				status, text := send(t, way.method, strings.TrimSuffix(path, "/")+"?dryRun=All&"+way.query, "application/merge-patch+json", "{}")
				refused := status == http.StatusForbidden || status == http.StatusMethodNotAllowed || status == http.StatusNotFound && strings.Contains(text, "the sandbox's cluster has no ")
				if refused == review.Status.Allowed || review.Status.Allowed == (review.Status.Reason != "") {
					t.Errorf("%s %s/%s: the review says %+v, and the server %d %s", verb, resource, subresource, review.Status, status, text)
				}
				if review.Status.Allowed {
					allowed++
				}
			}
		}
	}
	rules, err := reviews.SelfSubjectRulesReviews().Create(t.Context(), &authorization.SelfSubjectRulesReview{Spec: authorization.SelfSubjectRulesReviewSpec{Namespace: "ns"}}, metav1.CreateOptions{})
	if err != nil || rules.Status.Incomplete {
		t.Fatalf("%+v, %v", rules, err)
	}
	for _, rule := range rules.Status.ResourceRules {
		if slices.Equal(rule.APIGroups, []string{""}) {
			allowed -= len(rule.Verbs)
		}
	}
	if allowed != 0 {
		t.Errorf("single reviews allow %d more than the list does", allowed)
	}
}

// TestReviews checks reviews that are not about the core's resources, and bad ones.
func TestReviews(t *testing.T) {
	t.Parallel()
	_, _, host := attach(t)
	reviews, err := authorizationclient.NewForConfig(&rest.Config{Host: host, QPS: -1})
	if err != nil {
		t.Fatal(err)
	}
	of := func(resource *authorization.ResourceAttributes, path *authorization.NonResourceAttributes) (*authorization.SelfSubjectAccessReview, error) {
		return reviews.SelfSubjectAccessReviews().Create(t.Context(), &authorization.SelfSubjectAccessReview{
			Spec: authorization.SelfSubjectAccessReviewSpec{ResourceAttributes: resource, NonResourceAttributes: path}}, metav1.CreateOptions{})
	}
	for name, c := range map[string]struct {
		resource *authorization.ResourceAttributes
		path     *authorization.NonResourceAttributes
		want     authorization.SubjectAccessReviewStatus
	}{
		"everything":    {&authorization.ResourceAttributes{Group: "*", Verb: "*", Resource: "*"}, nil, authorization.SubjectAccessReviewStatus{Reason: "the sandbox's cluster has no *.*"}},
		"another group": {&authorization.ResourceAttributes{Group: "apps", Verb: "get", Resource: "deployments"}, nil, authorization.SubjectAccessReviewStatus{Reason: "the sandbox's cluster has no deployments.apps"}},
		"a core name there": {&authorization.ResourceAttributes{Group: "apps", Verb: "get", Resource: "secrets"}, nil,
			authorization.SubjectAccessReviewStatus{Reason: "the sandbox's cluster has no secrets.apps"}},
		"reviews":      {&authorization.ResourceAttributes{Group: authorization.GroupName, Verb: "create", Resource: "selfsubjectaccessreviews"}, nil, authorization.SubjectAccessReviewStatus{Allowed: true}},
		"the version":  {nil, &authorization.NonResourceAttributes{Verb: "get", Path: "/version"}, authorization.SubjectAccessReviewStatus{Allowed: true}},
		"a group":      {nil, &authorization.NonResourceAttributes{Verb: "get", Path: "/apis/" + authorization.GroupName}, authorization.SubjectAccessReviewStatus{Allowed: true}},
		"metrics":      {nil, &authorization.NonResourceAttributes{Verb: "get", Path: "/metrics"}, authorization.SubjectAccessReviewStatus{Reason: "the sandbox's cluster has no /metrics"}},
		"another verb": {nil, &authorization.NonResourceAttributes{Verb: "post", Path: "/version"}, authorization.SubjectAccessReviewStatus{Reason: "nobody may, in the sandbox"}},
	} {
		if review, err := of(c.resource, c.path); err != nil || review.Status != c.want {
			t.Errorf("%s: %+v, %v; want %+v", name, review.Status, err, c.want)
		}
	}
	if _, err := of(nil, nil); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "exactly one of nonResourceAttributes or resourceAttributes must be specified") {
		t.Errorf("about nothing: %v", err)
	}
	if _, err := reviews.SelfSubjectRulesReviews().Create(t.Context(), &authorization.SelfSubjectRulesReview{}, metav1.CreateOptions{}); !apierrors.IsBadRequest(err) {
		t.Errorf("in no namespace: %v", err)
	}
	path := host + "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, path, http.StatusMethodNotAllowed},
		{http.MethodPost, path + "/name", http.StatusMethodNotAllowed},
		{http.MethodPost, host + "/apis/authorization.k8s.io/v1/subjectaccessreviews", http.StatusNotFound},
		{http.MethodGet, host + "/apis/authorization.k8s.io/v1/secrets", http.StatusNotFound},
		{http.MethodGet, host + "/apis//v1/secrets", http.StatusNotFound},
		{http.MethodGet, host + "/apis/authentication.k8s.io", http.StatusOK},
		{http.MethodGet, host + "/apis/authentication.k8s.io/v1", http.StatusOK},
		{http.MethodGet, host + "/apis/apps/v1", http.StatusNotFound},
		{http.MethodGet, host + "/authentication.k8s.io", http.StatusNotFound},
		{http.MethodPost, host + "/apis/authentication.k8s.io/v1/selfsubjectaccessreviews", http.StatusNotFound},
		{http.MethodGet, host + "/api/v1/selfsubjectaccessreviews", http.StatusNotFound},
	} {
		if status, text := send(t, c.method, c.path, "application/json", "{}"); status != c.want {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, status, text, c.want)
		}
	}
}

// TestSelfReview checks who the user is.
func TestSelfReview(t *testing.T) {
	t.Parallel()
	_, _, host := attach(t)
	reviews, err := authenticationclient.NewForConfig(&rest.Config{Host: host, QPS: -1})
	if err != nil {
		t.Fatal(err)
	}
	review, err := reviews.SelfSubjectReviews().Create(t.Context(), &authentication.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil || review.Status.UserInfo.Username != "slipway" || !slices.Equal(review.Status.UserInfo.Groups, []string{"system:authenticated"}) || review.CreationTimestamp.IsZero() {
		t.Errorf("%+v, %v", review, err)
	}
}

// TestDiscovery checks that clients that ask for all groups at once see the same as those
// that ask for one after the other.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	_, _, host := attach(t)
	var seen [2][]string
	for n, legacy := range []bool{false, true} {
		var asked atomic.Int32
		c, err := discovery.NewDiscoveryClientForConfig(&rest.Config{Host: host, QPS: -1, WrapTransport: func(to http.RoundTripper) http.RoundTripper {
			return counting{to, &asked}
		}})
		if err != nil {
			t.Fatal(err)
		}
		c.UseLegacyDiscovery = legacy
		found, lists, err := c.ServerGroupsAndResources()
		if err != nil {
			t.Fatal(err)
		}
		for _, group := range found {
			seen[n] = append(seen[n], "group "+group.Name+" "+group.PreferredVersion.GroupVersion)
		}
		for _, list := range lists {
			for _, r := range list.APIResources {
				seen[n] = append(seen[n], strings.Join([]string{list.GroupVersion, r.Name, r.Kind, strings.Join(r.Verbs, ","), strings.Join(r.ShortNames, ","), strings.Join(r.Categories, ",")}, " "))
			}
		}
		if want := map[bool]int{false: 2, true: 5}[legacy]; int(asked.Load()) != want {
			t.Errorf("it takes %d requests, want %d", asked.Load(), want)
		}
	}
	slices.Sort(seen[0]) // the client keeps groups in a map
	slices.Sort(seen[1])
	if !slices.Equal(seen[0], seen[1]) || len(seen[0]) < 10 {
		t.Errorf("at once:\n%s\none after the other:\n%s", strings.Join(seen[0], "\n"), strings.Join(seen[1], "\n"))
	}
}

// counting counts requests.
type counting struct {
	to    http.RoundTripper
	count *atomic.Int32
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.count.Add(1)
	return c.to.RoundTrip(r)
}

// send sends a request, and returns the status and the body of the response.
func send(t *testing.T, method, address, contentType, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
