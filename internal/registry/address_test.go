package registry

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// The URL at which an upload continues is checked before anything is sent there.
func TestLocation(t *testing.T) {
	for location, want := range map[string]bool{
		"/v2/elsewhere": true, "//%s/v2/x": true, "https://storage.example.com/x?signature=canary": true, "http://storage.example.com/x": true,
		"http://169.254.169.254/latest/meta-data/": false, "http://192.168.1.1/": false, "http://10.0.0.1/": false, "http://[::1]/": false,
		"http://[fe80::1%%25eth0]/": false, "http://[::ffff:10.0.0.1]/": false, "http://localhost/": false, "http://0x0a000001/": false,
		"http://167772161/": false, "http://10.1/": false, "http://0.0.0.0/": false, "ftp://storage.example.com/": false, "file:///etc/passwd": false,
	} {
		asked := 0
		var mu sync.Mutex
		transport := tripper(func(request *http.Request) (*http.Response, error) {
			if request.URL.Scheme != "http" && request.URL.Path == "/v2/" {
				return nil, io.ErrUnexpectedEOF
			}
			mu.Lock()
			defer mu.Unlock()
			response := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: request}
			switch request.Method {
			case http.MethodPost:
				response.StatusCode = http.StatusAccepted
				to := location
				if strings.Contains(to, "%s") {
					to = fmt.Sprintf(to, request.URL.Host)
				}
				response.Header.Set("Location", strings.ReplaceAll(to, "%%", "%"))
			case http.MethodPut:
				asked++
				response.StatusCode = http.StatusCreated
			}
			return response, nil
		})
		r := &Client{Prefix: "127.0.0.1:9/acme", NameOptions: at("").NameOptions, Transport: transport, Pause: at("").Pause}
		repository, err := r.Reference("train")
		must(t, err)
		to, err := r.Open(t.Context(), repository, Push)
		must(t, err)
		err = to.uploadSmall(t.Context(), []byte("layer"))
		if (err == nil) != want || (asked > 0) != want {
			t.Errorf("%s: %v, and %d requests", location, err, asked)
		}
		if err != nil && (strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "is refused")) {
			t.Errorf("%s: %v", location, err)
		}
	}
	secure := &url.URL{Scheme: "https", Host: "gcr.io"}
	if checkAddress(secure, &url.URL{Scheme: "http", Host: "gcr.io"}) == nil {
		t.Error("an upload leaves TLS")
	}
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
