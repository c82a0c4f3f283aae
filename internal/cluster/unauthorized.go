package cluster

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// unauthorized is a transport that says what to do about status 401. Kubernetes itself says only
// "Unauthorized", or that the server has asked for credentials.
type unauthorized struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (u unauthorized) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := u.next.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	text, err := json.Marshal(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Reason: metav1.StatusReasonUnauthorized, Code: http.StatusUnauthorized,
		Message: "Unauthorized: the token or the certificate for this cluster has expired or is wrong (log in to the cluster again; slipway doctor checks the access)"})
	if err != nil {
		return response, err
	}
	_ = response.Body.Close()
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	response.Header.Set("Content-Type", "application/json")
	response.Header.Del("Content-Length")
	response.Header.Del("Content-Encoding")
	return response, nil
}

// WrappedRoundTripper returns the transport below, as client-go looks for it.
func (u unauthorized) WrappedRoundTripper() http.RoundTripper { return u.next }
