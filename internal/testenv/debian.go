package testenv

import (
	"context"
	"net/http"
	"os"
	"regexp"
	"time"
)

var debianURI = regexp.MustCompile(`(?m)^URIs: (\S+)\nSuites: bookworm\b`)

// HasDebian reports whether this machine is Debian bookworm and its repository can be reached.
func HasDebian(ctx context.Context) bool {
	text, err := os.ReadFile("/etc/apt/sources.list.d/debian.sources")
	m := debianURI.FindSubmatch(text)
	if err != nil || m == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, string(m[1])+"/dists/bookworm/InRelease", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}
