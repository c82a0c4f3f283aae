package cluster

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	authorization "k8s.io/api/authorization/v1"
	"k8s.io/client-go/rest"
)

// TestListIsEnough has a user who may list Secrets and not get one. Such a user reads one Secret, too,
// and Review says so.
func TestListIsEnough(t *testing.T) {
	for _, list := range []bool{true, false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			switch {
			case strings.HasSuffix(r.URL.Path, "reviews"):
				var asked authorization.SelfSubjectAccessReview
				if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
					t.Error(err)
				}
				asked.Status.Allowed = list && asked.Spec.ResourceAttributes.Verb == "list"
				_ = json.NewEncoder(w).Encode(asked)
			case strings.HasSuffix(r.URL.Path, "/secrets") && list:
				_, _ = w.Write([]byte(`{"kind":"SecretList","apiVersion":"v1","items":[{"metadata":{"name":"db"}},{"metadata":{"name":"other"}}]}`))
			default:
				w.WriteHeader(http.StatusForbidden)
				_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}`))
			}
		}))
		c, err := Connect(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}, "ns", "a")
		if err != nil {
			t.Fatal(err)
		}
		get := Right{Verb: "get", Resource: "secrets", Name: "db"}
		verdicts, err := c.Review(t.Context(), []Right{get, {Verb: "get", Resource: "configmaps"}, {Verb: "list", Resource: "secrets"}})
		if err != nil || (verdicts[0] == Allowed) != list || verdicts[1] != Denied {
			t.Errorf("list %t: %v, %v", list, verdicts, err)
		}
		found, unread, err := c.ReadableSecrets(t.Context(), []string{"db"})
		if err != nil || (len(found) == 1 && found[0].Name == "db") != list || (unread["db"] != nil) == list {
			t.Errorf("list %t: found %v, unread %v, %v", list, found, unread, err)
		}
		server.Close()
	}
}
