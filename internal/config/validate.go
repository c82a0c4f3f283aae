package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// validate checks the rules that concern several parts of a configuration. Each part by
// itself is already valid.
func (c *Config) validate() []*source.Error {
	c.names = c.sortedNames()
	var errs []*source.Error
	fail := func(hint string, path []string, format string, args ...any) {
		errs = append(errs, &source.Error{Position: c.At(path...), Message: fmt.Sprintf(format, args...), Hint: hint})
	}
	reported := c.validateOneOf(fail)
	c.validateGoogle(fail)
	c.validateGKE(fail)
	c.validateAddresses(fail)
	c.validateMLflow(fail)
	c.validateData(fail)
	for _, name := range keys(c.Images) {
		i, at := c.Images[name], []string{"images", name}
		switch {
		case reported[strings.Join(at, "\x00")]: // its kind is ambiguous
		case i.Base != "" && i.Kind() != "files":
			fail("", append(at, "base"), "base of image %s must be set under %s", name, i.Kind())
		case i.Dockerfile == "" && (len(i.BuildArgs) > 0 || len(i.BuildSecrets) > 0 || i.SSH || i.Git || i.Target != ""):
			fail("", at, "image %s has build-args, build-secrets, ssh or target without a dockerfile", name)
		case len(i.System) > 0 && i.Kind() != "files" && i.Kind() != "python":
			fail("add them in the Dockerfile with apt-get, or to another image that is the base", append(at, "system"), "image %s is of kind %s, and system is for kinds python and files", name, i.Kind())
		case len(i.System) > 0 && i.Kind() == "files" && (i.Base == "" || i.Base == "scratch"):
			fail("name one that has apt, such as debian:stable-slim", append(at, "system"), "image %s has system packages and no base", name)
		default:
			c.validateBase(i, at, fail)
		}
	}
	c.validateBases(fail)
	for _, host := range keys(c.RegistryMirrors) {
		if !registryHost.MatchString(host) {
			fail("write the host alone, as in docker.io", []string{"registry-mirrors", host}, "%q is not the host of a registry", host)
		}
	}
	for _, address := range keys(c.SystemMirrors) {
		if !forms["url"].matches(address) {
			fail("write it as in the base's apt sources, such as http://debian.example.com/debian", []string{"system-mirrors", address}, "%q is not the address of a repository", address)
		}
	}
	for _, name := range keys(c.Secrets) {
		for _, key := range keys(c.Secrets[name].Data) {
			if len(key) > 253 || !secretKey.MatchString(key) || strings.HasPrefix(key, "..") || key == "." {
				fail("", []string{"secrets", name, "data", key}, "%q cannot be a key of secret %s: use letters, digits, dashes, underscores and dots, at most 253, as Kubernetes requires", key, name)
			}
		}
	}
	if v := c.Volume; v != nil && v.Create != nil && v.Connection != "" {
		fail("name the claim that the connection uses by volume.claim, or leave out create", []string{"volume", "create"}, "volume.create is for a claim, not for a connection")
	}
	for _, name := range keys(c.Jobs) {
		if c.Services[name] != nil {
			fail("", []string{"services", name}, "%s is already the name of a job", name)
		}
		c.validateJob(c.Jobs[name], []string{"jobs", name}, fail)
	}
	for _, name := range keys(c.Services) {
		c.validateJob(c.Services[name], []string{"services", name}, fail)
	}
	c.validateServe(fail)
	if len(errs) == 0 {
		if found := cycle(keys(c.Jobs), func(name string) []string { return c.Jobs[name].After }); found != nil {
			fail("", []string{"jobs", found[0], "after"}, "dependency cycle in after: %s", strings.Join(found, " -> "))
		}
	}
	return errs
}

// registryHost matches the host of a registry with its port.
var registryHost = lazyregexp.New(`^[A-Za-z0-9.-]+(:[0-9]{1,5})?$`)

// secretKey matches the characters that Kubernetes allows in a key of a Secret.
var secretKey = lazyregexp.New(`^[-._a-zA-Z0-9]+$`)

func (c *Config) validateJob(j *Job, at []string, fail func(string, []string, string, ...any)) {
	if j.Image != "" && c.Images[j.Image] == nil {
		fail(suggest(j.Image, c.names.Images), append(at, "image"), "image %s not found", j.Image)
	}
	for _, name := range keys(j.Params) {
		if from, isSecret := SecretParam(j.Params[name]); isSecret {
			if _, err := secret.ParseSource(from); err != nil {
				// The value is not shown, as it may be the secret itself.
				fail("write secret:env:NAME or secret:file:PATH", append(slices.Clone(at), "params", name), "params.%s of %s begins with secret: but is not a valid secret source", name, j.Name)
			}
		}
	}
	if len(j.Artifacts) > 0 && c.Bucket == "" {
		fail("name where they are copied to, such as bucket: gs://acme-ml", append(slices.Clone(at), "artifacts"), "artifacts of job %s need a bucket", j.Name)
	}
	for _, name := range keys(j.Artifacts) {
		if !forms["slug"].matches(name) {
			fail("", append(slices.Clone(at), "artifacts", name), "%q cannot be the name of an artifact: use %s", name, forms["slug"].description)
		}
	}
	c.validateReferences(j, at, fail)
	referred := map[string]bool{}
	for _, r := range j.References() {
		referred[r.Job] = true
	}
	seen := map[string]bool{}
	for n, before := range j.After {
		path := append(append([]string{}, at...), "after", fmt.Sprint(n))
		switch {
		case c.Jobs[before] == nil && referred[before]: // reported at the param
		case c.Jobs[before] == nil:
			fail(suggest(before, c.names.Jobs), path, "job %s not found", before)
		case seen[before]:
			fail("", path, "%s is listed twice in after", before)
		}
		seen[before] = true
	}
}

// suggest returns a hint for an unknown name: the nearest known name, or all of them.
func suggest(name string, known []string) string {
	return cmp.Or(source.Suggest(name, "known names are ", known), "none are declared")
}

// keys returns the keys of m, sorted.
func keys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
