package cluster

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	authorization "k8s.io/api/authorization/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// TestRightsOnStreams has a user who may only get what opens a stream to a pod. That is enough in
// the releases of Kubernetes that take it, and only there. TestRealKubernetes asks the real one.
func TestRightsOnStreams(t *testing.T) {
	for release, want := range map[string]Verdict{
		"v1.30.14": Denied, "v1.31.0": Allowed, "v1.34.1-gke.100": Allowed, "v1.35.0": Denied, "v1.35.0-rc.1": Denied, "unknown": Denied,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Path == "/version" {
				_, _ = fmt.Fprintf(w, `{"gitVersion":%q}`, release)
				return
			}
			text, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			var asked authorization.SelfSubjectAccessReview
			if _, _, err := scheme.Codecs.UniversalDeserializer().Decode(text, nil, &asked); err != nil || asked.Spec.ResourceAttributes == nil {
				t.Errorf("%v: %q", err, text)
				return
			}
			asked.Kind, asked.APIVersion = "SelfSubjectAccessReview", "authorization.k8s.io/v1"
			asked.Status.Allowed = asked.Spec.ResourceAttributes.Verb == "get"
			_ = json.NewEncoder(w).Encode(asked)
		}))
		c, err := Connect(&rest.Config{Host: server.URL}, "ns", "a")
		if err != nil {
			t.Fatal(err)
		}
		verdicts, err := c.Review(t.Context(), []Right{{Verb: "list", Resource: "pods"}, {Verb: "create", Resource: "pods", Subresource: "portforward"}, {Verb: "create", Resource: "pods"}})
		if err != nil || verdicts[0] != Denied || verdicts[1] != want || verdicts[2] != Denied {
			t.Errorf("%s: %v, %v", release, verdicts, err)
		}
		server.Close()
	}
}
