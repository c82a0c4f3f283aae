package google_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/internal/secret"
)

// jsonOf decodes a JSON object.
func jsonOf(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	return object
}

// TestBadKeys gives what people give by mistake in place of a key. Each error says what it
// is, and has no part of it.
func TestBadKeys(t *testing.T) {
	const canary = "canary7c1e9d2b"
	s := googletest.New(t)
	good := s.NewKey(s.Account("deployer"))
	with := func(name string, value any) []byte {
		key := jsonOf(t, good)
		if key[name] = value; value == nil {
			delete(key, name)
		}
		return text(t, key)
	}
	private, _ := jsonOf(t, good)["private_key"].(string)
	for _, c := range []struct {
		name string
		key  []byte
		want string
	}{
		{"not JSON", []byte(canary), "is not JSON"},
		{"blank", []byte(" \n"), "is empty"},
		{"nothing", nil, "is empty"},
		{"cut", good[:len(good)/2], "is not valid JSON"},
		{"a byte order mark", append([]byte("\ufeff"), good...), "begins with a byte order mark"},
		{"UTF-16", append([]byte("\xff\xfe"), good...), "begins with a byte order mark"},
		{"in quotes", []byte("'" + string(good) + "'"), "is in quotes"},
		{"encoded as JSON", text(t, string(good)), "is in quotes"},
		{"quotes escaped", []byte(strings.ReplaceAll(string(good), `"`, `\"`)), "has backslashes before its quotes"},
		{"real line breaks", []byte(strings.ReplaceAll(string(good), `\n`, "\n")), `a line break in place of \n`},
		{"encoded", []byte(base64.StdEncoding.EncodeToString(good)), "is encoded with base64"},
		{"a path", []byte("/home/ada/key.json"), "is the path of a file"},
		{"only the private key", []byte(private), "has only the private key"},
		{"a list", []byte(`["` + canary + `"]`), "is not JSON"},
		{"a user", s.Login("ada@acme.dev"), "a user's credentials (type authorized_user)"},
		{"a federation", []byte(`{"type": "external_account"}`), "Workload Identity Federation"},
		{"another type", []byte(`{"type": "impersonated_service_account"}`), "type impersonated_service_account"},
		{"an unknown type", with("type", canary), `its "type" is not "service_account"`},
		{"no type", with("type", nil), `its "type" is not "service_account"`},
		{"a client secret", []byte(`{"web": {"client_secret": "` + canary + `"}}`), "client secret of an OAuth application"},
		{"another universe", with("universe_domain", "s3nsapis.fr"), "universe domain"},
		{"no account", with("client_email", nil), "has no client_email"},
		{"no project", with("project_id", nil), "has no project_id"},
		{"no key", with("private_key", nil), "has no private_key"},
		{"a number", with("client_email", 7), "of another type"},
		{"not an address", with("client_email", canary), "not an address"},
		{"escaped twice", with("private_key", strings.ReplaceAll(private, "\n", `\n`)), "escaped twice"},
		{"not PEM", with("private_key", canary), "not PEM"},
		{"another key", with("private_key", "-----BEGIN PRIVATE KEY-----\n"+base64.StdEncoding.EncodeToString([]byte(canary))+"\n-----END PRIVATE KEY-----\n"), "cannot be parsed"},
		{"encrypted", with("private_key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"), "encrypted"},
	} {
		_, err := google.Find(t.Context(), google.Options{Key: secret.NewValue(c.key), KeyFrom: "env:GCP_SA_KEY"})
		bad := new(google.KeyError)
		switch {
		case !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "env:GCP_SA_KEY "):
			t.Errorf("%s: %v", c.name, err)
		case strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), private[30:60]):
			t.Errorf("%s: the error has a part of the key: %v", c.name, err)
		}
	}
	key, err := google.ParseKey(good, "")
	if err != nil || key.Project != googletest.Project || !strings.HasPrefix(key.Account, "deployer@") {
		t.Errorf("%+v: %v", key, err)
	}
}
