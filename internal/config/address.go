package config

import (
	"net/url"
	"strings"
)

// validateAddresses refuses the addresses of servers that have more than a host, a port and a path. They are sent to
// jobs, and shown to people, and credentials have keys of their own.
func (c *Config) validateAddresses(fail func(hint string, path []string, format string, args ...any)) {
	check := func(section, key, address, credentials string) {
		if problem, hint := addressProblem(address, credentials); problem != "" {
			fail(hint, []string{section, key}, "%s.%s %s", section, key, problem)
		}
	}
	if c.Polyaxon != nil {
		check("polyaxon", "host", c.Polyaxon.Host, "polyaxon.token")
	}
	if c.MLflow.Address() != "" {
		check("mlflow", "tracking-uri", c.MLflow.Address(), "mlflow.username and mlflow.password")
	}
}

// addressProblem says what is wrong with the address of a server, without the address, which may have a password.
// credentials are the keys that have what people write into it.
func addressProblem(address, credentials string) (problem, hint string) {
	at, err := url.Parse(address)
	switch {
	case err != nil || at.Hostname() == "":
		return "is not a valid address", "write it as https://HOST, https://HOST:PORT or https://HOST/PATH"
	case at.User != nil:
		return "must not have a user or a password", "name them by " + credentials
	case strings.ContainsAny(address, "?#"):
		return "must not have a query or a fragment", "leave out what begins with ? or #"
	}
	return "", ""
}
