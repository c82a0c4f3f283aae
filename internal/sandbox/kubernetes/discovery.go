package kubernetes

import (
	"mime"
	"net/http"
	"runtime"
	"slices"
	"strings"

	apidiscovery "k8s.io/api/apidiscovery/v2"
	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/version"
)

// groups returns the API groups of the cluster. Each has the version v1 only.
func groups() []string { return append([]string{""}, namedGroups()...) }

// namedGroups returns the groups but the core, which has no name.
func namedGroups() []string { return []string{authentication.GroupName, authorization.GroupName} }

// serveDiscovery responds with what the cluster has, and reports whether that is what the
// request is about.
func (s *Server) serveDiscovery(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	var answer any
	switch path := strings.TrimSuffix(r.URL.Path, "/"); {
	case path == "/version":
		answer = version.Info{
			Major: "1", Minor: "35", GitVersion: "v1.35.4+slipway-sandbox", GoVersion: runtime.Version(), Compiler: runtime.Compiler,
			Platform: runtime.GOOS + "/" + runtime.GOARCH,
		}
	case path == "/api" && wantsAggregated(r):
		answer = s.aggregated(w, "")
	case path == "/apis" && wantsAggregated(r):
		answer = s.aggregated(w, namedGroups()...)
	case path == "/api":
		answer = metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}}
	case path == "/apis":
		list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
		for _, name := range namedGroups() {
			list.Groups = append(list.Groups, group(name))
		}
		answer = list
	case path == "/api/v1":
		answer = metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList"}, GroupVersion: "v1", APIResources: s.resources("")}
	default:
		name, below := strings.CutPrefix(path, "/apis/")
		name, isVersion := strings.CutSuffix(name, "/v1")
		if !below || !slices.Contains(namedGroups(), name) {
			return false
		}
		found := group(name)
		found.TypeMeta = metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"}
		if answer = found; isVersion {
			answer = metav1.APIResourceList{
				TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: name + "/v1", APIResources: s.resources(name),
			}
		}
	}
	respond(w, http.StatusOK, answer)
	return true
}

// group describes an API group with a name.
func group(name string) metav1.APIGroup {
	v1 := metav1.GroupVersionForDiscovery{GroupVersion: name + "/v1", Version: "v1"}
	return metav1.APIGroup{Name: name, Versions: []metav1.GroupVersionForDiscovery{v1}, PreferredVersion: v1}
}

// resources describes the resources of an API group, and their subresources.
func (s *Server) resources(group string) []metav1.APIResource {
	var all []metav1.APIResource
	for _, k := range append(kinds(), reviewKinds()...) {
		if k.apiGroup == group && (!k.derived || s.workloads != nil) {
			all = append(all, k.resources()...)
		}
	}
	return all
}

// resources describes the kind's resource and its subresources.
func (k kind) resources() []metav1.APIResource {
	resource := metav1.APIResource{Name: k.resource, SingularName: strings.ToLower(k.name), Kind: k.name, Namespaced: k.namespaced, Verbs: k.verbs()}
	if k.short != "" {
		resource.ShortNames = []string{k.short}
	}
	if k.category != "" {
		resource.Categories = []string{k.category}
	}
	if k != podKind {
		return []metav1.APIResource{resource}
	}
	return []metav1.APIResource{
		resource,
		{Name: "pods/log", Kind: "Pod", Namespaced: true, Verbs: metav1.Verbs{"get"}},
		{Name: "pods/portforward", Kind: "PodPortForwardOptions", Namespaced: true, Verbs: metav1.Verbs{"create", "get"}},
		{Name: "pods/status", Kind: "Pod", Namespaced: true, Verbs: metav1.Verbs{"get"}},
	}
}

// aggregatedForm is the media type of all groups, their versions and their resources in one
// document. Clients ask for it first.
const aggregatedForm = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

// wantsAggregated reports whether aggregatedForm is the first media type of the Accept
// header that the server has.
func wantsAggregated(r *http.Request) bool {
	for accepted := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		kind, parameters, err := mime.ParseMediaType(accepted)
		switch {
		case err != nil || kind != "application/json" && kind != "*/*" && kind != "application/*":
		case parameters["as"] == "":
			return false
		case kind == "application/json" && parameters["g"] == apidiscovery.GroupName && parameters["v"] == "v2" && parameters["as"] == "APIGroupDiscoveryList" && parameters["profile"] == "":
			return true
		}
	}
	return false
}

// aggregated describes API groups in aggregatedForm.
func (s *Server) aggregated(w http.ResponseWriter, groups ...string) *apidiscovery.APIGroupDiscoveryList {
	w.Header().Set("Content-Type", aggregatedForm)
	list := &apidiscovery.APIGroupDiscoveryList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupDiscoveryList", APIVersion: apidiscovery.SchemeGroupVersion.String()}}
	for _, group := range groups {
		list.Items = append(list.Items, apidiscovery.APIGroupDiscovery{
			ObjectMeta: metav1.ObjectMeta{Name: group}, Versions: []apidiscovery.APIVersionDiscovery{s.aggregatedVersion(group)},
		})
	}
	return list
}

// aggregatedVersion describes the version v1 of an API group.
func (s *Server) aggregatedVersion(group string) apidiscovery.APIVersionDiscovery {
	v1 := apidiscovery.APIVersionDiscovery{Version: "v1", Freshness: apidiscovery.DiscoveryFreshnessCurrent}
	for _, resource := range s.resources(group) {
		answers := &metav1.GroupVersionKind{Group: group, Version: "v1", Kind: resource.Kind}
		if _, name, is := strings.Cut(resource.Name, "/"); is { // its resource precedes it
			of := &v1.Resources[len(v1.Resources)-1]
			of.Subresources = append(of.Subresources, apidiscovery.APISubresourceDiscovery{Subresource: name, ResponseKind: answers, Verbs: resource.Verbs})
			continue
		}
		scope := apidiscovery.ScopeCluster
		if resource.Namespaced {
			scope = apidiscovery.ScopeNamespace
		}
		v1.Resources = append(v1.Resources, apidiscovery.APIResourceDiscovery{
			Resource: resource.Name, ResponseKind: answers, Scope: scope, SingularResource: resource.SingularName,
			Verbs: resource.Verbs, ShortNames: resource.ShortNames, Categories: resource.Categories,
		})
	}
	return v1
}
