package kubernetes

import (
	"runtime"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/version"
)

// discovery returns the answer to a discovery request, or nil for other paths. derived
// reports whether there are derived objects.
func discovery(path string, derived bool) any {
	switch path {
	case "/version":
		return version.Info{
			Major: "1", Minor: "35", GitVersion: "v1.35.4+slipway-sandbox", GoVersion: runtime.Version(), Compiler: runtime.Compiler,
			Platform: runtime.GOOS + "/" + runtime.GOARCH,
		}
	case "/api":
		return metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}}
	case "/apis":
		return metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}, Groups: []metav1.APIGroup{}}
	case "/api/v1":
		list := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList"}, GroupVersion: "v1"}
		for _, k := range kinds() {
			if derived || !k.derived {
				list.APIResources = append(list.APIResources, k.resources()...)
			}
		}
		return list
	}
	return nil
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
	}
}
