package kubernetes

import (
	"fmt"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// user is the name of the only user, in messages.
const user = "slipway"

// Refuse responds to a request that is not passed on to the server, in the form of an API
// server's refusals.
func Refuse(w http.ResponseWriter, code int, message string) {
	reason := map[int]metav1.StatusReason{
		http.StatusUnauthorized: metav1.StatusReasonUnauthorized, http.StatusForbidden: metav1.StatusReasonForbidden,
		http.StatusServiceUnavailable: metav1.StatusReasonServiceUnavailable,
	}[code]
	respond(w, code, &metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: message, //nolint:gosec // a status of HTTP
	})
}

// checkImpersonation refuses requests in another user's name, because there is none.
func checkImpersonation(r *http.Request) error {
	for _, as := range []struct{ header, resource string }{{"Impersonate-User", "users"}, {"Impersonate-Group", "groups"}, {"Impersonate-Uid", "uids"}} {
		if name := r.Header.Get(as.header); name != "" {
			return apierrors.NewForbidden(schema.GroupResource{Resource: as.resource}, name, fmt.Errorf("User %q cannot impersonate resource %q in API group \"\" at the cluster scope", user, as.resource)) //nolint:staticcheck // Kubernetes' words
		}
	}
	return nil
}

// forbidden returns the refusal of what nobody may do in the sandbox, in the words of an
// API server.
func forbidden(r *http.Request, t target) error {
	verb := map[string]string{http.MethodGet: "get", http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete"}[r.Method]
	if verb == "delete" && t.name == "" {
		verb = "deletecollection"
	}
	where := "at the cluster scope"
	if t.namespace != "" {
		where = fmt.Sprintf("in the namespace %q", t.namespace)
	}
	return apierrors.NewForbidden(t.kind.group(), t.name, fmt.Errorf("User %q cannot %s resource %q in API group \"\" %s: %s", user, verb, t.resource(), where, t.refusal())) //nolint:staticcheck // Kubernetes' words
}

// refusal says why the user may not do something with the target.
func (t target) refusal() string {
	switch {
	case t.kind == nodeKind:
		return "the only node of the sandbox is this machine"
	case t.subresource == "exec" || t.subresource == "attach":
		return "the sandbox runs no commands in the pods of Polyaxon's runs"
	case t.kind.derived:
		return "the " + t.kind.resource + " of the sandbox are those of Polyaxon's runs; `slipway stop RUN` stops a run"
	}
	return "nobody may, in the sandbox"
}

// methodNotSupported returns the refusal of a method that the target does not have.
func methodNotSupported(r *http.Request, t target) error {
	return apierrors.NewMethodNotSupported(t.kind.group(), strings.ToLower(r.Method))
}
