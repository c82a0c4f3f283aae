// Package kubernetes is the sandbox's cluster: a Kubernetes API server for namespaces,
// Secrets and ConfigMaps. It uses Kubernetes' own code for server-side apply and field
// managers, and keeps its objects on disk.
package kubernetes

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/version"
)

// maxBody is the limit of a request's body in bytes. It is the API server's own.
const maxBody = 3 << 20

const noDryRun = "the sandbox's cluster does not support dryRun"

// Server serves the API. It is safe for concurrent use.
type Server struct{ objects *objects }

// New returns a server whose objects are in dir. The namespaces default, kube-system and
// the given ones exist from the start.
func New(dir string, namespaces ...string) (*Server, error) {
	o, err := openObjects(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range append([]string{"default", "kube-system"}, namespaces...) {
		_, err := o.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, namespaceKind, "", "sandbox")
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return nil, err
		}
	}
	return &Server{o}, nil
}

// Secret returns the data of a Secret, and whether it exists.
func (s *Server) Secret(namespace, name string) (map[string][]byte, bool) {
	object, err := s.objects.get(secretKind, namespace, name)
	if err != nil {
		return nil, false
	}
	return object.(*corev1.Secret).Data, true
}

// ConfigMap returns the data of a ConfigMap, and whether it exists.
func (s *Server) ConfigMap(namespace, name string) (map[string][]byte, bool) {
	object, err := s.objects.get(configMapKind, namespace, name)
	if err != nil {
		return nil, false
	}
	data := map[string][]byte{}
	for key, value := range object.(*corev1.ConfigMap).BinaryData {
		data[key] = value
	}
	for key, value := range object.(*corev1.ConfigMap).Data {
		data[key] = []byte(value)
	}
	return data, true
}

// target is the kind and the name of the objects that a request is about.
type target struct {
	kind            kind
	namespace, name string
}

// parse reads /api/v1/namespaces[/NAME] and /api/v1/namespaces/NS/RESOURCE[/NAME]. It
// reports whether path is one of these.
func parse(path string) (target, bool) {
	rest, ok := strings.CutPrefix(path, "/api/v1/")
	if !ok {
		return target{}, false
	}
	parts := strings.Split(strings.Trim(rest, "/"), "/")
	at := func(n int) string {
		if n < len(parts) {
			return parts[n]
		}
		return ""
	}
	if parts[0] == "namespaces" && len(parts) <= 2 {
		return target{kind: namespaceKind, name: at(1)}, true
	}
	t := target{}
	if parts[0] == "namespaces" {
		t.namespace, parts = parts[1], parts[2:]
	}
	if len(parts) > 2 || t.namespace == "" && len(parts) > 1 {
		return target{}, false
	}
	for _, k := range kinds() {
		if k.resource == parts[0] {
			t.kind, t.name = k, at(1)
			return t, true
		}
	}
	return target{}, false
}

// ServeHTTP serves the API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, code, err := s.serve(r)
	if err != nil {
		var status apierrors.APIStatus
		if !errors.As(err, &status) {
			status = apierrors.NewInternalError(err)
		}
		body := status.Status()
		body.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
		answer, code = &body, int(body.Code)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *Server) serve(r *http.Request) (any, int, error) {
	if answer := discovery(strings.TrimSuffix(r.URL.Path, "/")); answer != nil && r.Method == http.MethodGet {
		return answer, http.StatusOK, nil
	}
	t, ok := parse(r.URL.Path)
	if !ok {
		return nil, 0, apierrors.NewGenericServerResponse(http.StatusNotFound, strings.ToLower(r.Method), schema.GroupResource{}, "", "the sandbox's cluster has no "+r.URL.Path, 0, true)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, 0, apierrors.NewBadRequest(err.Error())
	case len(body) > maxBody:
		return nil, 0, apierrors.NewRequestEntityTooLargeError("limit is 3145728")
	}
	answer, code, err := s.act(r, t, body)
	return answer, code, err
}

func (s *Server) act(r *http.Request, t target, body []byte) (any, int, error) {
	query := r.URL.Query()
	manager := query.Get("fieldManager")
	if query.Has("dryRun") {
		return nil, 0, apierrors.NewBadRequest(noDryRun)
	}
	switch {
	case r.Method == http.MethodGet && t.name == "":
		if query.Get("watch") == "true" || query.Get("watch") == "1" {
			return nil, 0, apierrors.NewMethodNotSupported(t.kind.group(), "watch")
		}
		selected, err := parseSelector(query)
		if err != nil {
			return nil, 0, err
		}
		return s.objects.list(t.kind, t.namespace, selected), http.StatusOK, nil
	case r.Method == http.MethodGet:
		object, err := s.objects.get(t.kind, t.namespace, t.name)
		return object, http.StatusOK, err
	case r.Method == http.MethodPost && t.name == "":
		object, err := decode(t.kind, body, r.Header.Get("Content-Type"))
		if err != nil {
			return nil, 0, err
		}
		created, err := s.objects.create(object, t.kind, t.namespace, managerOrUserAgent(manager, r))
		return created, http.StatusCreated, err
	case r.Method == http.MethodPut && t.name != "":
		object, err := decode(t.kind, body, r.Header.Get("Content-Type"))
		if err != nil {
			return nil, 0, err
		}
		updated, err := s.objects.update(object, t, managerOrUserAgent(manager, r))
		return updated, http.StatusOK, err
	case r.Method == http.MethodPatch && t.name != "":
		form, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil {
			return nil, 0, apierrors.NewBadRequest(err.Error())
		}
		if types.PatchType(form) == types.ApplyPatchType {
			if manager == "" {
				return nil, 0, apierrors.NewBadRequest("PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch")
			}
			force := query.Get("force") == "true"
			applied, created, err := s.objects.apply(t, body, manager, force)
			if created {
				return applied, http.StatusCreated, err
			}
			return applied, http.StatusOK, err
		}
		patched, err := s.objects.patch(t, types.PatchType(form), body, managerOrUserAgent(manager, r))
		return patched, http.StatusOK, err
	case r.Method == http.MethodDelete && t.name != "":
		options, err := deleteOptions(body)
		if err != nil {
			return nil, 0, err
		}
		err = s.objects.delete(t, options)
		return &metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess}, http.StatusOK, err
	}
	return nil, 0, apierrors.NewMethodNotSupported(t.kind.group(), strings.ToLower(r.Method))
}

// managerOrUserAgent returns manager, or if it is empty the field manager of a request
// without one: the first word of its user agent, as in the API server.
func managerOrUserAgent(manager string, r *http.Request) string {
	if manager != "" {
		return manager
	}
	agent, _, _ := strings.Cut(r.UserAgent(), "/")
	return agent
}

// discovery returns the answer to a discovery request, or nil for other paths.
func discovery(path string) any {
	switch path {
	case "/version":
		return version.Info{Major: "1", Minor: "35", GitVersion: "v1.35.4+slipway-sandbox", Platform: "linux/amd64"}
	case "/api":
		return metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}}
	case "/apis":
		return metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}, Groups: []metav1.APIGroup{}}
	case "/api/v1":
		list := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: "v1"}
		for _, k := range kinds() {
			list.APIResources = append(list.APIResources, metav1.APIResource{
				Name: k.resource, SingularName: strings.ToLower(k.name), Kind: k.name, Namespaced: k.namespaced,
				Verbs: metav1.Verbs{"create", "delete", "get", "list", "patch", "update"},
			})
		}
		return list
	}
	return nil
}
