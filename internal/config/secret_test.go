package config

import (
	"reflect"
	"slices"
	"testing"
)

// TestSourcesAreComplete has a secret source in each place that takes one. It
// fails when a key for a new source is added and not named here.
func TestSourcesAreComplete(t *testing.T) {
	const google = "\ngoogle: {credentials: \"env:GOOGLE\"}"
	const federated = "\ngoogle: {workload-identity-provider: projects/1/locations/global/workloadIdentityPools/ci/providers/gitlab, id-token: \"env:ID\"}"
	const rest = `
secrets: {a: {data: {K: "env:DATA"}}, b: {docker-registry: {server: gcr.io, service-account-key: "env:REGISTRY"}},
  c: {tls: {cert: "env:CERT", key: "env:TLS_KEY"}}, d: {basic-auth: {username: u, password: "env:BASIC"}}}
images: {i: {dockerfile: Dockerfile, build-secrets: {s: "env:BUILD"}}}
registry: gcr.io/x
polyaxon: {host: "https://x.example", token: "env:POLYAXON"}
mlflow: {tracking-uri: "https://m.example", username: u, password: "env:MLFLOW"}
jobs: {j: {polyaxonfile: a.yml, params: {P: "secret:env:PARAM", Q: "env:PLAIN"}}}
services: {s: {component: jupyter, params: {P: "secret:env:SERVICE"}}}
`
	for text, source := range map[string]string{google: "env:GOOGLE", federated: "env:ID"} {
		c, err := load(t, text+rest, Options{Lookup: environment()})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"env:BASIC", "env:BUILD", "env:CERT", "env:DATA", source, "env:MLFLOW", "env:PARAM", "env:POLYAXON", "env:REGISTRY", "env:SERVICE", "env:TLS_KEY"}
		if got := c.Sources(); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if places := sourcesOf(reflect.TypeFor[Config](), map[reflect.Type]bool{}); places != 10 {
		t.Errorf("%d keys take a secret source: give those of all from Sources, and name them above", places)
	}
}

// sourcesOf counts the keys below a type that take a secret source.
func sourcesOf(of reflect.Type, seen map[reflect.Type]bool) (n int) {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Map || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || seen[of] {
		return 0
	}
	seen[of] = true
	for i := range of.NumField() {
		field := of.Field(i)
		if field.Tag.Get("form") == "source" {
			n++
		}
		n += sourcesOf(field.Type, seen)
	}
	return n
}

// TestRegistryAddresses has addresses that Kubernetes compares with names of images, and those that
// would never match one.
func TestRegistryAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"asia.gcr.io": true, "https://asia.gcr.io": true, "https://index.docker.io/v1/": true, "europe-docker.pkg.dev/acme-ml/images": true,
		"registry:5000": true, "http://127.0.0.1:5000": true, "[::1]:5000": true, "*.gcr.io": true,
		"https://": false, "Asia.gcr.io": false, "a b": false, "user@asia.gcr.io": false, "gcr.io?x=1": false, "gcr.io#x": false, "gcr.io:": false,
		"gcr.io:port": false, "ftp://gcr.io": false, "gcr.io, asia.gcr.io": false,
	} {
		if got := forms["registry"].matches(address); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
}
