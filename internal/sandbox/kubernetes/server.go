// Package kubernetes is the sandbox's cluster: a Kubernetes API server for namespaces,
// Secrets and ConfigMaps, which clients write, and for the pods of runs, their services and
// events, which clients read. It uses Kubernetes' own code for server-side apply and field
// managers, and keeps what clients write on disk.
package kubernetes

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/slipway-ci/slipway/internal/bounded"
)

// maxBody is the limit of a request's body in bytes. It is the API server's own.
const maxBody = 3 << 20

// Server serves the API. It is safe for concurrent use.
type Server struct {
	objects   *objects
	workloads Workloads
	// refreshing is held while the derived objects are taken over, so that older ones do not
	// replace newer ones.
	refreshing sync.Mutex
}

// New returns a server whose objects are in dir. The namespaces default, kube-system and
// the given ones exist from the start.
func New(dir string, namespaces ...string) (*Server, error) {
	o, err := openObjects(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range append([]string{"default", "kube-system"}, namespaces...) {
		_, err := o.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, namespaceKind, "", writing{manager: "sandbox"})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return nil, err
		}
	}
	return &Server{objects: o}, nil
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

// ServeHTTP serves the API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := checkImpersonation(r)
	if err == nil {
		err = s.serve(w, r)
	}
	if err != nil {
		status := statusOf(err)
		respond(w, int(status.Code), status)
	}
}

// respond sends a response as JSON.
func respond(w http.ResponseWriter, code int, body any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

// serve responds, or returns the error to respond with.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	if s.serveDiscovery(w, r) {
		return nil
	}
	if strings.HasPrefix(r.URL.Path, "/openapi/v3") && r.Method == http.MethodGet {
		return serveOpenAPI(w, r)
	}
	t, ok := parse(r.URL.Path)
	if !ok || t.kind.derived && s.workloads == nil {
		return apierrors.NewGenericServerResponse(http.StatusNotFound, strings.ToLower(r.Method), schema.GroupResource{}, "", "the sandbox's cluster has no "+r.URL.Path, 0, true)
	}
	query := r.URL.Query()
	watched := query.Get("watch") == "true" || query.Get("watch") == "1"
	switch {
	case t.kind.isReview():
		return s.review(w, r, t)
	case t.subresource != "":
		return s.serveSubresource(w, r, t)
	case r.Method == http.MethodGet && watched:
		return s.watch(w, r, t)
	case r.Method == http.MethodGet:
		return s.read(w, r, t)
	case t.kind.derived:
		return forbidden(r, t)
	}
	body, err := readBody(r)
	if err != nil {
		return err
	}
	return s.write(w, r, t, body)
}

// readBody returns the body of a request.
func readBody(r *http.Request) ([]byte, error) {
	body, err := bounded.ReadAll(r.Body, maxBody)
	switch {
	case errors.As(err, new(*bounded.SizeError)):
		return nil, apierrors.NewRequestEntityTooLargeError("limit is 3145728")
	case err != nil:
		return nil, apierrors.NewBadRequest(err.Error())
	}
	return body, nil
}

// read responds with an object or a list.
func (s *Server) read(w http.ResponseWriter, r *http.Request, t target) error {
	s.refresh(t.kind)
	if t.name != "" {
		object, err := s.objects.get(t.kind, t.namespace, t.name)
		if err != nil {
			return err
		}
		respond(w, http.StatusOK, formOf(r).one(object))
		return nil
	}
	selected, err := parseSelector(t.kind, r.URL.Query())
	if err != nil {
		return err
	}
	items, revision := s.objects.list(t, selected)
	respond(w, http.StatusOK, formOf(r).list(t.kind, items, strconv.FormatInt(revision, 10)))
	return nil
}

// write changes objects, and responds with what they are then.
func (s *Server) write(w http.ResponseWriter, r *http.Request, t target, body []byte) error {
	known, err := newDecoder(s.objects.types, r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	by := writing{manager: managerOrUserAgent(query.Get("fieldManager"), r), force: query.Get("force") == "true", decoder: known}
	if by.dry, err = isDry(query["dryRun"]); err != nil {
		return err
	}
	var written object
	code := http.StatusOK
	switch {
	case r.Method == http.MethodPost && t.name == "":
		var x object
		if x, err = known.read(t.kind, body, r.Header.Get("Content-Type")); err == nil {
			written, err = s.objects.create(x, t.kind, t.namespace, by)
		}
		code = http.StatusCreated
	case r.Method == http.MethodPut && t.name != "":
		var x object
		if x, err = known.read(t.kind, body, r.Header.Get("Content-Type")); err == nil {
			written, err = s.objects.update(x, t, by)
		}
	case r.Method == http.MethodPatch && t.name != "":
		var created bool
		if written, created, err = s.patch(r, t, body, by); created {
			code = http.StatusCreated
		}
	case r.Method == http.MethodDelete:
		return s.delete(w, r, t, body)
	default:
		return methodNotSupported(r, t)
	}
	if err != nil {
		return err
	}
	known.warn(w)
	respond(w, code, formOf(r).one(written))
	return nil
}

// patch patches an object, or applies it. It reports whether it created the object.
func (s *Server) patch(r *http.Request, t target, body []byte, by writing) (object, bool, error) {
	form, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, false, apierrors.NewBadRequest(err.Error())
	}
	if types.PatchType(form) != types.ApplyPatchType {
		patched, err := s.objects.patch(t, types.PatchType(form), body, by)
		return patched, false, err
	}
	if r.URL.Query().Get("fieldManager") == "" {
		return nil, false, apierrors.NewBadRequest("PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch")
	}
	return s.objects.apply(t, body, by)
}

// delete deletes an object, or all that the request selects.
func (s *Server) delete(w http.ResponseWriter, r *http.Request, t target, body []byte) error {
	options, err := deleteOptions(s.objects.types, r.URL.Query(), body)
	if err != nil {
		return err
	}
	if t.name != "" {
		deleted, err := s.objects.delete(t, options)
		if err != nil {
			return err
		}
		respond(w, http.StatusOK, &metav1.Status{
			TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess,
			Details: &metav1.StatusDetails{Name: t.name, Kind: t.kind.resource, UID: deleted.GetUID()},
		})
		return nil
	}
	if !t.kind.namespaced || t.namespace == "" {
		return apierrors.NewMethodNotSupported(t.kind.group(), "delete")
	}
	selected, err := parseSelector(t.kind, r.URL.Query())
	if err != nil {
		return err
	}
	items, revision := s.objects.list(t, selected)
	for _, x := range items {
		one := t
		one.name = x.GetName()
		if _, err := s.objects.delete(one, options); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	respond(w, http.StatusOK, formOf(r).list(t.kind, items, strconv.FormatInt(revision, 10)))
	return nil
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
