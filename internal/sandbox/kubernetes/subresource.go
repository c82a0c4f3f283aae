package kubernetes

import (
	"net/http"

	corev1 "k8s.io/api/core/v1"
)

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
