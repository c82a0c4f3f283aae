package kubernetes

import (
	"fmt"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// user is the name of the only user, in messages.
const user = "slipway"

// serveSubresource serves the logs and the ports of pods.
func (s *Server) serveSubresource(w http.ResponseWriter, r *http.Request, t target) error {
	if t.kind != podKind {
		return forbidden(r, t)
	}
	s.refresh(t.kind)
	found, err := s.objects.get(t.kind, t.namespace, t.name)
	if err != nil {
		return err
	}
	pod := found.(*corev1.Pod)
	switch {
	case t.subresource == "log" && r.Method == http.MethodGet:
		return s.log(w, r, pod)
	case t.subresource == "portforward" && (r.Method == http.MethodGet || r.Method == http.MethodPost):
		return s.forward(w, r, pod)
	case t.subresource == "status" && r.Method == http.MethodGet:
		respond(w, http.StatusOK, formOf(r).one(pod))
		return nil
	}
	return forbidden(r, t)
}

// forbidden returns the refusal of what nobody may do in the sandbox, in the words of an
// API server.
func forbidden(r *http.Request, t target) error {
	verb := map[string]string{http.MethodGet: "get", http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete"}[r.Method]
	if verb == "delete" && t.name == "" {
		verb = "deletecollection"
	}
	reason := "nobody may, in the sandbox"
	if t.kind.derived {
		reason = "the " + t.kind.resource + " of the sandbox are those of Polyaxon's runs; `slipway stop RUN` stops a run"
	}
	where := "at the cluster scope"
	if t.namespace != "" {
		where = fmt.Sprintf("in the namespace %q", t.namespace)
	}
	return apierrors.NewForbidden(t.kind.group(), t.name, fmt.Errorf("User %q cannot %s resource %q in API group \"\" %s: %s", user, verb, t.resource(), where, reason)) //nolint:staticcheck // Kubernetes' words
}
