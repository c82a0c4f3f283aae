package google

import (
	"fmt"
	"net/url"
)

// HostError reports that a file with credentials names an address to which tokens must not be
// sent. Package x/oauth2 sends them wherever the file says.
type HostError struct {
	// From names the file, and Key is the key that has the address.
	From, Key, Problem string
}

// Error implements error.
func (e *HostError) Error() string {
	return fmt.Sprintf("%s cannot be used: its %s %s; make the file anew with gcloud, and do not use one of a source that you do not trust", e.From, e.Key, e.Problem)
}

// checkHosts returns a *HostError if the file would have tokens sent to other hosts than those
// of Google, of this machine, or of endpoints.
func (f *credentialsFile) checkHosts(from string, endpoints Endpoints) error {
	if f.UniverseDomain != "" && f.UniverseDomain != publicUniverse {
		return &HostError{from, "universe_domain", "is not " + publicUniverse + ", Google's public cloud"}
	}
	for _, one := range []struct{ key, address string }{
		{"token_uri", f.TokenURI}, {"token_url", f.TokenURL}, {"token_info_url", f.TokenInfoURL}, {"service_account_impersonation_url", f.Impersonation},
	} {
		if one.address == "" || endpoints.has(one.address) {
			continue
		}
		if problem := untrusted(one.address); problem != "" {
			return &HostError{from, one.key, problem}
		}
	}
	if f.Source != nil {
		return f.Source.checkHosts(from, endpoints)
	}
	return nil
}

// has reports whether an address is at the host of a service that issues tokens.
func (e Endpoints) has(address string) bool {
	at, err := url.Parse(address)
	if err != nil || at.User != nil {
		return false
	}
	for _, own := range []string{e.Token, e.STS, e.IAMCredentials} {
		if known, err := url.Parse(own); err == nil && known.Scheme == at.Scheme && known.Host == at.Host {
			return true
		}
	}
	return false
}
